package rollout

import (
	"errors"
	"fmt"

	"github.com/perch-gitops/perch/sync/history"
	"github.com/perch-gitops/perch/sync/manifestdir"
)

// This file holds the turns of a flight. Each is one durable write of the state.

// begin records that the node is about to leave the confirmed revision. From here on a crash is finished, not forgotten.
// A flight that could not be ended is replaced: it started at the confirmed revision too.
func (r *Rollout) begin(next history.Revision) (history.Flight, error) {
	state := r.History.State()
	state.Attempt++
	flight := history.Flight{From: *state.Confirmed, To: next.Origin, Started: now(), Attempt: state.Attempt}
	if replaced := state.InFlight; replaced != nil {
		flight.Left = append(replaced.Left, replaced.To.Digest)
	}
	state.InFlight = &flight
	if err := r.History.Save(state); err != nil {
		return flight, err
	}
	r.ours = true
	r.log(next.Origin).WithField("subject", next.Subject).Info("changing this node")
	return flight, nil
}

// confirm makes the revision the one to return to.
func (r *Rollout) confirm(flight history.Flight) (Outcome, error) {
	state := r.History.State()
	state.Confirmed, state.InFlight = &flight.To, nil
	if err := r.History.Save(state); err != nil {
		return Interrupted, fmt.Errorf("the revision runs and is well, but that could not be recorded; the next sync tries again: %w", err)
	}
	r.log(flight.To).Info("confirmed: the node runs this revision and is well")
	return Confirmed, r.History.Prune()
}

// turnBack records why the flight returns. A revision is not to blame for what the file system or an agent that keeps
// dying did, nor for a flight that only repairs the confirmed revision.
func (r *Rollout) turnBack(flight history.Flight, sick error) (history.Flight, error) {
	var write *manifestdir.WriteError
	var restarts *restartsError
	blame := !errors.As(sick, &write) && !errors.As(sick, &restarts) && flight.From.Digest != flight.To.Digest
	state := r.History.State()
	state.Attempt++
	flight.Back = &history.TurnBack{Reason: sick.Error(), Blame: blame, Attempt: state.Attempt, Time: now()}
	state.InFlight = &flight
	if err := r.History.Save(state); err != nil {
		return flight, errors.Join(sick, err)
	}
	r.log(flight.To).WithError(sick).Warn("turning back: the node does not get well with this revision")
	return flight, nil
}

// close ends a flight that is back where it came from. The revision is condemned only if the way back made the node
// well: if the old revision was ill for a while too, something else was.
func (r *Rollout) close(flight history.Flight) (Outcome, error) {
	condemn := flight.Back.Blame && flight.Back.Degraded == ""
	state := r.History.State()
	state.InFlight = nil
	if condemn {
		state.Reject(history.Rejection{Origin: flight.To, Reason: flight.Back.Reason, RejectedAt: now()})
	}
	if err := r.History.Save(state); err != nil {
		return Interrupted, fmt.Errorf("the node is back at its confirmed revision, but that could not be recorded; the next sync tries again: %w", err)
	}
	r.log(flight.From).WithField("condemned", condemn).Info("rolled back: the node runs its confirmed revision again and is well")
	return RolledBack, fmt.Errorf("revision %s of commit %s was taken back: %s", flight.To.Short(), flight.To.ShortCommit(), flight.Back.Reason)
}

// degraded records that the way back did not help. The flight stays open: each sync looks again whether the confirmed
// revision is well by now, and a newer commit may replace the flight.
func (r *Rollout) degraded(flight history.Flight, sick error) (Outcome, error) {
	if flight.Back.Degraded == "" {
		r.log(flight.From).WithError(sick).Error("degraded: the confirmed revision is back in place, but the node is not well with it either")
	}
	flight.Back.Degraded = sick.Error()
	return Degraded, errors.Join(
		fmt.Errorf("the node is not well with its confirmed revision %s: %w; revision %s, tried before, is not blamed (it was taken back: %s); look at the node, or push a fix",
			flight.From.Short(), sick, flight.To.Short(), flight.Back.Reason), r.save(flight))
}

// nowhereToTurn keeps the first revision of a node that had none in place: there is nothing better to return to, an
// empty staticPodPath would only take away what does run, and a slow start may still succeed.
func (r *Rollout) nowhereToTurn(flight history.Flight, sick error) (Outcome, error) {
	if flight.Stuck == "" {
		r.log(flight.To).WithError(sick).Error("degraded: the node's first revision does not get well, and there is none to return to")
	}
	flight.Stuck = sick.Error()
	return Degraded, errors.Join(
		fmt.Errorf("the node's first revision %s does not get well: %w; there is no earlier one to return to, so its manifests stay in place and perch keeps looking; push a fix",
			flight.To.Short(), sick), r.save(flight))
}

// save records a flight as it stands.
func (r *Rollout) save(flight history.Flight) error {
	state := r.History.State()
	state.InFlight = &flight
	return r.History.Save(state)
}
