package manifestdir

import (
	"slices"
	"strings"

	"github.com/perch-gitops/perch/render"
)

// Action is what happens to one file.
type Action string

// The actions, as they are printed.
const (
	Add     Action = "add"
	Replace Action = "replace"
	Remove  Action = "remove"
)

// Change is one file that has to change.
type Change struct {
	Action Action
	File   string
	Old    *render.Manifest // what is in place; nil for Add, and where no Pod can be read from the file
	New    *render.Manifest // nil for Remove
}

// Pod is the namespace and name of the Pod that the change is about.
func (c Change) Pod() string {
	if c.New != nil {
		return c.New.String()
	}
	return c.Old.String()
}

// Wave is when the change's turn comes, lowest first. Removals come last.
func (c Change) Wave() int {
	if c.Action == Remove {
		return removalWave
	}
	return c.New.Wave()
}

const removalWave = 1 << 20 // above every perch/wave, which render bounds

// Plan returns the changes that turn the folder into a set, in the order of their waves. Owned names the files that are
// ours: those that the set no longer has are removed, and no others.
//
// A Pod that is in place with the same content is no change, whoever wrote it and however it is formatted: an adopted
// Pod does not restart. The one exception is a stamp that lies about the content, which health could never prove.
func (s Scan) Plan(set, owned render.Manifests) []Change {
	var changes []Change
	for _, want := range set {
		found, isPod := s.manifests[want.File]
		_, isOther := s.others[want.File]
		switch {
		case isPod && found.String() == want.String() && found.Digest == want.Digest && honest(found):
		case isPod:
			changes = append(changes, Change{Action: Replace, File: want.File, Old: &found, New: &want})
		case isOther:
			changes = append(changes, Change{Action: Replace, File: want.File, New: &want})
		default:
			changes = append(changes, Change{Action: Add, File: want.File, New: &want})
		}
	}
	for _, ours := range owned {
		found, isPod := s.manifests[ours.File]
		if isPod && found.String() == ours.String() && !has(set, ours.File) {
			changes = append(changes, Change{Action: Remove, File: ours.File, Old: &found})
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int {
		if a.Wave() != b.Wave() {
			return a.Wave() - b.Wave()
		}
		return strings.Compare(a.File, b.File)
	})
	return portsFreedFirst(changes)
}

func honest(m render.Manifest) bool {
	return m.Stamp.Digest == "" || m.Stamp.Digest == m.Digest
}

func has(set render.Manifests, file string) bool {
	return slices.ContainsFunc(set, func(m render.Manifest) bool { return m.File == file })
}
