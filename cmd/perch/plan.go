package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"

	"github.com/perch-gitops/perch/cmd/perch/internal/config"
	"github.com/perch-gitops/perch/render"
	"github.com/perch-gitops/perch/sync/agent"
	"github.com/perch-gitops/perch/sync/history"
	"github.com/perch-gitops/perch/sync/manifestdir"
	"github.com/perch-gitops/perch/sync/rollout"
)

// preview is what plan prints.
type preview struct {
	Node     string          `json:"node"`
	Commit   string          `json:"commit"`
	Subject  string          `json:"subject"`
	Digest   string          `json:"digest"`
	Rejected string          `json:"rejected,omitempty"` // why the agent would refuse it
	Changes  []previewChange `json:"changes"`
}

type previewChange struct {
	Pod     string             `json:"pod"`
	File    string             `json:"file"`
	Action  manifestdir.Action `json:"action"`
	Wave    int                `json:"wave,omitempty"`
	Restart bool               `json:"restarts"` // a running Pod ends and a new one starts
	Why     string             `json:"why"`
	Diff    string             `json:"diff"`
}

func newPlan(o *options) *cobra.Command {
	return withOutput(o, &cobra.Command{
		Use:   "plan",
		Short: "Show what the next sync would change on this node, which Pods would restart, and why",
		Long: `plan fetches, renders and checks the newest commit, and compares it with the manifests in place. It changes nothing
and works beside a running agent. It exits with 0 if there is nothing to change and with 6 if there is.`,
		Example: `  perch plan

  # Only the names of the Pods that would restart
  perch plan -o json | jq -r '.changes[] | select(.restarts) | .pod'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := o.load()
			if err != nil {
				return err
			}
			p, err := makePreview(cmd.Context(), c, o)
			if err != nil {
				return failed(err)
			}
			if err := o.print(cmd.OutOrStdout(), p, p.text); err != nil {
				return failed(err)
			}
			if len(p.Changes) > 0 {
				return &exitError{code: exitChanges}
			}
			return nil
		},
	})
}

// makePreview clones into a folder of its own: the agent's cache is the agent's.
func makePreview(ctx context.Context, c config.AgentConfiguration, o *options) (p preview, err error) {
	temporary, err := os.MkdirTemp("", "perch-plan-")
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	source, err := newSource(c, filepath.Join(temporary, "git"))
	if err != nil {
		return p, err
	}
	store, err := history.View(c.State.Dir)
	if err != nil {
		return p, err
	}
	log := o.logger(io.Discard)
	r := &rollout.Rollout{Dir: manifestdir.New(c.Kubelet.StaticPodPath), History: store, Log: log}
	a := &agent.Agent{Node: c.NodeIdentity(), Source: source, Rollout: r, History: store, Log: log}
	next, err := a.Prepare(ctx)
	if err != nil {
		return p, err
	}
	changes, err := r.Preview(next)
	if err != nil {
		return p, err
	}
	p = preview{Node: c.Node.Name, Commit: next.Commit, Subject: next.Subject, Digest: next.Digest, Changes: []previewChange{}}
	if rejection := store.State().Rejection(next.Digest); rejection != nil {
		p.Rejected = rejection.Reason
	} else if deferral := store.State().Deferral(next.Digest, time.Now()); deferral != nil {
		p.Rejected = fmt.Sprintf("put off until %s: %s", stamp(deferral.Until), deferral.Reason)
	}
	for _, change := range changes {
		p.Changes = append(p.Changes, explain(change))
	}
	return p, nil
}

// explain says of one change what it does to the Pod, and why.
func explain(change manifestdir.Change) previewChange {
	e := previewChange{Pod: change.Pod(), File: change.File, Action: change.Action, Restart: change.Action == manifestdir.Replace}
	var before, after string
	if change.Old != nil {
		before = string(change.Old.Content())
	}
	if change.New != nil {
		after, e.Wave = string(change.New.Content()), change.New.Wave()
	}
	e.Diff = udiff.Unified("a/"+change.File, "b/"+change.File, before, after)
	switch change.Action {
	case manifestdir.Add:
		e.Why = "new on this node"
	case manifestdir.Remove:
		e.Why = "no longer in the repository for this node"
	default:
		e.Why = whyReplaced(change.Old, change.New)
	}
	return e
}

func whyReplaced(old, next *render.Manifest) string {
	switch {
	case old == nil:
		return "the file in place is not a manifest that the kubelet can read"
	case old.Digest == next.Digest:
		return "the file's perch/digest annotation does not match its content"
	default:
		return "changed: " + strings.Join(differences(old.Content(), next.Content()), ", ")
	}
}

func (p preview) text(out io.Writer) error {
	w := &errWriter{out: out}
	w.printf("Commit %s  %s\nRevision %s for node %s\n", short(p.Commit), p.Subject, short(p.Digest), p.Node)
	if p.Rejected != "" {
		w.printf("The agent refuses this revision, which was taken back on this node: %s\n", p.Rejected)
	}
	if len(p.Changes) == 0 {
		w.printf("No changes.\n")
	}
	restarts := 0
	for _, change := range p.Changes {
		effect := map[manifestdir.Action]string{manifestdir.Add: "starts", manifestdir.Replace: "restarts", manifestdir.Remove: "stops"}[change.Action]
		if change.Restart {
			restarts++
		}
		w.printf("\n%s: Pod %s %s; %s\n%s", change.File, change.Pod, effect, change.Why, change.Diff)
	}
	if len(p.Changes) > 0 {
		w.printf("\n%d to change, %d Pods restart.\n", len(p.Changes), restarts)
	}
	return w.err
}

// errWriter prints until the first error.
type errWriter struct {
	out io.Writer
	err error
}

func (w *errWriter) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, format, args...)
	}
}
