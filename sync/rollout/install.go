package rollout

import (
	"context"
	"time"

	"github.com/perch-gitops/perch/render"
	"github.com/perch-gitops/perch/sync/health"
	"github.com/perch-gitops/perch/sync/manifestdir"
)

// installation is a set to put in place, and how.
type installation struct {
	set        render.Manifests
	leftover   render.Manifests // more manifests whose files are ours: those that the set lacks are removed
	attempt    int              // the perch/attempt of what is written
	regardless bool             // write everything, well or not
	spent      bool             // the whole deadline has been waited before
}

// lookAgain is how long a node that was ill through a whole deadline is observed when it is looked at again.
const lookAgain = 15 * time.Second

// install turns the folder into a set, one Pod at a time in the order of the waves, and returns once the node runs it, or
// why it does not. It is idempotent: what has its content already is left alone, and what an earlier start of the same
// flight has written is seen well before the next Pod's turn.
func (r *Rollout) install(ctx context.Context, in installation) error {
	if err := r.Dir.Sweep(files(union(in.set, in.leftover))...); err != nil {
		return err
	}
	scan, err := r.Dir.Scan()
	if err != nil {
		return err
	}
	changes := scan.Plan(in.set, in.leftover)
	var sick error
	seen := 0 // Pods in the last observation
	look := func(wave int, pending []manifestdir.Change) {
		settled := settled(in.set, pending, wave)
		seen, sick = len(settled), r.observe(ctx, in, settled)
	}
	if len(changes) > 0 && hasAttempt(scan.Of(in.set), in.attempt) {
		look(changes[0].Wave(), changes)
	}
	for i, change := range changes {
		if sick != nil && (ctx.Err() != nil || !in.regardless) {
			return sick
		}
		if err := r.Dir.Carry(change, in.attempt); err != nil {
			return err
		}
		r.Log.WithField("pod", change.Pod()).WithField("wave", change.Wave()).Info(done[change.Action])
		if sick == nil {
			look(change.Wave(), changes[i+1:])
		}
	}
	if sick == nil && (seen < len(in.set) || len(changes) == 0) {
		return r.observe(ctx, in, in.set)
	}
	return sick
}

// hasAttempt reports whether one of the manifests was written by this attempt, so that a flight is going on.
func hasAttempt(manifests render.Manifests, attempt int) bool {
	for _, manifest := range manifests {
		if manifest.Stamp.Attempt == attempt {
			return true
		}
	}
	return false
}

var done = map[manifestdir.Action]string{
	manifestdir.Add:     "added the manifest",
	manifestdir.Replace: "replaced the manifest",
	manifestdir.Remove:  "removed the manifest",
}

// settled returns the Pods that have to be well before anything else happens: those of this wave and below that wait for no
// change themselves. A Pod of a later wave may be ill because of what was just changed, or is about to be: the controller
// manager and the scheduler exit whenever the API server is away for some seconds.
func settled(set render.Manifests, pending []manifestdir.Change, wave int) render.Manifests {
	var now render.Manifests
	for _, manifest := range set {
		if manifest.Wave() <= wave && !isPending(pending, manifest.File) {
			now = append(now, manifest)
		}
	}
	return now
}

func isPending(changes []manifestdir.Change, file string) bool {
	for _, change := range changes {
		if change.File == file {
			return true
		}
	}
	return false
}

// observe returns nil once the node runs these Pods and no longer those that have been removed.
func (r *Rollout) observe(ctx context.Context, in installation, set render.Manifests) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	scan, err := r.Dir.Scan()
	if err != nil {
		return err
	}
	removed := without(in.leftover, in.set)
	want := health.Want{Running: scan.Of(set), Gone: without(removed, scan.Of(removed))}
	if in.spent {
		want.Patience = lookAgain
	}
	return r.Probe(ctx, want)
}
