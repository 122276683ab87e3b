package rollout

import (
	"context"
	"errors"
	"time"

	"github.com/perch-gitops/perch/render"
	"github.com/perch-gitops/perch/sync/manifestdir"
)

// installation is a set to put in place, and how.
type installation struct {
	set        render.Manifests
	leftover   render.Manifests // more manifests whose files are ours: those that the set lacks are removed
	since      int              // what this flight has written has a higher perch/attempt
	regardless bool             // write everything, well or not
	spent      bool             // the whole deadline has been waited before
}

// lookAgain is how long a node that was ill through a whole deadline is observed when it is looked at again. wayBackStep
// is how long a Pod on the way back is waited for before the next one is put back: it may need that one to get well.
// endingMargin is what the kubelet and the runtime take to end a Pod beyond its grace.
const (
	lookAgain   = 15 * time.Second
	wayBackStep = 90 * time.Second

	endingMargin = 15 * time.Second
)

// install turns the folder into a set, one Pod at a time in the order of the waves, and returns nil once the node runs it,
// all of it. It is idempotent: what has its content already is left alone, and what an earlier start of the same flight
// has written is seen well before the next Pod's turn.
func (r *Rollout) install(ctx context.Context, in installation) error {
	if err := r.Dir.Sweep(files(union(in.set, in.leftover))...); err != nil {
		return err
	}
	scan, err := r.Dir.Scan()
	if err != nil {
		return err
	}
	changes := scan.Plan(in.set, in.leftover)
	attempt, err := r.newAttempt(scan, len(changes))
	if err != nil && !in.regardless {
		return err
	}
	watch := observation{r: r, in: in}
	if len(changes) > 0 && underWay(scan.Of(in.set), in.since) {
		if err := watch.step(ctx, waveAt(changes, 0), changes); err != nil {
			return err
		}
	}
	var failed []error
	for i, change := range changes {
		if err := r.carry(ctx, change, attempt); err != nil && in.regardless {
			failed = append(failed, err)
			continue
		} else if err != nil {
			return err
		}
		if err := watch.step(ctx, waveAt(changes, i), changes[i+1:]); err != nil {
			return err
		}
	}
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	return watch.whole(ctx)
}

var done = map[manifestdir.Action]string{
	manifestdir.Add:     "added the manifest",
	manifestdir.Replace: "replaced the manifest",
	manifestdir.Remove:  "removed the manifest",
}

// carry carries out one change. A Pod that replaces another would wait 10 to 15 s after that one has ended until the kubelet
// looks again, and what it serves with it. So its manifest is written once more, with another attempt, at the moment the
// old Pod ends: the kubelet starts that one at once. There is a valid manifest in place throughout, and a crash between
// the two writes costs no more than the wait.
func (r *Rollout) carry(ctx context.Context, change manifestdir.Change, attempt int) error {
	write := func() error {
		if err := r.Dir.Carry(change, attempt); err != nil {
			return err
		}
		r.Log.WithField("pod", change.Pod()).Info(done[change.Action])
		return nil
	}
	if r.Ending == nil || change.Action != manifestdir.Replace || change.Old == nil {
		return write()
	}
	ctx, cancel := context.WithTimeout(ctx, longestGrace(render.Manifests{*change.Old})+endingMargin)
	defer cancel()
	ended, err := r.Ending(ctx, *change.Old, write)
	if err != nil || !ended {
		return err
	}
	if err := r.carryAgain(change); err != nil { // the first write stands, and costs the wait
		r.Log.WithError(err).WithField("pod", change.Pod()).Warn("the kubelet will let the new Pod wait")
	}
	return nil
}

func (r *Rollout) carryAgain(change manifestdir.Change) error {
	scan, err := r.Dir.Scan()
	if err != nil {
		return err
	}
	attempt, err := r.newAttempt(scan, 1)
	if err != nil {
		return err
	}
	return r.Dir.Carry(change, attempt)
}

// newAttempt hands out a perch/attempt that no file on this node has had, so that the kubelet sees a UID that it has never
// seen: with one that it has, it lists a Pod that is still ending as the one that is wanted, Running and Ready.
func (r *Rollout) newAttempt(scan manifestdir.Scan, changes int) (int, error) {
	if changes == 0 {
		return 0, nil
	}
	state := r.History.State()
	r.attempt = max(r.attempt, state.Attempt, scan.HighestAttempt()) + 1 // the folder may know more than a state that was lost
	state.Attempt, state.InFlight = r.attempt, r.flight()
	return r.attempt, r.History.Save(state)
}

// waveAt is the wave that a change belongs to. A removal that frees a port belongs to the change that takes it.
func waveAt(changes []manifestdir.Change, i int) int {
	for _, change := range changes[i:] {
		if change.Action != manifestdir.Remove {
			return change.Wave()
		}
	}
	return changes[i].Wave()
}

// underWay reports whether one of the manifests was written by this flight already.
func underWay(manifests render.Manifests, since int) bool {
	for _, manifest := range manifests {
		if manifest.Stamp.Attempt > since {
			return true
		}
	}
	return false
}
