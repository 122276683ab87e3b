package strictyaml

import (
	"fmt"

	yaml "sigs.k8s.io/yaml/goyaml.v3"
)

// bounded says whether a document stays within maxDepth and maxAliased when its
// aliases are followed. It visits each anchor once, so that finding a bomb costs
// no more than reading it.
func bounded(root *yaml.Node) (Problem, bool) {
	b := bounds{size: map[*yaml.Node]int{}, open: map[*yaml.Node]bool{}, depth: map[*yaml.Node]int{}}
	written := 0
	count(root, &written)
	total, _ := b.measure(root, 0)
	if b.problem == nil && total > written+maxAliased {
		b.fail(root, "aliases expand to too much")
	}
	if b.problem != nil {
		return *b.problem, false
	}
	return Problem{}, true
}

type bounds struct {
	size    map[*yaml.Node]int
	depth   map[*yaml.Node]int
	open    map[*yaml.Node]bool
	problem *Problem
}

func (b *bounds) fail(n *yaml.Node, format string, args ...any) {
	if b.problem == nil {
		b.problem = &Problem{Line: n.Line, Message: "invalid YAML: " + fmt.Sprintf(format, args...)}
	}
}

// measure returns how many nodes n comes to, and how deep it is.
func (b *bounds) measure(n *yaml.Node, level int) (size, depth int) {
	n = follow(n)
	if b.problem != nil {
		return 0, 0
	}
	if level > maxDepth {
		b.fail(n, "nested more than %d deep", maxDepth)
		return 0, 0
	}
	if b.open[n] {
		b.fail(n, "anchor %q contains itself", n.Anchor)
		return 0, 0
	}
	if s, ok := b.size[n]; ok {
		if level+b.depth[n] > maxDepth {
			b.fail(n, "nested more than %d deep", maxDepth)
		}
		return s, b.depth[n]
	}
	b.open[n] = true
	size = 1
	for _, c := range n.Content {
		s, d := b.measure(c, level+1)
		// Capped, since sums of sums overflow after sixty levels of doubling.
		size = min(size+s, MaxBytes+2*maxAliased)
		depth = max(depth, d+1)
	}
	delete(b.open, n)
	if n.Anchor != "" {
		b.size[n], b.depth[n] = size, depth
	}
	return size, depth
}

// count adds up the nodes that are written out.
func count(n *yaml.Node, total *int) {
	*total++
	for _, c := range n.Content {
		count(c, total)
	}
}
