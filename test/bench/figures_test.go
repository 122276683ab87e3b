//go:build bench

package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// figures are one quantity, measured once a round.
type figures []float64

func (f figures) median() float64 { return f.quantile(0.5) }

// quantile interpolates between the two nearest figures.
func (f figures) quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(f))
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// over returns the ratio of each round.
func (f figures) over(other figures) figures {
	ratios := make(figures, len(f))
	for i := range f {
		ratios[i] = f[i] / other[i]
	}
	return ratios
}

// spread is the median and where the middle half of the rounds lies.
func (f figures) spread() string {
	return fmt.Sprintf("%.2f (%.2f to %.2f)", f.median(), f.quantile(0.25), f.quantile(0.75))
}

// turn is what one side came to in one round, by unit; turns are all of its rounds.
type (
	turn  map[string]float64
	turns map[string]figures
)

// alternate measures two things in turn. Which of them goes first changes with each round: who goes second finds warmer
// caches. The round before the first one is not counted.
func alternate(prepare func(round int), one, other func() turn) (ones, others turns) {
	ones, others = turns{}, turns{}
	for round := range *rounds + 1 {
		prepare(round)
		var a, b turn
		if round%2 == 0 {
			a = one()
			b = other()
		} else {
			b = other()
			a = one()
		}
		if round > 0 {
			ones.add(a)
			others.add(b)
		}
	}
	return ones, others
}

func (t turns) add(one turn) {
	for unit, value := range one {
		t[unit] = append(t[unit], value)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// say prints one figure as a person reads it.
func say(b *testing.B, format string, args ...any) {
	fmt.Printf("figure: %s: %s\n", b.Name(), fmt.Sprintf(format, args...))
}

// report gives the figures to tools like benchstat. The time of the whole benchmark means nothing.
func report(b *testing.B, metrics map[string]float64) {
	b.ReportMetric(0, "ns/op")
	for unit, value := range metrics {
		b.ReportMetric(value, unit)
	}
}
