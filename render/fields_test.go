package render

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/types"
)

// A field that a later version of kustomize adds may name a file or a URL. It then
// shows up here, and somebody has to say so in references, knownFields or refusedFields.
func TestEveryFieldOfAKustomizationHasBeenLookedAt(t *testing.T) {
	var fields []string
	listFields(reflect.TypeFor[types.Kustomization](), "", &fields)
	slices.Sort(fields)
	got := strings.Join(slices.Compact(fields), "\n") + "\n"
	const golden = "testdata/kustomization-fields.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the fields of a kustomization changed:\n%s", got)
	}
	for _, f := range fields {
		top := strings.FieldsFunc(f, func(r rune) bool { return strings.ContainsRune(".[]{} ", r) })[0]
		if refusedFields[top] == "" && !knownFields[top] {
			t.Errorf("%s is neither known nor refused", top)
		}
	}
}

// listFields lists each leaf with its type: patches[].path string.
func listFields(t reflect.Type, at string, out *[]string) {
	switch t.Kind() {
	case reflect.Pointer:
		listFields(t.Elem(), at, out)
	case reflect.Slice:
		listFields(t.Elem(), at+"[]", out)
	case reflect.Map:
		listFields(t.Elem(), at+"{}", out)
	case reflect.Struct:
		for _, f := range reflect.VisibleFields(t) {
			if len(f.Index) > 1 {
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case !f.IsExported() || name == "-":
			case name == "" && f.Anonymous:
				listFields(f.Type, at, out)
			default:
				if name == "" {
					name = f.Name
				}
				listFields(f.Type, strings.TrimPrefix(at+"."+name, "."), out)
			}
		}
	default:
		*out = append(*out, fmt.Sprintf("%s %s", at, t.Kind()))
	}
}
