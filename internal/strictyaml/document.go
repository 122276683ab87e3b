package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	yaml "sigs.k8s.io/yaml/goyaml.v3"
)

const (
	// MaxBytes is the largest input that is looked at. The kubelet's file source
	// refuses a manifest of this size as well (pkg/kubelet/config/common.go, maxConfigLength).
	MaxBytes = 10 << 20
	// maxDepth bounds nesting, aliases followed.
	maxDepth = 200
	// maxAliased is how many nodes more than it spells out a document may come to
	// when its aliases are followed. It stops a few lines from becoming gigabytes.
	maxAliased = 50_000
)

// Document is one document of a YAML stream that holds something. Lines are
// those of the whole stream.
type Document struct {
	root *yaml.Node
}

// Documents parses a YAML (or JSON) stream and returns the documents in it that are not empty.
// The error is of type Problems: a syntax error, input of MaxBytes or more, too deep
// nesting, or aliases that expand to too much or to themselves. Documents before a
// syntax error are returned too.
func Documents(data []byte) (docs []Document, err error) {
	all, err := parse(data)
	for _, d := range all {
		if !d.empty() {
			docs = append(docs, d)
		}
	}
	return docs, err
}

// parse returns every document, empty ones as well.
func parse(data []byte) (docs []Document, err error) {
	if len(data) >= MaxBytes {
		return nil, Problems{{Message: fmt.Sprintf("%d bytes are too many: must be less than %d", len(data), MaxBytes)}}
	}
	// The parser reports errors by panicking and recovers its own; hostile input has
	// found panics that it does not.
	defer func() {
		if r := recover(); r != nil {
			err = Problems{{Message: fmt.Sprintf("invalid YAML: the parser failed: %v", r)}}
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		if err := dec.Decode(&n); errors.Is(err, io.EOF) {
			return docs, nil
		} else if err != nil {
			return docs, Problems{syntaxProblem(err)}
		}
		if n.Kind != yaml.DocumentNode || len(n.Content) != 1 {
			continue
		}
		if p, ok := bounded(n.Content[0]); !ok {
			return docs, Problems{p}
		}
		docs = append(docs, Document{root: n.Content[0]})
	}
}

func (d Document) empty() bool {
	return d.root == nil || d.root.Kind == yaml.ScalarNode && d.root.Tag == "!!null" && d.root.Value == ""
}

// Start is the line on which the document's content begins.
func (d Document) Start() int { return d.node().Line }

func (d Document) node() *yaml.Node {
	if d.root == nil {
		return nothing
	}
	return d.root
}

// Line returns the line of a field such as spec.containers[0].image or
// metadata.annotations[perch/wave], 0 where there is no such field.
// For a field of a mapping it is the line of its key. An index may be *, for the first
// element that has the rest of the field.
func (d Document) Line(field string) int {
	line, rest := locate(d.node(), field, d.node().Line, 0)
	if rest != "" {
		return 0
	}
	return line
}

// Near returns the line of a field, or else of the closest thing around it that is there.
func (d Document) Near(field string) int {
	line, _ := locate(d.node(), field, d.node().Line, 0)
	return line
}

// Scalar returns the text of a field that is a scalar.
func (d Document) Scalar(field string) (string, bool) {
	n := find(d.node(), field, 0)
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return "", false
	}
	return n.Value, true
}

// Keys returns the keys of the mapping at a field ("" is the document), in
// their order; those that came by a merge key ("<<") are not among them.
func (d Document) Keys(field string) []string {
	n := find(d.node(), field, 0)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var keys []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			keys = append(keys, n.Content[i].Value)
		}
	}
	return keys
}

// Len returns how many elements the list at a field has.
func (d Document) Len(field string) int {
	n := find(d.node(), field, 0)
	if n == nil || n.Kind != yaml.SequenceNode {
		return 0
	}
	return len(n.Content)
}

// IsMapping says whether the document as a whole is a mapping.
func (d Document) IsMapping() bool { return follow(d.node()).Kind == yaml.MappingNode }

// Line returns the line of a field in the first document of data that has it, 0 where none has.
func Line(data []byte, field string) int {
	docs, _ := parse(data)
	for _, d := range docs {
		if line := d.Line(field); line > 0 {
			return line
		}
	}
	return 0
}
