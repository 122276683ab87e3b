package nodeselect

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

// problems returns what is wrong with the values, other than at fields that are known to be
// wrong already.
func (f Fleet) problems(data []byte, known strictyaml.Problems) strictyaml.Problems {
	v := validator{at: map[string]bool{}}
	for _, p := range known {
		v.at[p.Field] = true
	}
	v.fleet(f)
	if len(v.found) == 0 {
		return nil
	}
	docs, _ := strictyaml.Documents(data)
	for i := range v.found {
		if len(docs) > 0 {
			v.found[i].Line = docs[0].Near(v.found[i].Field)
		}
	}
	return v.found
}

type validator struct {
	found strictyaml.Problems
	at    map[string]bool
}

func (v *validator) add(field, format string, args ...any) {
	if !v.at[field] {
		v.found = append(v.found, strictyaml.Problem{Field: field, Message: fmt.Sprintf(format, args...)})
	}
}

func (v *validator) fleet(f Fleet) {
	if f.APIVersion != APIVersion {
		v.add("apiVersion", "must be %s, is %q", APIVersion, f.APIVersion)
	}
	if f.Kind != Kind {
		v.add("kind", "must be %s, is %q", Kind, f.Kind)
	}
	first := map[string]int{}
	for i, o := range f.Overlays {
		field := fmt.Sprintf("overlays[%d]", i)
		v.overlay(field, o)
		if at, twice := first[o.Path]; twice && o.Path != "" {
			v.add(field+".path", "%q stands in overlays[%d] already: give that one a selector that matches all its nodes", o.Path, at)
			continue
		}
		first[o.Path] = i
	}
}

func (v *validator) overlay(field string, o Overlay) {
	if msg := badPath(o.Path); msg != "" {
		v.add(field+".path", "%s", msg)
	}
	if o.NodeSelector == nil && len(o.NodeNames) == 0 {
		v.add(field, "says neither nodeSelector nor nodeNames; to match every node write nodeSelector: {}")
	}
	if o.NodeSelector != nil {
		// The message names key, operator or value, and why it cannot be.
		if _, err := metav1.LabelSelectorAsSelector(o.NodeSelector); err != nil {
			v.add(field+".nodeSelector", "%v", err)
		}
	}
	for i, pattern := range o.NodeNames {
		field := fmt.Sprintf("%s.nodeNames[%d]", field, i)
		if pattern == "" {
			v.add(field, "is empty; to match every node write \"*\"")
		} else if _, err := path.Match(pattern, ""); err != nil {
			v.add(field, "%q is no pattern: %v", pattern, err)
		}
	}
}

// badPath says why a path cannot name an overlay.
func badPath(p string) string {
	switch {
	case p == "":
		return "is missing"
	case path.IsAbs(p):
		return fmt.Sprintf("%q is absolute: must be relative to the root of the repository", p)
	case p == ".." || strings.HasPrefix(path.Clean(p), "../"):
		return fmt.Sprintf("%q leaves the repository", p)
	case strings.Contains(p, "\\"):
		return fmt.Sprintf("%q must be written with slashes", p)
	case path.Clean(p) != p || !fs.ValidPath(p):
		return fmt.Sprintf("%q must be written %q", p, path.Clean(p))
	}
	return ""
}
