package rollout

import (
	"fmt"
	"slices"

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

// flight is the open flight, or nil.
func (r *Rollout) flight() *history.Flight {
	if r.open != nil {
		flight := r.open.Clone()
		return &flight
	}
	return r.History.State().InFlight
}

// ends are the manifests at both ends of a flight, and those that flights which it replaced may have left behind.
type ends struct {
	from, to, left render.Manifests
	adopted        []string
}

func (r *Rollout) ends(flight history.Flight) (ends, error) {
	e := ends{adopted: flight.Adopted}
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

// endsLeft are the ends of a flight that is about to be replaced.
func (r *Rollout) endsLeft(flight history.Flight) (ends, error) {
	flight.Left = r.readable(append(flight.Left, flight.To.Digest))
	flight.To = flight.From
	return r.ends(flight)
}

// readable returns the digests that can be loaded, each once. That the disk has lost where a flight went is no reason to
// keep a fix out: files of it may then stay in place.
func (r *Rollout) readable(digests []string) []string {
	slices.Sort(digests)
	return slices.DeleteFunc(slices.Compact(digests), func(digest string) bool {
		_, err := r.load(digest)
		if err != nil {
			r.Log.WithError(err).Warn("files of a revision that is being replaced may stay in place")
		}
		return err != nil
	})
}

// ours are the manifests of some sets whose files may be removed: all but those that were in place before perch.
func (e ends) ours(sets ...render.Manifests) render.Manifests {
	return slices.DeleteFunc(union(sets...), func(m render.Manifest) bool { return slices.Contains(e.adopted, m.File) })
}

// load returns a staged revision. Each is read from the disk and proved once: polls ask for the confirmed one again and
// again.
func (r *Rollout) load(digest string) (render.Manifests, error) {
	if manifests, ok := r.loaded[digest]; ok {
		return manifests, nil
	}
	revision, err := r.History.Load(digest)
	if err != nil {
		return nil, fmt.Errorf("%w; perch goes no further: it needs this revision to know what it may change and what to return to; "+
			"push it again, or restore the folder", err)
	}
	const few = 8 // the ends of a flight, and what it replaced
	if r.loaded == nil || len(r.loaded) >= few {
		r.loaded = map[string]render.Manifests{}
	}
	r.loaded[digest] = revision.Manifests
	return revision.Manifests, nil
}

// stillOpen says why a revision cannot be begun while a flight is open that Resume could not end. Only another revision
// than the two that were tried can replace it.
func (r *Rollout) stillOpen(next history.Revision) error {
	flight := r.flight()
	switch {
	case flight == nil || flight.Illness() == "": // the latter is one that the disk kept from being finished
		return nil
	case flight.To.Digest == next.Digest:
		return fmt.Errorf("revision %s was tried and the node is still not well: %s; push a fix", flight.To.Short(), flight.Illness())
	case flight.TurnedBack() && flight.From.Digest == next.Digest:
		return fmt.Errorf("revision %s is back in place and the node is still not well: %s; push a fix", flight.From.Short(), flight.Illness())
	default:
		return nil
	}
}
