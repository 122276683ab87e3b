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
	Commit  string    `json:"commit,omitempty"` // empty for a set that was found on the node
	Subject string    `json:"subject,omitempty"`
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
	Confirmed  *Origin     `json:"confirmed,omitempty"` // nil until the first sync; then at least the set that was found
	Rejected   []Rejection `json:"rejected,omitempty"`
	InFlight   *Flight     `json:"inFlight,omitempty"`
	Attempt    int         `json:"attempt"` // the highest perch/attempt handed out; every write gets a new one
}

// Rejection is a revision condemned on this node: it was tried, the node fell ill, and the old one made it well again.
type Rejection struct {
	Origin
	Reason     string    `json:"reason"`
	RejectedAt time.Time `json:"rejectedAt"`
}

// Flight is a change under way from the confirmed revision to another one, or back.
type Flight struct {
	From    Origin    `json:"from"`
	To      Origin    `json:"to"`
	Started time.Time `json:"started"`
	Attempt int       `json:"attempt"`         // the perch/attempt of what is written forward
	Starts  int       `json:"starts"`          // agents that took it up and died; breaks crash loops
	Left    []string  `json:"left,omitempty"`  // digests of revisions whose flights this one replaced: files of theirs may lie about
	Stuck   string    `json:"stuck,omitempty"` // why the node is not well, where there is no earlier revision to return to
	Back    *TurnBack `json:"back,omitempty"`
}

// TurnBack is why and how a flight returns to where it came from.
type TurnBack struct {
	Reason   string    `json:"reason"`
	Blame    bool      `json:"blame"`   // false if something other than the revision stopped it, like a full disk
	Attempt  int       `json:"attempt"` // the perch/attempt of what is written back
	Time     time.Time `json:"time"`
	Degraded string    `json:"degraded,omitempty"` // why the old revision is not well either; empty while it is not known
}

// TurnedBack reports whether the flight is on its way back.
func (f Flight) TurnedBack() bool { return f.Back != nil }

// Rejection returns the rejection of a digest, or nil.
func (s State) Rejection(digest string) *Rejection {
	for i := range s.Rejected {
		if s.Rejected[i].Digest == digest {
			return &s.Rejected[i]
		}
	}
	return nil
}

// Reject adds a rejection, the newest last. A digest stands once, and only the newest keepRejected stay.
func (s *State) Reject(rejection Rejection) {
	kept := make([]Rejection, 0, len(s.Rejected)+1)
	for _, old := range s.Rejected {
		if old.Digest != rejection.Digest {
			kept = append(kept, old)
		}
	}
	kept = append(kept, rejection)
	s.Rejected = kept[max(0, len(kept)-keepRejected):]
}

// keepRejected bounds state.json. Dropping the oldest could let a revision in again, so it is far above what a branch
// that somebody watches ever collects.
const keepRejected = 200

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
