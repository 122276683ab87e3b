package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/perch-gitops/perch/cmd/perch/internal/config"
	"github.com/perch-gitops/perch/sync/history"
)

// nodeStatus is what status prints.
type nodeStatus struct {
	Node      string            `json:"node"`
	State     string            `json:"state"` // Waiting, Confirmed, Changing, TurningBack, Degraded
	Confirmed *history.Origin   `json:"confirmed"`
	InFlight  *history.Flight   `json:"inFlight"`
	Rejected  []rejected        `json:"rejected"`
	Deferred  []rejected        `json:"deferred"` // taken back without blame, to be tried again
	LastSync  *history.LastSync `json:"lastSync"`
}

type rejected struct {
	Digest  string    `json:"digest"`
	Commit  string    `json:"commit"`
	Subject string    `json:"subject,omitempty"`
	Reason  string    `json:"reason"`
	Time    time.Time `json:"time"`
	Until   time.Time `json:"until,omitzero"` // when it may be tried again
}

func newRejected(all []history.Rejection) []rejected {
	list := []rejected{}
	for _, r := range all {
		list = append(list, rejected{r.Digest, r.Commit, r.Subject, r.Reason, r.RejectedAt, r.Until})
	}
	return list
}

func newStatus(o *options) *cobra.Command {
	return withOutput(o, &cobra.Command{
		Use:   "status",
		Short: "Show what this node runs, what is under way, and what was taken back",
		Long: `status reads what the agent has recorded on disk, so it answers with the agent running, stopped or dead, and with no
API server.`,
		Example: `  perch status

  # The commit that this node runs
  perch status -o json | jq -r .confirmed.commit`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := o.load()
			if err != nil {
				return err
			}
			status, err := readStatus(c)
			if err != nil {
				return failed(err)
			}
			return failed(o.print(cmd.OutOrStdout(), status, status.text))
		},
	})
}

func readStatus(c config.AgentConfiguration) (nodeStatus, error) {
	status := nodeStatus{Node: c.Node.Name}
	state, err := history.Read(c.State.Dir)
	if err != nil {
		return status, err
	}
	status.Confirmed, status.InFlight, status.State = state.Confirmed, state.InFlight, state.Phase()
	status.Rejected, status.Deferred = newRejected(state.Rejected), newRejected(state.Deferred)
	status.LastSync, err = history.ReadLastSync(c.State.Dir)
	return status, err
}

func (s nodeStatus) text(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n\t")
		fmt.Fprintf(table, "%s:\t%s\n", name, text) //nolint:errcheck // Flush reports it
	}
	row("Node", "%s", s.Node)
	row("State", "%s", s.State)
	if s.Confirmed == nil {
		row("Confirmed", "nothing yet")
	} else {
		row("Confirmed", "%s  commit %s  %s", s.Confirmed.Short(), s.Confirmed.ShortCommit(), s.Confirmed.Subject)
	}
	if f := s.InFlight; f != nil {
		row("In flight", "%s  commit %s  %s  since %s", f.To.Short(), f.To.ShortCommit(), f.To.Subject, stamp(f.Started))
		if f.Back != nil {
			row("Turned back", "%s: %s", stamp(f.Back.Time), f.Back.Reason)
		}
		if why := f.Illness(); why != "" {
			row("Degraded", "%s", why)
		}
	}
	for _, r := range s.Rejected {
		row("Rejected", "%s  commit %s  %s  at %s: %s", short(r.Digest), short(r.Commit), r.Subject, stamp(r.Time), r.Reason)
	}
	for _, r := range s.Deferred {
		row("Put off", "%s  commit %s  %s  until %s: %s", short(r.Digest), short(r.Commit), r.Subject, stamp(r.Until), r.Reason)
	}
	if s.LastSync == nil {
		row("Last sync", "never")
	} else {
		row("Last sync", "%s  %s  commit %s", stamp(s.LastSync.Time), s.LastSync.Outcome, short(s.LastSync.Commit))
		if s.LastSync.Error != "" {
			row("Last error", "%s", s.LastSync.Error)
		}
	}
	return table.Flush()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func short(hash string) string {
	if hash == "" {
		return "none"
	}
	return hash[:min(len(hash), 12)]
}
