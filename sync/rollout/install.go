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
// why it does not. It is idempotent: what has its content already is left alone.
func (r *Rollout) install(ctx context.Context, in installation) error {
	if err := r.Dir.Sweep(files(union(in.set, in.leftover))...); err != nil {
		return err
	}
	changes, err := r.plan(in.set, in.leftover)
	if err != nil {
		return err
	}
	var sick error
	for i, change := range changes {
		if err := r.Dir.Carry(change, in.attempt); err != nil {
			return err
		}
		r.Log.WithField("pod", change.Pod()).WithField("wave", change.Wave()).Info(done[change.Action])
		if pending := changes[i+1:]; len(pending) > 0 && sick == nil {
			sick = r.observe(ctx, in, settled(in.set, pending, change.Wave()))
		}
		if sick != nil && (ctx.Err() != nil || !in.regardless) {
			return sick
		}
	}
	if sick != nil {
		return sick
	}
	return r.observe(ctx, in, in.set)
}

var done = map[manifestdir.Action]string{
	manifestdir.Add:     "added the manifest",
	manifestdir.Replace: "replaced the manifest",
	manifestdir.Remove:  "removed the manifest",
}

// settled returns the Pods that have to be well before the next change: those of this wave and below that wait for no
// change themselves. A Pod of a later wave may be ill because of what is about to be changed.
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
