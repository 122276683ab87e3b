// Package rollout makes one revision run, or puts the last good one back.
//
// A change is a straight line: stage the revision, record the flight, write wave after wave and see each get well, then
// confirm. If a wave does not get well, the flight turns back: the old manifests are written, and if they make the node
// well again, the revision is condemned. Each turn is on the disk before it is acted on, and writing is idempotent, so a
// flight that a crash interrupted is finished by the same function that began it.
package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/perch-gitops/perch/sync/health"
	"github.com/perch-gitops/perch/sync/history"
	"github.com/perch-gitops/perch/sync/manifestdir"
)

// Outcome is what became of a revision.
type Outcome string

// The outcomes, as they are printed.
const (
	Unchanged   Outcome = "Unchanged"   // the node runs it already
	Confirmed   Outcome = "Confirmed"   // the node runs it now
	RolledBack  Outcome = "RolledBack"  // it did not get well; the node runs the confirmed revision again
	Refused     Outcome = "Refused"     // it was condemned before; nothing was done
	Degraded    Outcome = "Degraded"    // the node is not well, and the confirmed revision does not make it well
	Failed      Outcome = "Failed"      // something kept it from being tried; the node is as it was
	Interrupted Outcome = "Interrupted" // the agent was asked to stop on the way; the next start goes on
)

// Rollout changes one node. One goroutine uses it.
type Rollout struct {
	Dir     manifestdir.Dir
	History *history.Store
	Answers func(context.Context) error              // nil if a verdict can be had, before anything is begun
	Probe   func(context.Context, health.Want) error // nil once the node runs this, else why not
	Log     logrus.FieldLogger

	ours bool // this process has begun the open flight, or taken it up
}

// Apply makes the node run a revision. An error says why it does not; the outcome says what the node runs instead.
func (r *Rollout) Apply(ctx context.Context, next history.Revision) (Outcome, error) {
	if err := r.stillOpen(next); err != nil {
		return Degraded, err
	}
	if err := r.rejected(next.Digest); err != nil {
		return Refused, err
	}
	if err := r.adopt(next); err != nil {
		return Failed, err
	}
	changes, err := r.compare(next)
	switch {
	case err != nil:
		return Failed, err
	case len(changes) == 0 && r.confirmed().Digest == next.Digest:
		return Unchanged, r.noteCommit(next)
	}
	if err := r.clearance(ctx, changes); err != nil {
		return Failed, err
	}
	if err := r.History.Stage(next); err != nil {
		return Failed, err
	}
	flight, err := r.begin(next)
	if err != nil {
		return Failed, err
	}
	return r.finish(ctx, flight)
}

// Resume finishes what a crash or a stop interrupted. It is called before each look at Git.
func (r *Rollout) Resume(ctx context.Context) (Outcome, error) {
	state := r.History.State()
	if state.InFlight == nil {
		return Unchanged, nil
	}
	flight := *state.InFlight
	if !r.ours {
		r.log(flight.To).Info("finishing what an earlier start began")
		flight.Starts++
		if err := r.save(flight); err != nil {
			return Interrupted, err
		}
		r.ours = true
	}
	return r.finish(ctx, flight)
}

// finish brings a flight to its end: forward, else back.
func (r *Rollout) finish(ctx context.Context, flight history.Flight) (Outcome, error) {
	ends, err := r.ends(flight)
	if err != nil {
		return Degraded, err
	}
	if !flight.TurnedBack() {
		sick := r.advance(ctx, flight, ends)
		switch {
		case sick == nil:
			return r.confirm(flight)
		case ctx.Err() != nil:
			return r.interrupted(flight)
		case len(ends.from) == 0:
			return r.nowhereToTurn(flight, sick)
		}
		if flight, err = r.turnBack(flight, sick); err != nil {
			return Degraded, err
		}
	}
	sick := r.restore(ctx, flight, ends)
	switch {
	case sick == nil:
		return r.close(flight)
	case ctx.Err() != nil:
		return r.interrupted(flight)
	default:
		return r.degraded(flight, sick)
	}
}

// advance installs where a flight goes to, and stops at the first Pod that does not get well.
func (r *Rollout) advance(ctx context.Context, flight history.Flight, ends ends) error {
	if flight.Starts > maxStarts && len(ends.from) > 0 {
		return &restartsError{flight.Starts}
	}
	return r.install(ctx, installation{set: ends.to, leftover: union(ends.from, ends.left), attempt: flight.Attempt,
		spent: flight.Stuck != ""})
}

// restore puts back what a flight came from. Every file is written even if an early Pod does not get well: the node is to
// be at its confirmed revision, whatever ails it.
func (r *Rollout) restore(ctx context.Context, flight history.Flight, ends ends) error {
	return r.install(ctx, installation{set: ends.from, leftover: union(ends.to, ends.left), attempt: flight.Back.Attempt,
		spent: flight.Back.Degraded != "", regardless: true})
}

// interrupted leaves the flight for the next start. Being asked to stop is not sickness, so this start does not count.
func (r *Rollout) interrupted(flight history.Flight) (Outcome, error) {
	flight.Starts = 0
	err := errors.Join(fmt.Errorf("stopped while revision %s was in flight; the next start goes on with it", flight.To.Short()), r.save(flight))
	return Interrupted, err
}

func (r *Rollout) log(origin history.Origin) logrus.FieldLogger {
	return r.Log.WithFields(logrus.Fields{"commit": origin.ShortCommit(), "digest": origin.Short()})
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
