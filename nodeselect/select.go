package nodeselect

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

// Node is this node as its agent's configuration describes it. Labels are those and no
// others: neither kubernetes.io/hostname nor a role is implied, since the node's object,
// which has them, may be unreachable or not exist yet.
type Node struct {
	Name   string
	Labels map[string]string
}

// Validate says whether the name and the labels could be those of a Node of Kubernetes.
// The error is of type strictyaml.Problems; its fields are name and labels[KEY].
func (n Node) Validate() error {
	var ps strictyaml.Problems
	for _, msg := range validation.IsDNS1123Subdomain(n.Name) {
		ps = append(ps, strictyaml.Problem{Field: "name", Message: fmt.Sprintf("%q: %s", n.Name, msg)})
	}
	for _, key := range slices.Sorted(maps.Keys(n.Labels)) {
		field := "labels[" + key + "]"
		for _, msg := range validation.IsQualifiedName(key) {
			ps = append(ps, strictyaml.Problem{Field: field, Message: "the key: " + msg})
		}
		for _, msg := range validation.IsValidLabelValue(n.Labels[key]) {
			ps = append(ps, strictyaml.Problem{Field: field, Message: fmt.Sprintf("%q: %s", n.Labels[key], msg)})
		}
	}
	return ps.Err()
}

// String gives name and labels: `cp-1 (role=control-plane,zone=a)`.
func (n Node) String() string {
	if len(n.Labels) == 0 {
		return fmt.Sprintf("%q (no labels)", n.Name)
	}
	return fmt.Sprintf("%q (%s)", n.Name, labels.FormatLabels(n.Labels))
}

// Select returns the paths of the overlays for a node, in the order of the file, each once.
//
// That there is none is an error unless the fleet allows it: an empty result must never be
// taken for an instruction to remove every Pod.
func (f Fleet) Select(n Node) ([]string, error) {
	var paths []string
	for i, o := range f.Overlays {
		ok, err := o.matches(n)
		if err != nil {
			return nil, fmt.Errorf("%s: overlays[%d]: %w", File, i, err)
		}
		if ok && !slices.Contains(paths, o.Path) {
			paths = append(paths, o.Path)
		}
	}
	if len(paths) == 0 && !f.AllowEmpty {
		return nil, f.noMatch(n)
	}
	return paths, nil
}

func (o Overlay) matches(n Node) (bool, error) {
	if o.NodeSelector == nil && len(o.NodeNames) == 0 {
		return false, nil
	}
	if o.NodeSelector != nil {
		selector, err := metav1.LabelSelectorAsSelector(o.NodeSelector)
		if err != nil {
			return false, fmt.Errorf("nodeSelector: %w", err)
		}
		if !selector.Matches(labels.Set(n.Labels)) {
			return false, nil
		}
	}
	if len(o.NodeNames) == 0 {
		return true, nil
	}
	for _, pattern := range o.NodeNames {
		ok, err := path.Match(pattern, n.Name)
		if err != nil {
			return false, fmt.Errorf("nodeNames: %q: %w", pattern, err)
		}
		if ok {
			return true, nil
		}
	}
	return false, nil
}

// noMatch tells a person what to compare.
func (f Fleet) noMatch(n Node) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: no overlay is for node %s", File, n)
	for _, o := range f.Overlays {
		fmt.Fprintf(&b, "\n  %s wants %s", o.Path, o.wants())
	}
	if len(f.Overlays) == 0 {
		b.WriteString(": it lists none")
	}
	b.WriteString("\nset node.labels in the agent's configuration, or allowEmpty: true to let a node run none")
	return &NoMatchError{Node: n, msg: b.String()}
}

func (o Overlay) wants() string {
	var parts []string
	if o.NodeSelector != nil {
		s := metav1.FormatLabelSelector(o.NodeSelector)
		if s == "<none>" {
			s = "any"
		}
		parts = append(parts, "labels "+s)
	}
	if len(o.NodeNames) > 0 {
		parts = append(parts, "a name like "+strings.Join(o.NodeNames, " or "))
	}
	return strings.Join(parts, " and ")
}

// NoMatchError says that no overlay is for a node, and what each one wants.
type NoMatchError struct {
	Node Node
	msg  string
}

func (e *NoMatchError) Error() string { return e.msg }
