package strictyaml

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// value is where one value stands in a JSON text.
type value struct {
	path       string
	start, end int
}

// removed returns the text with null in the value's place, which every type takes.
func (v value) removed(text []byte) []byte {
	if v.path == "" || string(text[v.start:v.end]) == "null" {
		return nil
	}
	out := append([]byte{}, text[:v.start]...)
	out = append(out, "null"...)
	return append(out, text[v.end:]...)
}

// scan lists the values of a valid, compact JSON text, in the order in which they start.
func scan(text []byte) []value {
	s := scanner{dec: json.NewDecoder(bytes.NewReader(text)), text: text}
	s.dec.UseNumber()
	if err := s.value(""); err != nil {
		return nil
	}
	return s.values
}

type scanner struct {
	dec    *json.Decoder
	text   []byte
	values []value
}

func (s *scanner) value(path string) error {
	i := len(s.values)
	start := int(s.dec.InputOffset())
	// The offset is the end of the token before: skip what separates.
	for start < len(s.text) && bytes.IndexByte([]byte(" \t\r\n,:"), s.text[start]) >= 0 {
		start++
	}
	s.values = append(s.values, value{path: path, start: start})
	tok, err := s.dec.Token()
	if err != nil {
		return err
	}
	if delim, ok := tok.(json.Delim); ok {
		if err := s.inside(path, delim); err != nil {
			return err
		}
	}
	s.values[i].end = int(s.dec.InputOffset())
	return nil
}

// inside reads the elements of an object or list, and its closing.
func (s *scanner) inside(path string, delim json.Delim) error {
	for n := 0; s.dec.More(); n++ {
		child := fmt.Sprintf("%s[%d]", path, n)
		if delim == '{' {
			key, err := s.dec.Token()
			if err != nil {
				return err
			}
			child = join(path, fmt.Sprint(key))
		}
		if err := s.value(child); err != nil {
			return err
		}
	}
	_, err := s.dec.Token()
	return err
}
