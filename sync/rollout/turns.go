package rollout

import (
	"errors"
	"fmt"

	"github.com/perch-gitops/perch/sync/health"
	"github.com/perch-gitops/perch/sync/history"
)

// This file holds the turns of a flight. Each is one durable write of the state.

// begin records that the node is about to leave the confirmed revision. From here on a crash is finished, not forgotten.
// A flight that could not be ended is replaced: it started at the confirmed revision too.
func (r *Rollout) begin(found survey, next history.Revision) (history.Flight, error) {
	for _, revision := range []history.Revision{found.from, next} {
		if err := r.History.Stage(revision); err != nil {
			return history.Flight{}, err
		}
	}
	state := r.History.State()
	flight := history.Flight{From: found.from.Origin, To: next.Origin, Started: now(), Attempt: max(state.Attempt, found.attempt), Adopted: found.adopted}
	if replaced := r.flight(); replaced != nil {
		flight.Left = r.readable(append(replaced.Left, replaced.To.Digest))
	}
	state.InFlight = &flight
	if err := r.History.Save(state); err != nil {
		return flight, err
	}
	r.open = &flight
	if len(found.adopted) > 0 {
		r.log(found.from.Origin).WithField("files", found.adopted).Info("adopted manifests that were in place")
	}
	r.log(next.Origin).WithField("subject", next.Subject).Info("changing this node")
	return flight.Clone(), nil
}

// confirm makes the revision the one to return to.
func (r *Rollout) confirm(flight history.Flight) (Outcome, error) {
	state := r.History.State()
	state.Confirmed, state.InFlight = &flight.To, nil
	state.Forgive(flight.To.Digest)
	if err := r.end(state); err != nil {
		return Interrupted, fmt.Errorf("the revision runs and is well, but that could not be recorded; the next sync tries again: %w", err)
	}
	r.log(flight.To).Info("confirmed: the node runs this revision and is well")
	return Confirmed, r.History.Prune()
}

// turnBack decides to return, and who is to blame: the revision if the node could be looked at and did not run it, and not
// if something else came in between, like a full disk, a kubelet that does not answer, or an agent that keeps dying.
func (r *Rollout) turnBack(flight history.Flight, sick error) history.Flight {
	var verdict *health.Verdict
	flight.Back = &history.TurnBack{Reason: sick.Error(), Blame: errors.As(sick, &verdict), Attempt: r.History.State().Attempt, Time: now()}
	r.log(flight.To).WithError(sick).Warn("turning back: the node does not get well with this revision")
	if err := r.save(flight); err != nil { // a bad revision may be what filled the disk: the way back does not wait for it
		r.Log.WithError(err).Error("the way back cannot be recorded; taking it all the same")
	}
	return flight
}

// close ends a flight that is back where it came from. The revision is condemned only if the way back made the node
// well. If the old revision was ill for a while too, something else was; and if nothing was put back that could have been
// ill, nothing was compared. Then the revision is only put off.
func (r *Rollout) close(flight history.Flight, ends ends) (Outcome, error) {
	state := r.History.State()
	compared := len(ends.from) > 0 && (state.Confirmed == nil || state.Confirmed.Digest != flight.To.Digest)
	condemn := flight.Back.Blame && flight.Back.Degraded == "" && compared
	state.InFlight = nil
	if state.Confirmed == nil || state.Confirmed.Commit == "" {
		state.Confirmed = &flight.From // what was found is proved to be well by now
	}
	rejection := history.Rejection{Origin: flight.To, Reason: flight.Back.Reason, RejectedAt: now()}
	if condemn {
		state.Reject(rejection)
	} else {
		state.Defer(rejection)
	}
	if err := r.end(state); err != nil {
		return Interrupted, fmt.Errorf("the node is back at its confirmed revision, but that could not be recorded; the next sync tries again: %w", err)
	}
	r.log(flight.From).WithField("condemned", condemn).Info("rolled back: the node runs its confirmed revision again and is well")
	return RolledBack, errors.Join(fmt.Errorf("revision %s of commit %s was taken back: %s", flight.To.Short(), flight.To.ShortCommit(), flight.Back.Reason),
		r.History.Prune())
}

// degraded records that the way back did not help. The flight stays open: each sync looks again whether the confirmed
// revision is well by now, and a newer commit may replace the flight.
func (r *Rollout) degraded(flight history.Flight, sick error) (Outcome, error) {
	flight.Back.Degraded = sick.Error()
	return Degraded, errors.Join(
		fmt.Errorf("degraded: the confirmed revision %s is back in place, but the node is not well with it either: %w; "+
			"revision %s, tried before, is not condemned for it (it was taken back: %s); look at the node, or push a fix",
			flight.From.Short(), sick, flight.To.Short(), flight.Back.Reason), r.save(flight))
}

// stuck keeps a revision in place that is not well, where there is nothing else to return to. It may be slow, and looking
// on costs nothing.
func (r *Rollout) stuck(flight history.Flight, sick error) (Outcome, error) {
	flight.Stuck = sick.Error()
	return Degraded, errors.Join(
		fmt.Errorf("degraded: revision %s does not get well: %w; there is no other one to return to, so it stays in place and perch keeps looking; "+
			"look at the node, or push a fix", flight.To.Short(), sick), r.save(flight))
}

// interrupted leaves the flight for the next start. Being asked to stop is not sickness, so this start does not count.
func (r *Rollout) interrupted(flight history.Flight) (Outcome, error) {
	flight.Starts = 0
	err := errors.Join(fmt.Errorf("stopped while revision %s was in flight; the next start goes on with it", flight.To.Short()), r.save(flight))
	return Interrupted, err
}

// save records a flight as it stands. This process goes by it even if the disk refuses it.
func (r *Rollout) save(flight history.Flight) error {
	flight = flight.Clone()
	r.open = &flight
	state := r.History.State()
	state.InFlight = &flight
	return r.History.Save(state)
}

// end records a state without a flight. Until the disk has it, the flight stays open.
func (r *Rollout) end(state history.State) error {
	if err := r.History.Save(state); err != nil {
		return err
	}
	r.open = nil
	return nil
}
