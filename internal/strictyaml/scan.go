package strictyaml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// value is where one value stands in a JSON text.
type value struct {
	path       string
	key        int // where the key before it starts; -1 for an element of a list, and for the whole
	start, end int
}

// removed returns the compact text without the value: a member goes with its key, since some types do not take null; an
// element keeps its place as null.
func (v value) removed(text []byte) []byte {
	switch {
	case v.path == "":
		return nil
	case v.key >= 0:
		from, to := v.key, v.end
		if text[to] == ',' {
			to++
		} else if text[from-1] == ',' {
			from--
		}
		return slices.Concat(text[:from], text[to:])
	case string(text[v.start:v.end]) == "null":
		return nil
	default:
		return slices.Concat(text[:v.start], []byte("null"), text[v.end:])
	}
}

// scan lists the values of a valid, compact JSON text, in the order in which they start.
func scan(text []byte) []value {
	s := scanner{dec: json.NewDecoder(bytes.NewReader(text)), text: text}
	s.dec.UseNumber()
	if err := s.value("", -1); err != nil {
		return nil
	}
	return s.values
}

type scanner struct {
	dec    *json.Decoder
	text   []byte
	values []value
}

func (s *scanner) value(path string, key int) error {
	i := len(s.values)
	s.values = append(s.values, value{path: path, key: key, start: s.next()})
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

// next is where the next token starts. The decoder's offset is the end of the one before: what separates is skipped.
func (s *scanner) next() int {
	start := int(s.dec.InputOffset())
	for start < len(s.text) && bytes.IndexByte([]byte(" \t\r\n,:"), s.text[start]) >= 0 {
		start++
	}
	return start
}

// inside reads the elements of an object or list, and its closing.
func (s *scanner) inside(path string, delim json.Delim) error {
	for n := 0; s.dec.More(); n++ {
		child, start := fmt.Sprintf("%s[%d]", path, n), -1
		if delim == '{' {
			start = s.next()
			key, err := s.dec.Token()
			if err != nil {
				return err
			}
			child = join(path, fmt.Sprint(key))
		}
		if err := s.value(child, start); err != nil {
			return err
		}
	}
	_, err := s.dec.Token()
	return err
}
