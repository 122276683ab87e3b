//go:build bench

package bench

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkApply takes the time from the trigger, when the commit is pushed, to the last of five manifests in the folder:
// for perch from its signal, for the script from its start.
func BenchmarkApply(b *testing.B) {
	b.Run("path", func(b *testing.B) {
		r := fivePods(b)
		apply(b, r, r.bare)
	})
	b.Run("http", func(b *testing.B) {
		r := fivePods(b)
		apply(b, r, serve(b, r).url)
	})
}

func apply(b *testing.B, r *repository, url string) {
	a, c := start(b, url, fiveNode), newCronJob(b, url)
	manifests := watch(b, a.manifests)
	var tag string
	ours, theirs := alternate(func(round int) {
		tag = fmt.Sprintf("v1.%d.0", round)
		upgrade(r, tag)
	}, func() turn {
		before, began := processorTime(b, a.pid), time.Now()
		a.ask()
		ended := manifests.untilAll(5, ":"+tag)
		a.await("Confirmed")
		return turn{"ms": milliseconds(ended.Sub(began)), "cpu-ms": milliseconds(processorTime(b, a.pid) - before)}
	}, func() turn {
		took, worked := c.run(5, ":"+tag)
		return turn{"ms": milliseconds(took), "cpu-ms": milliseconds(worked)}
	})
	ratios := ours["ms"].over(theirs["ms"])
	say(b, "perch %.0f ms (%.0f ms of processor time), git and kustomize %.0f ms (%.0f ms), ratio of the first %s",
		ours["ms"].median(), ours["cpu-ms"].median(), theirs["ms"].median(), theirs["cpu-ms"].median(), ratios.spread())
	report(b, map[string]float64{"perch-ms": ours["ms"].median(), "script-ms": theirs["ms"].median(), "ratio": ratios.median(),
		"perch-cpu-ms": ours["cpu-ms"].median(), "script-cpu-ms": theirs["cpu-ms"].median()})
}
