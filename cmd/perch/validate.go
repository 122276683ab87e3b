package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/perch-gitops/perch/nodeselect"
	"github.com/perch-gitops/perch/render"
)

// validation is what validate prints.
type validation struct {
	Valid    bool              `json:"valid"`
	Error    string            `json:"error,omitempty"` // of perch.yaml itself
	Overlays []overlayValidity `json:"overlays"`
}

type overlayValidity struct {
	Path  string   `json:"path"`
	Pods  []string `json:"pods"`
	Error string   `json:"error,omitempty"`
}

func newValidate(o *options) *cobra.Command {
	var node string
	cmd := withOutput(o, &cobra.Command{
		Use:   "validate DIR",
		Short: "Check every overlay of a fleet repository as each node would",
		Long: `validate reads perch.yaml and renders and checks every overlay that it names, whichever node it is for. It needs no
configuration and no node, so it can run before a merge. It exits with 1 if anything is wrong.

Whether two overlays that go to one node fit together depends on the node: perch render shows that.`,
		Example: `  perch validate examples/fleet

  # In a pipeline
  perch validate . -o json | jq -e .valid`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			tree, err := os.OpenRoot(args[0])
			if err != nil {
				return failed(err)
			}
			defer tree.Close() //nolint:errcheck // opened for reading: nothing is lost
			v := validateTree(cmd.Context(), tree.FS(), node)
			if err := o.print(cmd.OutOrStdout(), v, v.text); err != nil {
				return failed(err)
			}
			if !v.Valid {
				return &exitError{code: exitFailed}
			}
			return nil
		},
	})
	cmd.Flags().StringVar(&node, "node", "node", "check as the node with this `name` would")
	return cmd
}

func validateTree(ctx context.Context, tree fs.FS, node string) validation {
	v := validation{Valid: true, Overlays: []overlayValidity{}}
	data, err := fs.ReadFile(tree, nodeselect.File)
	if err != nil {
		return validation{Error: fmt.Sprintf("read the fleet file at the root of the repository: %v", err), Overlays: v.Overlays}
	}
	fleet, err := nodeselect.Parse(data)
	if err != nil {
		return validation{Error: err.Error(), Overlays: v.Overlays}
	}
	for _, overlay := range fleet.Overlays {
		result := overlayValidity{Path: overlay.Path, Pods: []string{}}
		manifests, err := render.Overlays(ctx, tree, []string{overlay.Path}, node)
		if err != nil {
			result.Error, v.Valid = err.Error(), false
		}
		for _, manifest := range manifests {
			result.Pods = append(result.Pods, manifest.String())
		}
		v.Overlays = append(v.Overlays, result)
	}
	return v
}

func (v validation) text(out io.Writer) error {
	w := &errWriter{out: out}
	if v.Error != "" {
		w.printf("%s\n", v.Error)
	}
	for _, overlay := range v.Overlays {
		if overlay.Error != "" {
			w.printf("%s: invalid\n%s\n", overlay.Path, overlay.Error)
			continue
		}
		w.printf("%s: valid, %d Pods\n", overlay.Path, len(overlay.Pods))
	}
	return w.err
}
