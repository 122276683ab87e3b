package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// withOutput gives a command -o text|json|yaml, checked before it runs.
func withOutput(o *options, cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "output `format`: text, json or yaml")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		switch o.output {
		case "text", "json", "yaml":
			return nil
		}
		return exit(exitUsage, fmt.Errorf("--output %q: must be text, json or yaml", o.output))
	}
	return cmd
}

// print writes data in the chosen format; text is written by the caller's function.
func (o *options) print(out io.Writer, data any, text func(io.Writer) error) error {
	switch o.output {
	case "json":
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(data)
	case "yaml":
		encoded, err := yaml.Marshal(data)
		if err != nil {
			return err
		}
		_, err = out.Write(encoded)
		return err
	default:
		return text(out)
	}
}
