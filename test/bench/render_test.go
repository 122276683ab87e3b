//go:build bench

package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// sizes are the fleets that are compared, in overlays. Each has the same one for this node.
var sizes = []int{10, 100, 1000}

// BenchmarkRender takes the processor time from a new commit, which changes this node's overlay, to the end of its apply:
// what a node pays for the overlays of the others. It is taken of a running agent, and of `perch once`, which has to start
// and to open its cache as well.
func BenchmarkRender(b *testing.B) {
	b.Run("few-listed", func(b *testing.B) { renders(b, false) })
	b.Run("all-listed", func(b *testing.B) { renders(b, true) })
}

// subject is one fleet and two nodes that follow it.
type subject struct {
	*manyOverlays
	agent       *agent
	node        installation
	run, single figures
}

func renders(b *testing.B, all bool) {
	var subjects []*subject
	for _, n := range sizes {
		m := newManyOverlays(b, n, all)
		url := serve(b, m.repository).url
		s := &subject{manyOverlays: m, agent: start(b, url, siteNode), node: install(b, url, siteNode)}
		s.node.once("Confirmed")
		subjects = append(subjects, s)
	}
	var starts figures
	for round := range *rounds {
		for i := range subjects {
			subjects[(i+round)%len(subjects)].render(fmt.Sprintf("v1.%d.0", round))
		}
		c := command(perch, "version")
		run(b, c)
		starts = append(starts, milliseconds(used(c)))
	}
	tell(b, "run", subjects, func(s *subject) figures { return s.run })
	tell(b, "once", subjects, func(s *subject) figures { return s.single })
	say(b, "of that, perch once spends %.0f ms on starting", starts.median())
	b.ReportMetric(starts.median(), "start-cpu-ms")
}

// render measures one new commit on both nodes.
func (s *subject) render(tag string) {
	s.upgrade(tag)
	before := processorTime(s.b, s.agent.pid)
	s.agent.ask()
	s.agent.await("Confirmed")
	time.Sleep(20 * time.Millisecond) // the garbage collector may be at it
	s.run = append(s.run, milliseconds(processorTime(s.b, s.agent.pid)-before))
	s.single = append(s.single, milliseconds(used(s.node.once("Confirmed"))))
}

// tell compares the fleets with the smallest one.
func tell(b *testing.B, what string, subjects []*subject, of func(*subject) figures) {
	smallest := of(subjects[0])
	line := []string{fmt.Sprintf("perch %s, %d overlays %.0f ms of processor time", what, sizes[0], smallest.median())}
	metrics := map[string]float64{fmt.Sprintf("%s-%d-cpu-ms", what, sizes[0]): smallest.median()}
	for i, s := range subjects[1:] {
		ratios, n := of(s).over(smallest), sizes[i+1]
		line = append(line, fmt.Sprintf("%d overlays %.0f ms, ratio %s", n, of(s).median(), ratios.spread()))
		metrics[fmt.Sprintf("%s-%d-cpu-ms", what, n)] = of(s).median()
		metrics[fmt.Sprintf("%s-%d-ratio", what, n)] = ratios.median()
	}
	say(b, "%s", strings.Join(line, "; "))
	report(b, metrics)
}
