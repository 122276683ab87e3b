package rollout

import (
	"fmt"

	"github.com/perch-gitops/perch/render"
	"github.com/perch-gitops/perch/sync/history"
)

// maxStarts is how many agents may die over one flight before it turns back: a revision that brings the agent or the
// machine down must not do so for ever.
const maxStarts = 5

// restartsError means that agent after agent died over a flight.
type restartsError struct{ starts int }

func (e *restartsError) Error() string {
	return fmt.Sprintf("the agent or the machine went down %d times while this revision was in flight", e.starts)
}

// ends are the manifests at both ends of a flight, and those that flights which it replaced may have left behind.
type ends struct{ from, to, left render.Manifests }

func (r *Rollout) ends(flight history.Flight) (ends, error) {
	var e ends
	var err error
	if e.from, err = r.load(flight.From.Digest); err != nil {
		return e, err
	}
	if e.to, err = r.load(flight.To.Digest); err != nil {
		return e, err
	}
	for _, digest := range flight.Left {
		left, err := r.load(digest)
		if err != nil {
			return e, err
		}
		e.left = union(e.left, left)
	}
	return e, nil
}

func (r *Rollout) load(digest string) (render.Manifests, error) {
	revision, err := r.History.Load(digest)
	return revision.Manifests, err
}

// owned returns the manifests whose files are perch's now.
func (r *Rollout) owned() (render.Manifests, error) {
	state := r.History.State()
	switch {
	case state.InFlight != nil:
		e, err := r.ends(*state.InFlight)
		return union(e.from, e.to, e.left), err
	case state.Confirmed != nil:
		return r.load(state.Confirmed.Digest)
	default:
		return nil, nil
	}
}

// stillOpen says why a revision cannot be begun while a flight is open that Resume could not end. Only another revision
// than the two that were tried can replace it.
func (r *Rollout) stillOpen(next history.Revision) error {
	flight := r.History.State().InFlight
	switch {
	case flight == nil:
		return nil
	case flight.To.Digest == next.Digest:
		return fmt.Errorf("revision %s was tried and the node is still not well; push a fix", flight.To.Short())
	case flight.TurnedBack() && flight.From.Digest == next.Digest:
		return fmt.Errorf("revision %s is back in place and the node is still not well; push a fix", flight.From.Short())
	default:
		return nil
	}
}
