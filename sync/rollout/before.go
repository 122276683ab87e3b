package rollout

import (
	"context"
	"errors"
	"fmt"

	"github.com/perch-gitops/perch/sync/health"
	"github.com/perch-gitops/perch/sync/history"
	"github.com/perch-gitops/perch/sync/manifestdir"
)

// This file holds what can keep a revision from being begun. None of it changes anything on the node.

// barred returns why a revision is not tried, or nil.
func (r *Rollout) barred(digest string) error {
	state := r.History.State()
	if rejection := state.Rejection(digest); rejection != nil {
		return fmt.Errorf("revision %s was condemned on this node at %s: %s; it is tried again only when its content changes",
			rejection.Short(), rejection.RejectedAt.Format(timeFormat), rejection.Reason)
	}
	if deferral := state.Deferral(digest, now()); deferral != nil {
		return fmt.Errorf("revision %s was taken back at %s through no fault that is known of its own: %s; it is tried again after %s",
			deferral.Short(), deferral.RejectedAt.Format(timeFormat), deferral.Reason, deferral.Until.Format(timeFormat))
	}
	return nil
}

const timeFormat = "2006-01-02 15:04:05Z"

// keep puts the confirmed revision right while Git names one that is not to be tried: somebody may have edited or deleted a
// manifest since. Where nothing has to be done, the revision is simply refused.
func (r *Rollout) keep(ctx context.Context, refused error) (Outcome, error) {
	confirmed := r.History.State().Confirmed
	if confirmed == nil || confirmed.Commit == "" || r.flight() != nil || r.barred(confirmed.Digest) != nil {
		return Refused, refused
	}
	manifests, err := r.load(confirmed.Digest)
	if err != nil {
		return Failed, errors.Join(refused, err)
	}
	outcome, err := r.Apply(ctx, history.Revision{Origin: *confirmed, Manifests: manifests})
	if outcome == Unchanged {
		return Refused, refused
	}
	return outcome, err
}

// clearance makes sure that a verdict can be had, and that the kubelet will do what the change needs.
func (r *Rollout) clearance(ctx context.Context, changes []manifestdir.Change) error {
	err := r.Answers(ctx)
	if errors.Is(err, health.ErrInitialising) && (onlyAdds(changes) || r.flight() != nil) {
		return nil // a bootstrap, where no old Pod has to stop; or a fix, where nothing is well that could be lost
	}
	if errors.Is(err, health.ErrInitialising) {
		return fmt.Errorf("%w: it would start a changed Pod but end no old one; nothing was changed; "+
			"bring the API server back, or mend the kubelet's connection to it", err)
	}
	if err != nil {
		return fmt.Errorf("%w; nothing was changed: without that nobody could tell whether the change is good", err)
	}
	return nil
}

func onlyAdds(changes []manifestdir.Change) bool {
	for _, change := range changes {
		if change.Action != manifestdir.Add {
			return false
		}
	}
	return true
}

// note records that the node runs this revision, where that took no change: a newer commit that leaves this node as it is,
// or manifests that were found in place and are what Git says.
func (r *Rollout) note(next history.Revision) error {
	state := r.History.State()
	if confirmed := state.Confirmed; confirmed != nil && confirmed.Digest == next.Digest && confirmed.Commit == next.Commit {
		return nil
	}
	if err := r.History.Stage(next); err != nil {
		return err
	}
	state.Confirmed = &next.Origin
	if err := r.History.Save(state); err != nil {
		return err
	}
	r.log(next.Origin).Info("the node runs this commit already: nothing had to change")
	return nil
}
