package render

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

// locate finds where a field of a rendered Pod was written: in the last patch that made it what
// it is, else in the file that the Pod came from, at the closest thing that is there.
// rendered is the Pod as it came out.
func (w *walker) locate(rendered []byte, name, field, origin string) from {
	at := from{file: origin, field: field}
	if origin == "" {
		at.file = w.anyFileOf(name)
	}
	var out strictyaml.Document
	if docs, err := strictyaml.Documents(rendered); err == nil && len(docs) == 1 {
		out = docs[0]
	}
	if field != "" {
		for _, p := range slices.Backward(w.patches) {
			if line := p.sets(name, field, out); line > 0 && p.line > 0 {
				return from{p.file, p.line, field}
			} else if line > 0 {
				return from{p.file, line, field}
			}
		}
	}
	for _, doc := range w.documentsOf(at.file, name) {
		at.line = doc.Near(translate(field, out, doc))
		break
	}
	return at
}

// anyFileOf returns a resource file that has an object whose name is a part of a rendered
// one's: a prefix or suffix may have been added. It is asked where a patch removed the origin.
func (w *walker) anyFileOf(name string) string {
	for _, file := range w.resources {
		if len(w.documentsOf(file, name)) > 0 {
			return file
		}
	}
	return w.overlay
}

// documentsOf returns the documents of a file that an object of that name can have come from.
func (w *walker) documentsOf(file, name string) (docs []strictyaml.Document) {
	all, _ := strictyaml.Documents(w.src.files[file])
	for _, d := range all {
		if n, ok := d.Scalar("metadata.name"); ok && strings.Contains(name, n) {
			docs = append(docs, d)
		}
	}
	if len(docs) == 0 && len(all) == 1 {
		return all
	}
	return docs
}

var index = regexp.MustCompile(`\[(\d+)\]`)

// translate rewrites the indices of a field of one document to those that the elements
// of the same name have in another: patches add and reorder elements. An index without a name stays.
func translate(field string, from, to strictyaml.Document) string {
	if !from.IsMapping() {
		return field
	}
	done, rest := "", field
	original := ""
	for {
		at := index.FindStringIndex(rest)
		if at == nil {
			return done + rest
		}
		list, original0 := done+rest[:at[0]], original+rest[:at[0]]
		i := rest[at[0]:at[1]]
		if name, ok := from.Scalar(original0 + i + ".name"); ok {
			i = "[-]" // no such element
			for n := range to.Len(list) {
				if there, _ := to.Scalar(fmt.Sprintf("%s[%d].name", list, n)); there == name {
					i = fmt.Sprintf("[%d]", n)
				}
			}
		}
		original = original0 + rest[at[0]:at[1]]
		done, rest = list+i, rest[at[1]:]
	}
}

// patchText is one patch of an overlay.
type patchText struct {
	content  []byte
	targeted bool   // the kustomization says what it is for, whatever name it has
	file     string // where it is written
	line     int    // for one inside a kustomization: where that is
}

// sets returns the line on which a patch made a field what it is, 0 if it did not: a
// strategic merge patch as a field, a JSON patch as a path.
func (p patchText) sets(name, field string, out strictyaml.Document) int {
	docs, _ := strictyaml.Documents(p.content)
	for _, doc := range docs {
		if !doc.IsMapping() {
			if line := inJSONPatch(doc, field, out); line > 0 {
				return line
			}
			continue
		}
		target, named := doc.Scalar("metadata.name")
		here := translate(field, out, doc)
		if line := doc.Line(here); line > 0 && (p.targeted || !named || strings.Contains(name, target)) && sameScalar(doc, here, out, field) {
			return line
		}
	}
	return 0
}

func inJSONPatch(doc strictyaml.Document, field string, out strictyaml.Document) int {
	pointer := "/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(field)
	for i := range doc.Len("") {
		op := fmt.Sprintf("[%d].", i)
		if p, _ := doc.Scalar(op + "path"); p != pointer {
			continue
		}
		removes := false
		if verb, _ := doc.Scalar(op + "op"); verb == "remove" {
			removes = true
		}
		if gone := out.Line(field) == 0; gone == removes && (gone || sameScalar(doc, op+"value", out, field)) {
			return doc.Line(op + "path")
		}
	}
	return 0
}

// sameScalar says whether two fields have one value, as far as they are scalars.
func sameScalar(a strictyaml.Document, fieldA string, b strictyaml.Document, fieldB string) bool {
	va, okA := a.Scalar(fieldA)
	vb, okB := b.Scalar(fieldB)
	return okA == okB && va == vb
}
