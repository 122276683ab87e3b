package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// syncResult is what once prints.
type syncResult struct {
	Outcome string `json:"outcome"`
	Commit  string `json:"commit,omitempty"`
	Digest  string `json:"digest,omitempty"`
	Error   string `json:"error,omitempty"`
}

func newOnce(o *options) *cobra.Command {
	return withOutput(o, &cobra.Command{
		Use:   "once",
		Short: "Sync this node once, wait for the verdict, and exit",
		Long: `once does what run does at each poll: it finishes what was interrupted, looks at Git, and makes this node
run what it finds. The exit code says what came of it: 0 confirmed or unchanged, 1 failed, 3 rolled back, 4 refused,
5 degraded.`,
		Example: `  # Sync now and see each step
  perch once

  # In a script
  perch once -o json | jq -r .outcome`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := o.load()
			if err != nil {
				return err
			}
			a, done, err := assemble(c, o.logger(cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			outcome, err := a.Sync(cmd.Context())
			result := syncResult{Outcome: string(outcome)}
			if confirmed := a.History.State().Confirmed; confirmed != nil {
				result.Commit, result.Digest = confirmed.Commit, confirmed.Digest
			}
			if err != nil {
				result.Error = err.Error()
			}
			if err := o.print(cmd.OutOrStdout(), result, result.text); err != nil {
				return failed(err)
			}
			if err := done(); err != nil {
				return failed(err)
			}
			if code := exitCode(outcome); code != exitOK {
				return &exitError{code: code} // the log has said why
			}
			return nil
		},
	})
}

func (s syncResult) text(out io.Writer) error {
	running := "nothing yet"
	if s.Digest != "" {
		running = "revision " + s.Digest[:12]
	}
	_, err := fmt.Fprintf(out, "%s: confirmed on this node is %s\n", s.Outcome, running)
	return err
}
