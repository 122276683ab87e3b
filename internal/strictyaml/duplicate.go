package strictyaml

import (
	"fmt"

	yaml "sigs.k8s.io/yaml/goyaml.v3"
)

// Duplicates returns each key that stands twice in one mapping, and each key that
// is not a scalar. The kubelet and kustomize would silently take one of the two.
func (d Document) Duplicates() Problems {
	var ps Problems
	duplicates(d.node(), "", &ps)
	return ps
}

func duplicates(n *yaml.Node, path string, ps *Problems) {
	switch n.Kind {
	case yaml.SequenceNode:
		for i, c := range n.Content {
			duplicates(c, fmt.Sprintf("%s[%d]", path, i), ps)
		}
	case yaml.MappingNode:
		first := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := follow(n.Content[i])
			if k.Kind != yaml.ScalarNode {
				*ps = append(*ps, Problem{k.Line, path, "a key must be a string"})
				continue
			}
			field := join(path, k.Value)
			if at, twice := first[k.Value]; twice {
				*ps = append(*ps, Problem{k.Line, field, fmt.Sprintf("duplicate key, first on line %d", at)})
			} else {
				first[k.Value] = k.Line
			}
			// An alias's content is checked where its anchor stands.
			duplicates(n.Content[i+1], field, ps)
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
