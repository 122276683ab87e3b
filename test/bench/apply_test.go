//go:build bench

package bench

import (
	"fmt"
	"os"
	"path/filepath"
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
	times, others := alternate(func(round int) {
		tag = fmt.Sprintf("v1.%d.0", round)
		upgrade(r, tag)
	}, func() float64 {
		began := time.Now()
		a.ask()
		ended := manifests.untilAll(5, ":"+tag)
		a.await("Confirmed")
		return milliseconds(ended.Sub(began))
	}, func() float64 {
		return milliseconds(c.run(5, ":"+tag))
	})
	ratios := times.over(others)
	say(b, "perch %.0f ms, git and kustomize %.0f ms, ratio %s", times.median(), others.median(), ratios.spread())
	report(b, map[string]float64{"perch-ms": times.median(), "script-ms": others.median(), "ratio": ratios.median()})
}

// cronJob is cron.sh with a clone that is warm.
type cronJob struct {
	b                         testing.TB
	clone, staging, manifests string
	renames                   *renames
}

func newCronJob(b testing.TB, url string) *cronJob {
	b.Helper()
	dir := b.TempDir()
	c := &cronJob{b: b, clone: filepath.Join(dir, "clone"), staging: filepath.Join(dir, "staging"), manifests: filepath.Join(dir, "manifests")}
	for _, folder := range []string{c.staging, c.manifests} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			b.Fatal(err)
		}
	}
	git(b, dir, "clone", "-q", url, c.clone)
	c.renames = watch(b, c.manifests)
	return c
}

// run returns how long it took until so many files said the text.
func (c *cronJob) run(files int, says string) time.Duration {
	c.b.Helper()
	script := command("sh", "cron.sh", c.clone, fiveOverlay, c.staging, c.manifests)
	script.Stderr = os.Stderr
	began := time.Now()
	if err := script.Start(); err != nil {
		c.b.Fatal(err)
	}
	ended := c.renames.untilAll(files, says)
	if err := script.Wait(); err != nil {
		c.b.Fatal(err)
	}
	return ended.Sub(began)
}
