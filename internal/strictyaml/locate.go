package strictyaml

import (
	"strconv"
	"strings"

	yaml "sigs.k8s.io/yaml/goyaml.v3"
)

// locate walks down a field path as far as the document goes. It returns the line
// of the last step that it found and the part of the path that it did not find.
func locate(n *yaml.Node, path string, line, depth int) (int, string) {
	n = follow(n)
	if path == "" || depth > maxDepth {
		return line, path
	}
	bestLine, bestRest := line, path
	for _, s := range steps(n, path, depth) {
		l, rest := locate(s.value, s.rest, s.line, depth+1)
		if rest == "" {
			return l, ""
		}
		if len(rest) < len(bestRest) {
			bestLine, bestRest = l, rest
		}
	}
	return bestLine, bestRest
}

// find returns the node at a path, nil where there is none.
func find(n *yaml.Node, path string, depth int) *yaml.Node {
	n = follow(n)
	if path == "" {
		return n
	}
	if depth > maxDepth {
		return nil
	}
	for _, s := range steps(n, path, depth) {
		if f := find(s.value, s.rest, depth+1); f != nil {
			return f
		}
	}
	return nil
}

// step is one way to go down a path: keys may contain dots, so there may be several.
type step struct {
	value *yaml.Node
	line  int
	rest  string
}

func steps(n *yaml.Node, path string, depth int) []step {
	switch n.Kind {
	case yaml.MappingNode:
		return mappingSteps(n, path, depth)
	case yaml.SequenceNode:
		end := strings.IndexByte(path, ']')
		if !strings.HasPrefix(path, "[") || end < 0 {
			return nil
		}
		rest := strings.TrimPrefix(path[end+1:], ".")
		if path[1:end] == "*" {
			out := make([]step, len(n.Content))
			for i, c := range n.Content {
				out[i] = step{c, c.Line, rest}
			}
			return out
		}
		i, err := strconv.Atoi(path[1:end])
		if err != nil || i < 0 || i >= len(n.Content) {
			return nil
		}
		return []step{{n.Content[i], n.Content[i].Line, rest}}
	}
	return nil
}

func mappingSteps(n *yaml.Node, path string, depth int) (out []step) {
	if depth > maxDepth {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if rest, ok := cutKey(path, n.Content[i].Value); ok && !isMerge(n.Content[i]) {
			out = append(out, step{n.Content[i+1], n.Content[i].Line, rest})
		}
	}
	// What a mapping says itself wins over what is merged into it.
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		merged := follow(n.Content[i+1])
		from := []*yaml.Node{merged}
		if merged.Kind == yaml.SequenceNode {
			from = merged.Content
		}
		for _, m := range from {
			if m = follow(m); m.Kind == yaml.MappingNode {
				out = append(out, mappingSteps(m, path, depth+1)...)
			}
		}
	}
	return out
}

// cutKey takes one key off the front of a path: as "key", "key.rest", "key[0]"
// or "[key].rest".
func cutKey(path, key string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(path, "["+key+"]"); ok {
		return strings.TrimPrefix(rest, "."), true
	}
	rest, ok = strings.CutPrefix(path, key)
	switch {
	case !ok || key == "":
		return "", false
	case rest == "", rest[0] == '[':
		return rest, true
	case rest[0] == '.':
		return rest[1:], true
	}
	return "", false
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && (key.Tag == "!!merge" || key.Tag == "")
}

// nothing stands for the node of a zero Document.
var nothing = &yaml.Node{}

// follow returns what an alias stands for. The parser never makes an alias of an alias.
func follow(n *yaml.Node) *yaml.Node {
	if n == nil {
		return nothing
	}
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}
