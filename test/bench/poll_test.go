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

	ours, theirs := alternate(func(int) {}, func() turn {
		return s.polled(func() float64 {
			before := processorTime(b, a.pid)
			for range pollsARound {
				a.ask()
				a.await("Unchanged")
			}
			return milliseconds(processorTime(b, a.pid) - before)
		})
	}, func() turn {
		return s.polled(func() (ms float64) {
			for range pollsARound {
				c := command("git", "-C", clone, "fetch", "-q", "origin", "main")
				run(b, c)
				ms += milliseconds(used(c))
			}
			return ms
		})
	})
	ratios := ours["cpu-ms"].over(theirs["cpu-ms"])
	say(b, "perch %.2f ms of processor time and %.0f bytes, git fetch %.2f ms and %.0f bytes, ratio of the times %s",
		ours["cpu-ms"].median(), ours["bytes"].median(), theirs["cpu-ms"].median(), theirs["bytes"].median(), ratios.spread())
	report(b, map[string]float64{"perch-cpu-ms": ours["cpu-ms"].median(), "git-cpu-ms": theirs["cpu-ms"].median(), "ratio": ratios.median(),
		"perch-bytes": ours["bytes"].median(), "git-bytes": theirs["bytes"].median()})
}

// polled makes the processor time of a whole round, in milliseconds, and the bytes in it those of one poll.
func (s *server) polled(round func() float64) turn {
	before := s.bytes.Load()
	ms := round()
	return turn{"cpu-ms": ms / pollsARound, "bytes": float64(s.bytes.Load()-before) / pollsARound}
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
