package rollout

import (
	"slices"

	"github.com/perch-gitops/perch/render"
	"github.com/perch-gitops/perch/sync/history"
	"github.com/perch-gitops/perch/sync/manifestdir"
)

// survey is what a revision meets on a node: what the node would return to, and what has to change.
type survey struct {
	from    history.Revision
	adopted []string // files of from that were in place before perch: never removed
	changes []manifestdir.Change
	attempt int // the highest perch/attempt in the folder
}

// survey looks at the node and changes nothing on it.
//
// What stands already where the revision wants to write, and defines the same Pod, is adopted: it is part of what the node
// returns to. It does not become perch's by that. Only a revision of Git that is confirmed makes a file perch's, so that a
// commit which is taken back, or never tried, cannot lead a later one to remove what perch only found.
func (r *Rollout) survey(next history.Revision) (survey, error) {
	known, s, err := r.holdings()
	if err != nil {
		return s, err
	}
	scan, err := r.Dir.Scan()
	if err != nil {
		return s, err
	}
	if err := scan.Conflicts(next.Manifests, known); err != nil {
		return s, err
	}
	s.attempt = scan.HighestAttempt()
	s.changes = scan.Plan(next.Manifests, ends{adopted: s.adopted}.ours(known))
	found := scan.Of(without(next.Manifests, known))
	if s.from.Digest != "" && len(found) == 0 {
		return s, nil
	}
	s.from.Manifests = union(s.from.Manifests, found)
	s.from.Digest = s.from.Manifests.Digest()
	s.adopted = append(s.adopted, files(found)...)
	return s, nil
}

// holdings returns every manifest whose file perch has to do with before a revision comes, and what the node returns to.
func (r *Rollout) holdings() (render.Manifests, survey, error) {
	confirmed := r.History.State().Confirmed
	switch flight := r.flight(); {
	case flight != nil:
		e, err := r.endsLeft(*flight)
		return union(e.from, e.to, e.left), survey{from: history.Revision{Origin: flight.From, Manifests: e.from}, adopted: flight.Adopted}, err
	case confirmed != nil && confirmed.Commit != "":
		manifests, err := r.load(confirmed.Digest)
		return manifests, survey{from: history.Revision{Origin: *confirmed, Manifests: manifests}}, err
	default:
		return nil, survey{from: history.Revision{Origin: history.Origin{Subject: "found in " + r.Dir.Path(), Time: now()}}}, nil
	}
}

// mend stages a revision again that the state names, should the disk have damaged or lost it.
func (r *Rollout) mend(next history.Revision) error {
	state, flight := r.History.State(), r.flight()
	named := state.Confirmed != nil && state.Confirmed.Digest == next.Digest ||
		flight != nil && (flight.From.Digest == next.Digest || flight.To.Digest == next.Digest || slices.Contains(flight.Left, next.Digest))
	if _, proved := r.loaded[next.Digest]; !named || proved {
		return nil
	}
	return r.History.Stage(next)
}

// Preview returns what Apply would change now, without changing or recording anything.
func (r *Rollout) Preview(next history.Revision) ([]manifestdir.Change, error) {
	known, s, err := r.holdings()
	if err != nil {
		return nil, err
	}
	scan, err := r.Dir.Scan()
	if err != nil {
		return nil, err
	}
	return scan.Plan(next.Manifests, ends{adopted: s.adopted}.ours(known)), scan.Conflicts(next.Manifests, known)
}
