// Package strictyaml decodes one YAML document strictly and says line and field of everything that is wrong.
//
// Strictly means: exactly one document, keys matched by case, no unknown
// fields, no duplicate keys, no wrong types. sigs.k8s.io/yaml's UnmarshalStrict
// is not used because it matches keys whatever their case, and stops at the first mistake.
package strictyaml

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// maxProblems is how many type errors are looked for. Each costs one more decoding.
const maxProblems = 50

// Decode decodes the one document in data into a pointer, over what is already
// there (so a caller can set defaults first). A trailing document that is empty
// is fine; no document, or a second one, is an error.
//
// The error is of type Problems and holds everything that is wrong; into is
// then left as it was.
func Decode(data []byte, into any) error {
	doc, err := Single(data)
	if err != nil {
		return err
	}
	problems := doc.Duplicates()
	text, err := toJSON(data)
	if err != nil {
		// The duplicates are the mistake behind it, if there are any.
		return append(problems, syntaxProblem(err))
	}
	for _, p := range check(text, reflect.TypeOf(into).Elem()) {
		p.Line = doc.Near(p.Field)
		problems = append(problems, p)
	}
	if len(problems) > 0 {
		problems.Sort()
		return problems
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, into); err != nil {
		return Problems{{Message: err.Error()}}
	}
	return nil
}

// Single returns the one document in data; see Decode for what is allowed around it.
func Single(data []byte) (Document, error) {
	all, err := parse(data)
	if err != nil {
		return Document{}, err
	}
	var docs []Document
	for _, d := range all {
		if !d.empty() {
			docs = append(docs, d)
		}
	}
	switch {
	case len(docs) == 0:
		return Document{}, Problems{{Message: "there is no document in it"}}
	case len(docs) > 1:
		return Document{}, Problems{{Line: docs[1].Start(), Message: "there is a second document: only one is allowed"}}
	case all[0].empty():
		// Every reader of a single document, the kubelet's too, would take the empty one.
		return Document{}, Problems{{Line: docs[0].Start(), Message: "there is an empty document before this one"}}
	}
	return docs[0], nil
}

// toJSON converts the first document as the kubelet does (util/yaml.ToJSON), panics caught.
func toJSON(data []byte) (text []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the parser failed: %v", r)
		}
	}()
	return yaml.YAMLToJSON(data)
}

// check returns the unknown fields and the wrong types of a JSON text. A decoder
// reports the first wrong type only, and no unknown field beside it; so each wrong
// value is taken out and the rest decoded again.
func check(text []byte, into reflect.Type) (ps Problems) {
	for range maxProblems {
		target := reflect.New(into)
		strict, err := kjson.UnmarshalStrict(text, target.Interface(), kjson.DisallowUnknownFields)
		for _, e := range strict {
			ps = append(ps, unknownField(e))
		}
		if err == nil {
			return ps
		}
		p, rest := culprit(text, into, err)
		ps = append(ps, p)
		if rest == nil {
			return ps
		}
		text = rest
	}
	return ps
}

// unknownField makes a problem of `unknown field "source.urll"`.
func unknownField(err error) Problem {
	if fe, ok := err.(kjson.FieldError); ok {
		return Problem{Field: strings.TrimPrefix(fe.FieldPath(), "."), Message: "unknown field"}
	}
	return Problem{Message: err.Error()}
}

// culprit finds the value which err is about, and returns the text without it;
// nil where it cannot be found.
func culprit(text []byte, into reflect.Type, err error) (Problem, []byte) {
	values := scan(text)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		// The offset is one within the value or at its end: the last value to start before it.
		for _, v := range slices.Backward(values) {
			if int64(v.start) < wrong.Offset {
				return Problem{Field: v.path, Message: typeMessage(wrong)}, v.removed(text)
			}
		}
	}
	// A type with a decoder of its own gives no place: try which value makes the error go away.
	for _, v := range slices.Backward(values[min(1, len(values)):]) {
		rest := v.removed(text)
		_, now := kjson.UnmarshalStrict(rest, reflect.New(into).Interface(), kjson.DisallowUnknownFields)
		if now == nil || now.Error() != err.Error() {
			return Problem{Field: v.path, Message: err.Error()}, rest
		}
	}
	return Problem{Message: err.Error()}, nil
}

// typeMessage says it without the names of Go types, which a person cannot look up.
func typeMessage(e *json.UnmarshalTypeError) string {
	want := e.Type.String()
	switch e.Type.Kind() {
	case reflect.Struct, reflect.Map:
		want = "a mapping"
	case reflect.Slice, reflect.Array:
		want = "a list"
	case reflect.String:
		want = "a string"
	case reflect.Bool:
		want = "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		want = "a whole number"
	}
	got := e.Value
	switch got {
	case "object":
		got = "a mapping"
	case "array":
		got = "a list"
	case "bool":
		got = "true or false (YAML also reads yes, no, on, off, y and n so; quote a text)"
	case "string", "number":
		got = "a " + got
	}
	return fmt.Sprintf("must be %s, is %s", want, got)
}
