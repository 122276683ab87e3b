package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
)

func newRun(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Keep this node at what Git says, until it is told to stop",
		Long: `run syncs at once, then on source.schedule, then whenever it gets a SIGUSR1. It stops cleanly on SIGTERM: a change
that is under way is finished by the next start. While nothing changes it logs nothing.`,
		Example: `  # Under systemd, or by hand
  perch run --config /etc/perch/perch.yaml

  # Sync now instead of at the next poll
  systemctl kill -s USR1 perch`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := o.load()
			if err != nil {
				return err
			}
			schedule, err := c.Schedule()
			if err != nil {
				return exit(exitUsage, err)
			}
			log := o.logger(cmd.ErrOrStderr())
			a, done, err := assemble(c, log)
			if err != nil {
				return err
			}
			asked, stop := asks(cmd.Context())
			defer stop()
			log.WithField("node", c.Node.Name).WithField("source", c.Source.Ref).WithField("schedule", c.Source.Schedule).Info("perch runs")
			notify(daemon.SdNotifyReady)
			a.Run(cmd.Context(), schedule, asked)
			notify(daemon.SdNotifyStopping)
			log.Info("perch stops, as asked")
			return failed(done())
		},
	}
}

// asks turns each SIGUSR1 into a request to sync; several at once are one.
func asks(ctx context.Context) (<-chan struct{}, func()) {
	signals, asked := make(chan os.Signal, 1), make(chan struct{}, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
				select {
				case asked <- struct{}{}:
				default:
				}
			}
		}
	}()
	return asked, func() { signal.Stop(signals); <-ended }
}

// notify tells systemd, where it is there to be told.
func notify(state string) { daemon.SdNotify(false, state) } //nolint:errcheck // without systemd there is nobody to tell
