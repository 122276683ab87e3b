//go:build bench

package bench

import (
	"fmt"
	"testing"
)

// BenchmarkMemory takes what an idle agent holds after its first hundred looks at Git and after many more, over HTTP: by
// default as many as it takes in thirty hours. They follow each other at once, so time itself is not tested.
func BenchmarkMemory(b *testing.B) {
	a := start(b, serve(b, fivePods(b)).url, fiveNode)
	early, late := 100, *polls
	at := map[int]footprint{}
	for n := 1; n <= late; n++ {
		a.ask()
		a.await("Unchanged")
		if n == early || n == late || n%1000 == 0 {
			at[n] = footprintOf(b, a.pid)
			fmt.Printf("        after %d polls: %s\n", n, at[n])
		}
	}
	if late <= early {
		b.Fatalf("-polls %d: must be more than %d", late, early)
	}
	first, last := at[early], at[late]
	say(b, "after %d polls %s; growth since poll %d: memory %.3f times, threads %+d, files %+d", late, last, early,
		last.resident/first.resident, last.threads-first.threads, last.files-first.files)
	report(b, map[string]float64{"resident-MiB": last.resident, "peak-MiB": last.peak, "growth": last.resident / first.resident,
		"threads": float64(last.threads), "files": float64(last.files)})
}
