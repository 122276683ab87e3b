// Package nodeselect says which overlays are for this node. Pure.
//
// It reads the fleet repository's perch.yaml:
//
//	apiVersion: perch/v1alpha1
//	kind: Fleet
//	overlays:
//	- path: overlays/control-plane
//	  nodeSelector: {matchLabels: {node-role.kubernetes.io/control-plane: ""}}
//	- path: overlays/edge
//	  nodeNames: ["edge-*"]
//
// An overlay is for a node if its nodeSelector matches the node's labels and one of
// its nodeNames matches the node's name; what it does not give, matches.
package nodeselect

import (
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

// File is the name of the fleet file, at the root of the repository.
const File = "perch.yaml"

// APIVersion and Kind are what a fleet file must say it is.
const (
	APIVersion = "perch/v1alpha1"
	Kind       = "Fleet"
)

// Fleet says which overlays are for which nodes.
type Fleet struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// AllowEmpty lets a node that no overlay is for run no Pods of ours. Without it that
	// is an error, since a mistyped label would otherwise remove a control plane.
	AllowEmpty bool      `json:"allowEmpty,omitempty"`
	Overlays   []Overlay `json:"overlays"`
}

// Overlay is one folder with a kustomization, and the nodes that it is for.
type Overlay struct {
	Path string `json:"path"` // slash-separated, relative to the root of the repository
	// NodeSelector matches the node's labels; {} matches every node.
	NodeSelector *metav1.LabelSelector `json:"nodeSelector,omitempty"`
	// NodeNames are patterns of path.Match, of which one must match the node's name.
	NodeNames []string `json:"nodeNames,omitempty"`
}

// Parse reads a perch.yaml. The error is of type strictyaml.FileProblems and holds
// everything that is wrong, each with its line and field.
func Parse(data []byte) (Fleet, error) {
	var f Fleet
	var problems strictyaml.Problems
	if err := strictyaml.Decode(data, &f); err != nil && !errors.As(err, &problems) {
		return Fleet{}, fmt.Errorf("%s: %w", File, err)
	}
	if len(problems) > 0 {
		// The rest is looked at as far as it can be decoded, so that the file has to be
		// mended only once.
		f = lenient(data)
	}
	if decodable(problems) {
		problems = append(problems, f.problems(data, problems)...)
	}
	if len(problems) > 0 {
		problems.Sort()
		return Fleet{}, strictyaml.FileProblems{File: File, Problems: problems}
	}
	return f, nil
}

// decodable says whether each problem is one of a field: with any other, nothing of the
// document is known.
func decodable(problems strictyaml.Problems) bool {
	return !slices.ContainsFunc(problems, func(p strictyaml.Problem) bool { return p.Field == "" })
}

// lenient decodes what can be, and leaves out the rest.
func lenient(data []byte) (f Fleet) {
	if text, err := yaml.YAMLToJSON(data); err == nil {
		_ = kjson.UnmarshalCaseSensitivePreserveInts(text, &f)
	}
	return f
}
