package rollout

import (
	"context"
	"fmt"
	"time"

	"github.com/perch-gitops/perch/render"
	"github.com/perch-gitops/perch/sync/health"
	"github.com/perch-gitops/perch/sync/manifestdir"
)

// observation watches an installation.
type observation struct {
	r  *Rollout
	in installation
}

// step returns nil once the next change may come: those Pods are well that are settled by now. After the last change of
// the last wave there is nothing to wait for here: the whole set is observed next.
func (o *observation) step(ctx context.Context, wave int, pending []manifestdir.Change) error {
	set := settled(o.in.set, pending, wave)
	if len(pending) == 0 && len(set) == len(o.in.set) {
		return nil
	}
	want := health.Want{Running: set}
	if o.in.regardless {
		want.Patience = wayBackStep
	}
	err := o.look(ctx, want)
	if ctx.Err() == nil && o.in.regardless {
		return nil // the verdict is about the whole set, which is not in place yet
	}
	return err
}

// whole returns nil once the node runs the whole set, and nothing that was removed.
func (o *observation) whole(ctx context.Context) error {
	return o.look(ctx, health.Want{Running: o.in.set, Whole: true})
}

func (o *observation) look(ctx context.Context, want health.Want) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	scan, err := o.r.Dir.Scan()
	if err != nil {
		return err
	}
	set := want.Running
	if want.Running, err = inPlace(scan, set); err != nil {
		return err
	}
	removed := without(o.in.leftover, o.in.set)
	want.Gone = without(removed, scan.Of(removed))
	if o.in.spent {
		want.Patience = lookAgain
	} else {
		want.Ending = longestGrace(union(o.in.set, o.in.leftover))
	}
	if err := o.r.Probe(ctx, want); err != nil {
		return err
	}
	o.in.spent = false // the node has got well since
	if scan, err = o.r.Dir.Scan(); err != nil {
		return err
	}
	_, err = inPlace(scan, set)
	return err
}

// inPlace returns the manifests of a set as they are in the folder. That one is missing or has been edited is no Pod's
// illness, but what runs then is not the revision.
func inPlace(scan manifestdir.Scan, set render.Manifests) (render.Manifests, error) {
	found := scan.Of(set)
	for _, manifest := range set {
		if !has(found, manifest) {
			return nil, fmt.Errorf("somebody else has removed or edited %s while this revision was in flight", manifest.File)
		}
	}
	return found, nil
}

func has(found render.Manifests, manifest render.Manifest) bool {
	for _, candidate := range found {
		if candidate.File == manifest.File && candidate.Digest == manifest.Digest {
			return true
		}
	}
	return false
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

// mostGrace bounds what a Pod's grace adds to a deadline: one that may take a day to end must not keep a fix waiting.
const mostGrace = 15 * time.Minute

// longestGrace is how long the Pods at either end of a flight may take to make way.
func longestGrace(manifests render.Manifests) time.Duration {
	var longest time.Duration
	for _, manifest := range manifests {
		grace := 30 * time.Second // Kubernetes' default
		if seconds := manifest.Pod.Spec.TerminationGracePeriodSeconds; seconds != nil {
			grace = time.Duration(min(*seconds, int64(mostGrace/time.Second))) * time.Second
		}
		longest = max(longest, grace)
	}
	return longest
}
