package rollout

import (
	"context"
	"errors"
	"fmt"

	"github.com/perch-gitops/perch/render"
	"github.com/perch-gitops/perch/sync/health"
	"github.com/perch-gitops/perch/sync/history"
	"github.com/perch-gitops/perch/sync/manifestdir"
)

// This file holds what is settled before a flight begins. None of it changes what the kubelet sees.

// adopt makes manifests that are in place already, where the revision wants to write and perch has not written yet, part
// of the confirmed revision, so that there is something to return to. On a node without any, that is the empty set.
func (r *Rollout) adopt(next history.Revision) error {
	owned, err := r.owned()
	if err != nil {
		return err
	}
	scan, err := r.Dir.Scan()
	if err != nil {
		return err
	}
	if err := scan.Conflicts(next.Manifests, owned); err != nil {
		return err
	}
	found := scan.Of(without(next.Manifests, owned))
	state := r.History.State()
	known := history.Revision{Origin: history.Origin{Subject: "found in " + r.Dir.Path(), Time: now()}, Manifests: found}
	if state.Confirmed != nil {
		if len(found) == 0 {
			return nil
		}
		confirmed, err := r.load(state.Confirmed.Digest)
		if err != nil {
			return err
		}
		known.Origin, known.Manifests = *state.Confirmed, union(confirmed, found)
	}
	known.Digest = known.Manifests.Digest()
	if err := r.History.Stage(known); err != nil {
		return err
	}
	state.Confirmed = &known.Origin
	if err := r.History.Save(state); err != nil {
		return err
	}
	if len(found) > 0 {
		r.log(known.Origin).WithField("pods", podNames(found)).Info("adopted manifests that were in place")
	}
	return nil
}

// Preview returns what Apply would change now, without changing or recording anything.
func (r *Rollout) Preview(next history.Revision) ([]manifestdir.Change, error) {
	owned, err := r.owned()
	if err != nil {
		return nil, err
	}
	scan, err := r.Dir.Scan()
	if err != nil {
		return nil, err
	}
	return scan.Plan(next.Manifests, owned), scan.Conflicts(next.Manifests, owned)
}

// compare returns what has to change for a revision, now.
func (r *Rollout) compare(next history.Revision) ([]manifestdir.Change, error) {
	owned, err := r.owned()
	if err != nil {
		return nil, err
	}
	return r.plan(next.Manifests, owned)
}

func (r *Rollout) plan(set, owned render.Manifests) ([]manifestdir.Change, error) {
	scan, err := r.Dir.Scan()
	if err != nil {
		return nil, err
	}
	return scan.Plan(set, owned), nil
}

// clearance makes sure that a verdict can be had, and that the kubelet will do what the change needs.
func (r *Rollout) clearance(ctx context.Context, changes []manifestdir.Change) error {
	err := r.Answers(ctx)
	if errors.Is(err, health.ErrInitialising) && onlyAdds(changes) {
		return nil // a bootstrap: no API server exists yet, and no old Pod has to stop
	}
	if errors.Is(err, health.ErrInitialising) {
		return fmt.Errorf("%w: it would start a changed Pod but not stop the old one; nothing was changed; "+
			"bring the API server back, or the kubelet's connection to it", err)
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

func (r *Rollout) confirmed() history.Origin { return *r.History.State().Confirmed }

// rejected returns why a revision is not tried, or nil.
func (r *Rollout) rejected(digest string) error {
	rejection := r.History.State().Rejection(digest)
	if rejection == nil {
		return nil
	}
	return fmt.Errorf("revision %s was condemned on this node at %s: %s; it is tried again only when its content changes",
		rejection.Short(), rejection.RejectedAt.Format("2006-01-02 15:04:05Z"), rejection.Reason)
}

// noteCommit records that the confirmed content belongs to a newer commit, which changed nothing for this node.
func (r *Rollout) noteCommit(next history.Revision) error {
	state := r.History.State()
	if state.Confirmed.Commit == next.Commit {
		return nil
	}
	state.Confirmed = &next.Origin
	if err := r.History.Save(state); err != nil {
		return err
	}
	r.log(next.Origin).Info("a newer commit changes nothing for this node")
	return nil
}
