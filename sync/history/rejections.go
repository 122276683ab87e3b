package history

import "time"

// keepRejected bounds state.json. Dropping the oldest could let a revision in again, so it is far above what a branch
// that somebody watches ever collects.
const keepRejected = 200

// The first wait before a revision that was taken back without blame is tried again, and the longest; it doubles each time.
// Each try is an outage of what it changes.
const (
	firstDeferral   = 10 * time.Minute
	longestDeferral = 6 * time.Hour
)

// Rejection returns why a digest is condemned, or nil.
func (s State) Rejection(digest string) *Rejection { return find(s.Rejected, digest) }

// Deferral returns why and until when a digest is not tried, or nil.
func (s State) Deferral(digest string, now time.Time) *Rejection {
	d := find(s.Deferred, digest)
	if d != nil && now.Before(d.Until) && !now.Before(d.RejectedAt) { // else it was made by a clock that was ahead
		return d
	}
	return nil
}

// Reject condemns a revision.
func (s *State) Reject(rejection Rejection) {
	s.Rejected = bounded(append(dropped(s.Rejected, rejection.Digest), rejection))
	s.Deferred = dropped(s.Deferred, rejection.Digest)
}

// Defer keeps a revision from being tried for a while, longer each time.
func (s *State) Defer(rejection Rejection) {
	if before := find(s.Deferred, rejection.Digest); before != nil {
		rejection.Tries = before.Tries
	}
	wait := min(firstDeferral<<min(rejection.Tries, 10), longestDeferral)
	rejection.Tries++
	rejection.Until = rejection.RejectedAt.Add(wait)
	s.Deferred = bounded(append(dropped(s.Deferred, rejection.Digest), rejection))
}

// Forgive forgets what stood against a digest.
func (s *State) Forgive(digest string) {
	s.Rejected, s.Deferred = dropped(s.Rejected, digest), dropped(s.Deferred, digest)
}

func find(all []Rejection, digest string) *Rejection {
	for i := range all {
		if all[i].Digest == digest {
			return &all[i]
		}
	}
	return nil
}

// dropped returns the list without a digest, in a slice of its own.
func dropped(all []Rejection, digest string) []Rejection {
	kept := make([]Rejection, 0, len(all)+1)
	for _, rejection := range all {
		if rejection.Digest != digest {
			kept = append(kept, rejection)
		}
	}
	return kept
}

func bounded(all []Rejection) []Rejection { return all[max(0, len(all)-keepRejected):] }
