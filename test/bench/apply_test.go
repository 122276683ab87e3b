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
	var work, otherWork figures
	times, others := alternate(func(round int) {
		tag = fmt.Sprintf("v1.%d.0", round)
		upgrade(r, tag)
	}, func() float64 {
		before, began := processorTime(b, a.pid), time.Now()
		a.ask()
		ended := manifests.untilAll(5, ":"+tag)
		a.await("Confirmed")
		work = append(work, milliseconds(processorTime(b, a.pid)-before))
		return milliseconds(ended.Sub(began))
	}, func() float64 {
		took, worked := c.run(5, ":"+tag)
		otherWork = append(otherWork, milliseconds(worked))
		return milliseconds(took)
	})
	ratios := times.over(others)
	say(b, "perch %.0f ms (%.0f ms of processor time), git and kustomize %.0f ms (%.0f ms), ratio of the first %s",
		times.median(), work.median(), others.median(), otherWork.median(), ratios.spread())
	report(b, map[string]float64{"perch-ms": times.median(), "script-ms": others.median(), "ratio": ratios.median(),
		"perch-cpu-ms": work.median(), "script-cpu-ms": otherWork.median()})
}
