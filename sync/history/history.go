// Package history remembers revisions on disk: confirmed, rejected, in flight.
//
// Everything lies below one folder, the agent's state.dir:
//
//	lock                 held while an agent runs; the kernel frees it with the process
//	state.json           replaced atomically: confirmed, rejected, in flight
//	revisions/<digest>/  written once: the manifests and meta.json
//	last-sync.json       what the last look at Git found; advisory, so not fsynced on each poll
//
// The package decides nothing. It makes what rollout decides durable before rollout acts on it.
package history

import (
	"slices"
	"time"

	"github.com/perch-gitops/perch/render"
)

// Revision is one node's whole set of manifests, and where it came from.
type Revision struct {
	Origin
	Manifests render.Manifests
}

// Origin says which revision is meant and who made it. The digest covers this node's rendered manifests alone, so that
// commits which do not touch this node share it.
type Origin struct {
	Digest  string    `json:"digest"`
	Commit  string    `json:"commit"` // empty for a set that was found on the node
	Subject string    `json:"subject"`
	Author  string    `json:"author,omitempty"`
	Time    time.Time `json:"time,omitzero"` // when it was committed, or found
}

// Short is the digest as logs and tables show it.
func (o Origin) Short() string { return shorten(o.Digest) }

// ShortCommit is the commit as logs and tables show it; "adopted" for a set that was found on the node.
func (o Origin) ShortCommit() string {
	if o.Commit == "" {
		return "adopted"
	}
	return shorten(o.Commit)
}

func shorten(hex string) string {
	const shown = 12
	return hex[:min(len(hex), shown)]
}

// State is what the node remembers, as in state.json.
type State struct {
	APIVersion string      `json:"apiVersion"`
	Kind       string      `json:"kind"`
	Confirmed  *Origin     `json:"confirmed,omitempty"` // nil until a revision is known to run here
	Rejected   []Rejection `json:"rejected,omitempty"`  // not tried again until the content changes
	Deferred   []Rejection `json:"deferred,omitempty"`  // taken back without blame; tried again later
	InFlight   *Flight     `json:"inFlight,omitempty"`
	Attempt    int         `json:"attempt"` // the highest perch/attempt handed out; every write gets a new one
}

// Rejection is a revision that was taken back on this node.
type Rejection struct {
	Origin
	Reason     string    `json:"reason"`
	RejectedAt time.Time `json:"rejectedAt"`
	Tries      int       `json:"tries,omitempty"` // how often it was taken back without blame
	Until      time.Time `json:"until,omitzero"`  // when it may be tried again; zero if it is condemned
}

// Flight is a change under way from the confirmed revision to another one, or back.
type Flight struct {
	From    Origin    `json:"from"`
	To      Origin    `json:"to"`
	Started time.Time `json:"started"`
	Attempt int       `json:"attempt"`           // the highest perch/attempt before this flight: what it writes has a higher one
	Starts  int       `json:"starts"`            // agents that took it up and died; breaks crash loops
	Adopted []string  `json:"adopted,omitempty"` // files that were in place before perch: never removed
	Left    []string  `json:"left,omitempty"`    // digests of revisions whose flights this one replaced: files of theirs may lie about
	Stuck   string    `json:"stuck,omitempty"`   // why the node is not well, where there is nothing to return to
	Back    *TurnBack `json:"back,omitempty"`
}

// TurnBack is why and how a flight returns to where it came from.
type TurnBack struct {
	Reason   string    `json:"reason"`
	Blame    bool      `json:"blame"`   // false if something other than the revision stopped it, like a full disk
	Attempt  int       `json:"attempt"` // the highest perch/attempt before the way back
	Time     time.Time `json:"time"`
	Degraded string    `json:"degraded,omitempty"` // why the old revision is not well either; empty while it is not known
}

// Clone returns a copy that shares nothing.
func (f Flight) Clone() Flight {
	f.Adopted, f.Left = slices.Clone(f.Adopted), slices.Clone(f.Left)
	if f.Back != nil {
		back := *f.Back
		f.Back = &back
	}
	return f
}

// TurnedBack reports whether the flight is on its way back.
func (f Flight) TurnedBack() bool { return f.Back != nil }

// Phase says in one word where the node stands.
func (s State) Phase() string {
	switch {
	case s.InFlight != nil && s.InFlight.Illness() != "":
		return "Degraded"
	case s.InFlight != nil && s.InFlight.TurnedBack():
		return "TurningBack"
	case s.InFlight != nil:
		return "Changing"
	case s.Confirmed != nil:
		return "Confirmed"
	default:
		return "Waiting"
	}
}

// Illness is why the node is degraded, or empty.
func (f Flight) Illness() string {
	if f.Back != nil {
		return f.Back.Degraded
	}
	return f.Stuck
}
