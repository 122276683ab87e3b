package strictyaml

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing that is wrong with a document.
type Problem struct {
	Line    int    // 1-based; 0 is unknown
	Field   string // such as source.schedule or spec.containers[0].image; empty is the document
	Message string
}

// String gives the one line that a person reads: "line 7: source.urll: unknown field".
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems is everything that is wrong with a document, in the order of its lines.
type Problems []Problem

// Error gives one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Err returns nil where there is no problem. A Problems of length zero put into
// an error would not be nil.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// Sort puts the problems into the order of their lines.
func (ps Problems) Sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
}

// In says the same with the file's name in front: "base/etcd.yaml line 7: spec.nope: unknown field".
func (p Problem) In(file string) string {
	if p.Line > 0 {
		return file + " " + p.String()
	}
	return file + ": " + p.String()
}

// FileProblems is everything that is wrong with one file.
type FileProblems struct {
	File string
	Problems
}

// Error gives one line for each problem, each with the file's name.
func (fp FileProblems) Error() string {
	lines := make([]string, len(fp.Problems))
	for i, p := range fp.Problems {
		lines[i] = p.In(fp.File)
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the Problems alone.
func (fp FileProblems) Unwrap() error { return fp.Problems }

// yamlLine matches how the YAML libraries say where a syntax error is.
var yamlLine = regexp.MustCompile(`^(?:error converting YAML to JSON: )?(?:yaml: )?(?:line (\d+): )?`)

// syntaxProblem takes the line out of a YAML library's message.
func syntaxProblem(err error) Problem {
	msg := strings.ReplaceAll(err.Error(), "\n", " ")
	m := yamlLine.FindStringSubmatchIndex(msg)
	p := Problem{Message: "invalid YAML: " + msg[m[1]:]}
	if m[2] >= 0 {
		p.Line, _ = strconv.Atoi(msg[m[2]:m[3]])
	}
	return p
}
