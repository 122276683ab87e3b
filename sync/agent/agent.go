// Package agent looks for a new commit, prepares it, and hands it over; forever or once.
package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/perch-gitops/perch/gitsrc"
	"github.com/perch-gitops/perch/internal/strictyaml"
	"github.com/perch-gitops/perch/nodeselect"
	"github.com/perch-gitops/perch/render"
	"github.com/perch-gitops/perch/sync/history"
	"github.com/perch-gitops/perch/sync/rollout"
)

// Agent keeps one node at what Git says. One goroutine uses it.
type Agent struct {
	Node    nodeselect.Node
	Source  *gitsrc.Source
	Rollout *rollout.Rollout
	History *history.Store
	Log     logrus.FieldLogger

	prepared  prepared
	fleet     fleetFile
	resuming  reporter
	following reporter
	degraded  bool // and that has been logged
}

// prepared is what the last commit came to, so that a poll that finds the same commit costs one question to Git.
type prepared struct {
	revision history.Revision
	err      error
	until    time.Time // zero: for as long as the commit is the newest
}

// prepareAgain is when a commit is looked at again that could not be rendered for a reason other than its content, like a
// machine too busy to finish in time: not at each poll, since the reason may be a commit made to cost time.
const prepareAgain = 10 * time.Minute

func (p prepared) holds(commit string) bool {
	return p.revision.Commit == commit && (p.until.IsZero() || time.Now().Before(p.until))
}

// Sync finishes what was interrupted, then looks at Git once and makes the node run what it finds.
func (a *Agent) Sync(ctx context.Context) (rollout.Outcome, error) {
	last := history.LastSync{}
	outcome, err := a.sync(ctx, &last)
	if outcome != rollout.Interrupted { // which says nothing about the node
		a.reportDegraded(outcome, err)
	}
	last.Time, last.Outcome = now(), string(outcome)
	if err != nil {
		last.Error = err.Error()
	}
	if saveErr := a.History.SaveLastSync(last); saveErr != nil {
		a.Log.WithError(saveErr).Warn("status will not show this sync")
	}
	return outcome, err
}

func (a *Agent) sync(ctx context.Context, last *history.LastSync) (rollout.Outcome, error) {
	resumed, resumedErr := a.Rollout.Resume(ctx)
	a.resuming.report(ctx, a.Log, resumed, resumedErr)
	if resumed == rollout.Interrupted {
		return resumed, resumedErr
	}
	outcome, err := a.follow(ctx, last)
	a.following.report(ctx, a.Log, outcome, err)
	switch outcome {
	case rollout.Unchanged, rollout.Refused: // Git had nothing to add to what was finished first
		if resumed != rollout.Unchanged {
			return resumed, resumedErr
		}
	case rollout.Failed:
		if resumedErr != nil {
			return resumed, errors.Join(resumedErr, err)
		}
	}
	return outcome, err
}

// follow makes the node run what Git says now.
func (a *Agent) follow(ctx context.Context, last *history.LastSync) (rollout.Outcome, error) {
	next, err := a.Prepare(ctx)
	last.Commit = next.Commit
	if err != nil {
		return rollout.Failed, err
	}
	return a.Rollout.Apply(ctx, next)
}

// Prepare returns what the newest commit means for this node: selected, rendered and checked. Nothing on the node
// changes but the cache of the repository. After an error the revision still names the commit, if there was one.
func (a *Agent) Prepare(ctx context.Context) (history.Revision, error) {
	next, err := a.fetchAndPrepare(ctx)
	if errors.Is(err, gitsrc.ErrDamagedCache) { // go-git finds out only when it reads; the next fetch clones afresh
		next, err = a.fetchAndPrepare(ctx)
	}
	return next, err
}

func (a *Agent) fetchAndPrepare(ctx context.Context) (history.Revision, error) {
	commit, err := a.Source.Fetch(ctx)
	if err != nil {
		return history.Revision{}, err
	}
	return a.prepare(ctx, commit)
}

func (a *Agent) prepare(ctx context.Context, commit *gitsrc.Commit) (history.Revision, error) {
	if a.prepared.holds(commit.Hash) {
		return a.prepared.revision, a.prepared.err
	}
	manifests, err := a.fleet.manifests(ctx, commit.FS(), a.Node)
	revision := history.Revision{Manifests: manifests, Origin: history.Origin{Digest: manifests.Digest(),
		Commit: commit.Hash, Subject: commit.Subject, Author: commit.Author, Time: commit.Time}}
	if err != nil {
		err = fmt.Errorf("commit %s: %w\nnothing was changed on this node; push a fix", commit, err)
	}
	a.remember(ctx, revision, err)
	return revision, err
}

// remember keeps what a commit came to, unless that says nothing about the commit.
func (a *Agent) remember(ctx context.Context, revision history.Revision, err error) {
	if ctx.Err() != nil || errors.Is(err, gitsrc.ErrDamagedCache) {
		return
	}
	a.prepared = prepared{revision: revision, err: err}
	var ours render.Problems
	var fleets strictyaml.Problems
	if err != nil && !errors.As(err, &ours) && !errors.As(err, &fleets) {
		a.prepared.until = time.Now().Add(prepareAgain)
	}
}
