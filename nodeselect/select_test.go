package nodeselect

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

const header = "apiVersion: perch/v1alpha1\nkind: Fleet\n"

const fleetFile = header + `overlays:
- path: overlays/everywhere
  nodeSelector: {}
- path: overlays/control-plane
  nodeSelector: {matchLabels: {node-role.kubernetes.io/control-plane: ""}}
- path: overlays/edge
  nodeNames: ["edge-*", "far-[0-9]"]
- path: overlays/edge-a
  nodeNames: ["edge-*"]
  nodeSelector:
    matchExpressions: [{key: zone, operator: In, values: [a, b]}]
`

func TestSelectReturnsTheOverlaysOfANodeInTheOrderOfTheFile(t *testing.T) {
	f, err := Parse([]byte(fleetFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		node Node
		want string
	}{
		"a label with an empty value":             {Node{"cp-1", map[string]string{"node-role.kubernetes.io/control-plane": ""}}, "everywhere control-plane"},
		"a label with another value":              {Node{"cp-1", map[string]string{"node-role.kubernetes.io/control-plane": "x"}}, "everywhere"},
		"no label is implied by the name":         {Node{"control-plane", nil}, "everywhere"},
		"a name that a pattern matches":           {Node{"edge-7", nil}, "everywhere edge"},
		"a name that the second pattern matches":  {Node{"far-3", nil}, "everywhere edge"},
		"a pattern must match the whole name":     {Node{"my-edge-7", nil}, "everywhere"},
		"name and labels match":                   {Node{"edge-7", map[string]string{"zone": "b"}}, "everywhere edge edge-a"},
		"the labels match but not the name":       {Node{"core-7", map[string]string{"zone": "b"}}, "everywhere"},
		"the name matches but a label's value no": {Node{"edge-7", map[string]string{"zone": "c"}}, "everywhere edge"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := f.Select(tt.node)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, w := range strings.Fields(tt.want) {
				want = append(want, "overlays/"+w)
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestANodeThatNoOverlayIsForIsAnErrorThatSaysWhatToCompare(t *testing.T) {
	const file = header + "overlays:\n- path: a\n  nodeSelector: {matchLabels: {role: cp}}\n- path: b\n  nodeNames: [x, z]\n"
	f, err := Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Select(Node{"n1", map[string]string{"role": "worker", "zone": "a"}})
	var none *NoMatchError
	if !errors.As(err, &none) || none.Node.Name != "n1" {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{`"n1"`, "role=worker", "zone=a", "a wants labels role=cp", "b wants a name like x or z", "allowEmpty"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	f.AllowEmpty = true
	if got, err := f.Select(Node{Name: "n1"}); err != nil || len(got) != 0 {
		t.Errorf("allowEmpty: got %v, %v", got, err)
	}
}

func TestAZeroOverlayMatchesNothing(t *testing.T) {
	if got, err := (Fleet{Overlays: []Overlay{{Path: "a"}}}).Select(Node{Name: "n"}); err == nil {
		t.Errorf("got %v", got)
	}
}

func TestParseSaysLineAndFieldOfEverythingThatIsWrong(t *testing.T) {
	overlay := func(s string) string { return header + "overlays:\n" + s }
	for name, tt := range map[string]struct{ in, want string }{
		"another version":           {"apiVersion: perch/v2\nkind: Fleet\noverlays: []\n", `perch.yaml line 1: apiVersion: must be perch/v1alpha1, is "perch/v2"`},
		"another kind":              {"apiVersion: perch/v1alpha1\nkind: fleet\n", `perch.yaml line 2: kind: must be Fleet, is "fleet"`},
		"no selector":               {overlay("- path: a\n"), "perch.yaml line 4: overlays[0]: says neither nodeSelector nor nodeNames; to match every node write nodeSelector: {}"},
		"an empty list of names":    {overlay("- path: a\n  nodeNames: []\n"), "perch.yaml line 4: overlays[0]: says neither nodeSelector nor nodeNames; to match every node write nodeSelector: {}"},
		"no path":                   {overlay("- nodeSelector: {}\n"), "perch.yaml line 4: overlays[0].path: is missing"},
		"an absolute path":          {overlay("- path: /etc\n  nodeSelector: {}\n"), `perch.yaml line 4: overlays[0].path: "/etc" is absolute: must be relative to the root of the repository`},
		"a path out of the tree":    {overlay("- path: a/../../b\n  nodeSelector: {}\n"), `perch.yaml line 4: overlays[0].path: "a/../../b" leaves the repository`},
		"the parent":                {overlay("- path: ..\n  nodeSelector: {}\n"), `perch.yaml line 4: overlays[0].path: ".." leaves the repository`},
		"a path that is not clean":  {overlay("- path: ./a/\n  nodeSelector: {}\n"), `perch.yaml line 4: overlays[0].path: "./a/" must be written "a"`},
		"the same path twice":       {overlay("- path: a\n  nodeSelector: {}\n- path: a\n  nodeNames: [x]\n"), `perch.yaml line 6: overlays[1].path: "a" stands in overlays[0] already: give that one a selector that matches all its nodes`},
		"a bad pattern":             {overlay("- path: a\n  nodeNames: [x, \"[\"]\n"), `perch.yaml line 5: overlays[0].nodeNames[1]: "[" is no pattern: syntax error in pattern`},
		"an empty pattern":          {overlay("- path: a\n  nodeNames: [\"\"]\n"), `perch.yaml line 5: overlays[0].nodeNames[0]: is empty; to match every node write "*"`},
		"a bad operator":            {overlay("- path: a\n  nodeSelector: {matchExpressions: [{key: a, operator: Is}]}\n"), `perch.yaml line 5: overlays[0].nodeSelector: "Is" is not a valid label selector operator`},
		"a bad label value":         {overlay("- path: a\n  nodeSelector: {matchLabels: {a: \"b c\"}}\n"), "perch.yaml line 5: overlays[0].nodeSelector: values[0][a]: Invalid value: \"b c\""},
		"a field in the wrong case": {overlay("- path: a\n  nodeselector: {}\n  nodeNames: [x]\n"), "perch.yaml line 5: overlays[0].nodeselector: unknown field"},
		"a syntax error only":       {"kind: 'x\n", "perch.yaml line 2: invalid YAML: found unexpected end of stream"},
		"two errors at once":        {header + "foo: 1\noverlays:\n- path: /a\n  nodeSelector: {}\n", "perch.yaml line 3: foo: unknown field\nperch.yaml line 5: overlays[0].path: \"/a\" is absolute: must be relative to the root of the repository"},
		"a wrong type said once":    {"apiVersion: 1\nkind: Fleet\n", "perch.yaml line 1: apiVersion: must be a string, is a number"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tt.in))
			if err == nil {
				t.Fatal("no error")
			}
			var fp strictyaml.FileProblems
			if !errors.As(err, &fp) {
				t.Errorf("the error is a %T", err)
			}
			if got := err.Error(); got != tt.want && !(name == "a bad label value" && strings.HasPrefix(got, tt.want)) {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestNodeValidate(t *testing.T) {
	if err := (Node{"cp-1.example.com", map[string]string{"node-role.kubernetes.io/control-plane": "", "a": "B_c.d"}}).Validate(); err != nil {
		t.Error(err)
	}
	err := Node{"CP 1", map[string]string{"a b": "ok", "c": "not ok"}}.Validate()
	var ps strictyaml.Problems
	if !errors.As(err, &ps) || len(ps) != 3 || ps[0].Field != "name" || ps[1].Field != "labels[a b]" || ps[2].Field != "labels[c]" {
		t.Errorf("got %v", err)
	}
}
