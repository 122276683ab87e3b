// Command perch changes a Kubernetes control plane with git push: a GitOps agent for the static Pods of one node.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/perch-gitops/perch/cmd/perch/internal/config"
)

func main() {
	os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr))
}

// Main runs perch and returns its exit code. Data goes to stdout; everything that is said to a person, to stderr.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var coded *exitError
	if !errors.As(err, &coded) {
		coded = &exitError{code: exitUsage, err: err} // cobra's own errors are about the command line
	}
	if coded.err != nil {
		fmt.Fprintln(stderr, "perch:", coded.err)
	}
	return coded.code
}

// options are the flags that every command has.
type options struct {
	config  string
	output  string
	verbose bool
}

func newRoot() *cobra.Command {
	o := &options{}
	root := &cobra.Command{
		Use:   "perch",
		Short: "Change a Kubernetes control plane with git push",
		Long: `perch keeps the static Pods of a Kubernetes node at what a Git repository says, and puts the last good
revision back when a new one does not get well. It needs no API server: it is what brings the API server up.

Exit codes: 0 done, or nothing to do; 1 failed: the node is unchanged, or what is under way goes on with the next sync;
2 bad usage or configuration; 3 rolled back; 4 refused; 5 degraded: the confirmed revision is ill too. plan exits with 6
if there are changes.`,
		Example: `  # What would a push change on this node, and why?
  perch plan

  # What does this node run, and what was taken back?
  perch status`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&o.config, "config", config.DefaultPath, "the agent's configuration `file`")
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "log what happens at each poll, too")
	root.AddCommand(newRun(o), newOnce(o), newPlan(o), newRender(o), newValidate(o), newStatus(o), newVersion(o))
	return root
}
