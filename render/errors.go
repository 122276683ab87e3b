package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

// Problem is one thing that is wrong with what the repository says.
type Problem struct {
	Overlay string
	File    string // relative to the tree; empty where it cannot be told
	Line    int    // 1-based; 0 where it cannot be told
	Pod     string // namespace/name; empty where it is not about a Pod
	Field   string
	Message string
}

// String gives the one line that a person reads:
// render overlay "overlays/cp": base/etcd.yaml line 12: Pod kube-system/etcd: spec.hostnetwork: unknown field
func (p Problem) String() string {
	var b strings.Builder
	if p.Overlay != "" {
		fmt.Fprintf(&b, "render overlay %q: ", p.Overlay)
	}
	msg := strictyaml.Problem{Field: p.Field, Message: p.Message}.String()
	if p.Pod != "" {
		msg = "Pod " + p.Pod + ": " + msg
	}
	if p.File == "" {
		return b.String() + msg
	}
	return b.String() + strictyaml.Problem{Line: p.Line, Message: msg}.In(p.File)
}

// Problems is everything that is wrong with what the repository says. To render the same
// again gives the same; any other error of Overlays is about this attempt alone.
type Problems []Problem

// Error gives one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// sorted orders by overlay, file and line, and leaves out what two overlays share.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Overlay, b.Overlay), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return slices.Compact(ps)
}
