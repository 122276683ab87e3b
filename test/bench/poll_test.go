//go:build bench

package bench

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// pollsARound is how many looks at Git are one measurement: one is too short for it.
const pollsARound = 30

// BenchmarkPoll takes the processor time and the bytes of a look at Git that finds nothing new, over HTTP.
func BenchmarkPoll(b *testing.B) {
	b.Run("one-branch", func(b *testing.B) { poll(b, 0) })
	// As many pull requests leave refs behind on the usual servers.
	b.Run("1000-pull-requests", func(b *testing.B) { poll(b, 1000) })
}

func poll(b *testing.B, pullRequests int) {
	r := fivePods(b)
	addPullRequests(r, pullRequests)
	s := serve(b, r)
	a := start(b, s.url, fiveNode)
	clone := filepath.Join(b.TempDir(), "clone")
	git(b, b.TempDir(), "clone", "-q", s.url, clone)

	var bytes, otherBytes figures
	times, others := alternate(func(int) {}, func() float64 {
		return s.counted(&bytes, func() float64 {
			before := processorTime(b, a.pid)
			for range pollsARound {
				a.ask()
				a.await("Unchanged")
			}
			return milliseconds(processorTime(b, a.pid)-before) / pollsARound
		})
	}, func() float64 {
		return s.counted(&otherBytes, func() (ms float64) {
			for range pollsARound {
				c := command("git", "-C", clone, "fetch", "-q", "origin", "main")
				run(b, c)
				ms += milliseconds(used(c)) / pollsARound
			}
			return ms
		})
	})
	ratios := times.over(others)
	say(b, "perch %.2f ms of processor time and %.0f bytes, git fetch %.2f ms and %.0f bytes, ratio of time %s",
		times.median(), bytes.median(), others.median(), otherBytes.median(), ratios.spread())
	report(b, map[string]float64{"perch-cpu-ms": times.median(), "git-cpu-ms": others.median(), "ratio": ratios.median(),
		"perch-bytes": bytes.median(), "git-bytes": otherBytes.median()})
}

// counted takes the bytes of a poll along with what f returns.
func (s *server) counted(bytes *figures, f func() float64) float64 {
	before := s.bytes.Load()
	result := f()
	*bytes = append(*bytes, float64(s.bytes.Load()-before)/pollsARound)
	return result
}

// addPullRequests leaves refs on the server that the branch has nothing to do with.
func addPullRequests(r *repository, n int) {
	r.b.Helper()
	head := git(r.b, r.bare, "rev-parse", "main")
	var refs strings.Builder
	for i := range n {
		fmt.Fprintf(&refs, "create refs/pull/%d/head %s\n", i+1, head)
	}
	c := command("git", "-C", r.bare, "update-ref", "--stdin")
	c.Stdin = strings.NewReader(refs.String())
	run(r.b, c)
	git(r.b, r.bare, "pack-refs", "--all")
}
