// Package rollout makes one revision run, or puts the last good one back.
//
// A change is a straight line: stage the revision, record the flight, write wave after wave and see each get well, then
// confirm. If a wave does not get well, the flight turns back: the old manifests are written, and if they make the node
// well again, the revision is condemned. A flight is on the disk before it is acted on, and writing is idempotent, so one
// that a crash interrupted is finished by the same function that began it.
package rollout

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/perch-gitops/perch/render"
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
	Refused     Outcome = "Refused"     // it was taken back before, and is condemned or put off; nothing was done
	Degraded    Outcome = "Degraded"    // the node is not well, and the confirmed revision does not make it well
	Failed      Outcome = "Failed"      // something kept it from being tried; the node is as it was
	Interrupted Outcome = "Interrupted" // the agent was asked to stop on the way; the next start goes on
)

// Rollout changes one node. One goroutine uses it.
type Rollout struct {
	Dir     *manifestdir.Dir
	History *history.Store
	Answers func(context.Context) error              // nil if a verdict can be had, before anything is begun
	Probe   func(context.Context, health.Want) error // nil once the node runs this, else why not
	Log     logrus.FieldLogger

	// Ending calls a func that replaces a Pod's manifest and reports whether that Pod was seen to end; see health.Node.Ending.
	// Nil makes every replacement a plain one.
	Ending func(ctx context.Context, old render.Manifest, write func() error) (bool, error)

	loaded  map[string]render.Manifests // revisions by digest, as read from the disk and proved
	attempt int                         // the highest perch/attempt handed out by this process

	// open is the flight under way as this process knows it, which may be more than a full disk has let it record.
	open *history.Flight
}

// Apply makes the node run a revision. An error says why it does not; the outcome says what the node runs instead.
func (r *Rollout) Apply(ctx context.Context, next history.Revision) (Outcome, error) {
	if err := r.mend(next); err != nil {
		return Failed, err
	}
	if err := r.stillOpen(next); err != nil {
		return Degraded, err
	}
	if err := r.barred(next.Digest); err != nil {
		return r.keep(ctx, err)
	}
	found, err := r.survey(next)
	switch {
	case err != nil:
		return Failed, err
	case len(found.changes) == 0 && found.from.Digest == next.Digest:
		return Unchanged, r.note(next)
	}
	if err := r.clearance(ctx, found.changes); err != nil {
		return Failed, err
	}
	flight, err := r.begin(found, next)
	if err != nil {
		return Failed, err
	}
	return r.finish(ctx, flight)
}

// Resume finishes what a crash or a stop interrupted. It is called before each look at Git.
func (r *Rollout) Resume(ctx context.Context) (Outcome, error) {
	flight := r.flight()
	if flight == nil {
		return Unchanged, nil
	}
	if r.open == nil { // an earlier process began it
		r.log(flight.To).Info("finishing what an earlier start began")
		flight.Starts++
		if err := r.save(*flight); err != nil {
			r.Log.WithError(err).Error("the state cannot be recorded; going on")
		}
	}
	return r.finish(ctx, *flight)
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
		case !r.hasWayBack(flight, ends):
			return r.stuck(flight, sick)
		}
		flight = r.turnBack(flight, sick)
	}
	sick := r.restore(ctx, flight, ends)
	switch {
	case sick == nil:
		return r.close(flight, ends)
	case ctx.Err() != nil:
		return r.interrupted(flight)
	default:
		return r.degraded(flight, sick)
	}
}

// advance installs where a flight goes to, and stops at the first Pod that does not get well.
func (r *Rollout) advance(ctx context.Context, flight history.Flight, ends ends) error {
	if flight.Starts > maxStarts && r.hasWayBack(flight, ends) {
		return &restartsError{flight.Starts}
	}
	return r.install(ctx, installation{set: ends.to, leftover: ends.ours(ends.from, ends.left), since: flight.Attempt,
		spent: flight.Stuck != ""})
}

// restore puts back what a flight came from. Every file is written even if an early Pod does not get well: the node is to
// be at its confirmed revision, whatever ails it.
func (r *Rollout) restore(ctx context.Context, flight history.Flight, ends ends) error {
	return r.install(ctx, installation{set: ends.from, leftover: ends.ours(ends.to, ends.left), since: flight.Back.Attempt,
		spent: flight.Back.Degraded != "", regardless: true})
}

// hasWayBack reports whether there is something else to return to. A folder that would be left empty is no such thing: it
// would only take away what does run.
func (r *Rollout) hasWayBack(flight history.Flight, ends ends) bool {
	if flight.From.Digest == flight.To.Digest {
		return false
	}
	if len(ends.from) > 0 {
		return true
	}
	scan, err := r.Dir.Scan()
	return err == nil && scan.HoldsMoreThan(union(ends.to, ends.left))
}

func (r *Rollout) log(origin history.Origin) logrus.FieldLogger {
	return r.Log.WithFields(logrus.Fields{"commit": origin.ShortCommit(), "digest": origin.Short()})
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
