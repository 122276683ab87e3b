package strictyaml

import (
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type config struct {
	APIVersion string `json:"apiVersion"`
	Source     struct {
		URL      string           `json:"url"`
		Every    *metav1.Duration `json:"every,omitempty"`
		Attempts int              `json:"attempts"`
	} `json:"source"`
	Labels map[string]string `json:"labels"`
	Items  []item            `json:"items"`
}

type item struct {
	Name string   `json:"name"`
	Tags []string `json:"tags"`
}

func TestDecodeSaysLineAndFieldOfEverythingThatIsWrong(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"nothing is wrong":                     {"source:\n  url: x\n", ""},
		"JSON is YAML":                         {`{"source": {"url": "x"}}`, ""},
		"a trailing empty document is fine":    {"source: {}\n---\n", ""},
		"a trailing comment is fine":           {"source: {}\n---\n# the end\n...\n", ""},
		"a comment before the document":        {"# hello\n---\nsource: {}\n", ""},
		"an unknown field":                     {"source:\n  url: x\n  urll: y\n", "line 3: source.urll: unknown field"},
		"an unknown field in a list":           {"items:\n- name: a\n- nam: b\n", "line 3: items[1].nam: unknown field"},
		"a key in the wrong case":              {"Source:\n  url: x\n", "line 1: Source: unknown field"},
		"a duplicate key":                      {"source:\n  url: x\n  url: z\n", "line 3: source.url: duplicate key, first on line 2"},
		"a wrong type":                         {"source:\n  url: 5\n", "line 2: source.url: must be a string, is a number"},
		"a mapping for a string":               {"source:\n  url: {a: b}\n", "line 2: source.url: must be a string, is a mapping"},
		"a scalar for a mapping":               {"source: x\n", "line 1: source: must be a mapping, is a string"},
		"a YAML 1.1 boolean for a string":      {"labels:\n  a: x\n  b: yes\n", "line 3: labels.b: must be a string, is true or false (YAML also reads yes, no, on, off, y and n so; quote a text)"},
		"a wrong element of a list":            {"items:\n- tags: [a, b]\n- tags:\n  - a\n  - 7\n", "line 5: items[1].tags[1]: must be a string, is a number"},
		"a type with its own decoder":          {"source:\n  url: x\n  every: soon\n", `line 3: source.every: time: invalid duration "soon"`},
		"an empty input":                       {"", "there is no document in it"},
		"only comments":                        {"# nothing\n", "there is no document in it"},
		"two documents":                        {"source: {}\n---\nsource: {}\n", "line 3: there is a second document: only one is allowed"},
		"an empty document first":              {"---\n---\nsource: {}\n", "line 3: there is an empty document before this one"},
		"a syntax error":                       {"source:\n  url: 'x\n", "line 2: invalid YAML: found unexpected end of stream"},
		"a tab for indentation":                {"source:\n\turl: x\n", "line 2: invalid YAML: found character that cannot start any token"},
		"an unknown alias":                     {"source: *nowhere\n", "invalid YAML: unknown anchor 'nowhere' referenced"},
		"an anchor that contains itself":       {"items: &a\n- tags: *a\n", `line 1: invalid YAML: anchor "a" contains itself`},
		"a key that is a list":                 {"? [a, b]\n: c\n", "line 1: a key must be a string"},
		"an unknown field through a merge key": {"items:\n- &a\n  name: x\n  nope: y\n- <<: *a\n", "line 4: items[0].nope: unknown field\nline 4: items[1].nope: unknown field"},
		"everything at once": {
			"apiVersion: 1\nsource:\n  url: [x]\n  attempts: many\n  urll: y\nitems:\n- name: {}\n  name: b\nfoo: bar\n",
			"line 1: apiVersion: must be a string, is a number\n" +
				"line 3: source.url: must be a string, is a list\n" +
				"line 4: source.attempts: must be a whole number, is a string\n" +
				"line 5: source.urll: unknown field\n" +
				"line 8: items[0].name: duplicate key, first on line 7\n" +
				"line 9: foo: unknown field",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var c config
			err := Decode([]byte(tt.in), &c)
			got := ""
			if err != nil {
				got = err.Error()
				if !errors.As(err, new(Problems)) {
					t.Errorf("the error is a %T, not Problems", err)
				}
			}
			if tt.want == "line 1: a key must be a string" {
				got, _, _ = strings.Cut(got, "\n") // what the conversion to JSON adds depends on the library
			}
			if got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestDecodeKeepsDefaultsThatTheDocumentDoesNotSet(t *testing.T) {
	c := config{APIVersion: "default"}
	c.Source.Attempts = 3
	if err := Decode([]byte("source: {url: x}\n"), &c); err != nil {
		t.Fatal(err)
	}
	if c.APIVersion != "default" || c.Source.Attempts != 3 || c.Source.URL != "x" {
		t.Errorf("got %+v", c)
	}
	if err := Decode([]byte("source: {url: y, bad: 1}\n"), &c); err == nil || c.Source.URL != "x" {
		t.Errorf("a bad document changed the target: %+v, error %v", c, err)
	}
}

func TestAliasBombsAreRefusedWithoutExpandingThem(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 60; i++ {
		prev, this := string(rune('a'+(i-1)%26))+strings.Repeat("x", i-1), string(rune('a'+i%26))+strings.Repeat("x", i)
		if i == 1 {
			prev = "a0"
		}
		b.WriteString(this + ": &" + this + " [" + strings.Repeat("*"+prev+", ", 9) + "*" + prev + "]\n")
	}
	for name, read := range map[string]func([]byte) error{
		"Decode":    func(d []byte) error { return Decode(d, &config{}) },
		"Documents": func(d []byte) error { _, err := Documents(d); return err },
	} {
		if err := read([]byte(b.String())); err == nil || !strings.Contains(err.Error(), "aliases expand to too much") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestInputThatIsTooLargeOrTooDeepIsRefused(t *testing.T) {
	if err := Decode(make([]byte, MaxBytes), &config{}); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("large: got %v", err)
	}
	if err := Decode([]byte(strings.Repeat("[", 5000)+strings.Repeat("]", 5000)), &config{}); err == nil || !strings.Contains(err.Error(), "deep") {
		t.Errorf("deep: got %v", err)
	}
}

func TestLineFindsAField(t *testing.T) {
	const in = `# first
base: &base
  image: x
  env: [a, b]
---
metadata:
  annotations:
    perch/wave: "1"
    a.b/c: d
spec:
  containers:
  - &c
    name: one
    image: y
  - <<: *c
    name: two
`
	for field, want := range map[string]int{
		"base.env[1]":                      4,
		"metadata.annotations[perch/wave]": 8,
		"metadata.annotations.a.b/c":       9,
		"spec.containers[0].image":         14,
		"spec.containers[1].name":          16,
		"spec.containers[1].image":         14,
		"spec.containers[2]":               0,
		"spec.nope":                        0,
	} {
		if got := Line([]byte(in), field); got != want {
			t.Errorf("Line(%q) = %d, want %d", field, got, want)
		}
	}
}

func TestAZeroDocumentHasNothing(t *testing.T) {
	var d Document
	if d.Line("a.b") != 0 || d.Near("a") != 0 || d.Start() != 0 || d.IsMapping() || d.Keys("") != nil || d.Len("") != 0 || d.Duplicates() != nil {
		t.Error("it has something")
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"source:\n  url: x\n", "a: &a [*a]\n", "<<: {a: b}\n", "? {a: b}\n: c\n", "{", "- - - -", "a: !!binary x", "\x00", "%YAML 9.9\n---\n",
		"a: &a\n  <<: *a\n", "&a ? *a : b", "items: [{name: &x 1}, *x]", "---\n...\n---\n", "a: .nan\n", "source: {every: 1}",
		"!!map [a]", "!!merge <<: 1", "<<: [*a]", "1: 2\ntrue: 3\n~: 4\n", "items: [{tags: {}}, {tags: 5}]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := Decode(data, &config{})
		var ps Problems
		if err != nil && (!errors.As(err, &ps) || len(ps) == 0) {
			t.Errorf("not Problems: %v", err)
		}
		_ = Decode(data, new(any))
		docs, _ := Documents(data)
		for _, d := range docs {
			d.Duplicates()
			d.Line("a.b[0].c")
			d.Scalar("kind")
			d.Keys("a")
		}
	})
}
