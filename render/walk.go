package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

// walker follows one overlay through its kustomizations before kustomize sees any of them, and
// copies what they name into a filesystem in memory. It is the first of two
// means by which nothing leaves the process: what is remote, absolute or outside the
// tree is refused here. The second is that kustomize never gets a kustomization as it
// was found, but one written anew in which every path is inert: see inert, and save.
type walker struct {
	src      *source
	memory   filesys.FileSystem
	overlay  string
	guards   guards
	visits   int
	seen     map[string]bool // kustomizations already copied
	problems Problems
	// Where a field of a rendered Pod may come from, in the order of the walk.
	resources []string
	patches   []patchText
}

// mount is where the tree is in memory: kustomize cannot build at the root of a filesystem.
const mount = "/tree"

// guards are the two means against the network. Tests switch off one to prove the other.
type guards struct{ noRefusal, noInertPaths bool }

func newWalker(src *source, overlay string, g guards) *walker {
	return &walker{src: src, memory: filesys.MakeFsInMemory(), overlay: overlay, guards: g, seen: map[string]bool{}}
}

func (w *walker) problem(file string, line int, field, format string, args ...any) {
	w.problems = append(w.problems, Problem{Overlay: w.overlay, File: file, Line: line, Field: field, Message: fmt.Sprintf(format, args...)})
}

// from says where a folder or file is named.
type from struct {
	file  string
	line  int
	field string
}

// blame records an error that is the repository's fault and returns any other.
func (w *walker) blame(at from, name string, err error, more string) error {
	if err == nil {
		return nil
	}
	msg, ok := blame(name, err)
	if !ok {
		return fmt.Errorf("read %q: %w", name, err)
	}
	w.problem(at.file, at.line, at.field, "%s", msg+more)
	return nil
}

// folder walks the kustomization of a folder. The error is one of the tree: problems are recorded.
func (w *walker) folder(dir string, at from, chain []string, want string) error {
	for _, above := range chain {
		if above == dir || dir == "." || strings.HasPrefix(above, dir+"/") {
			w.problem(at.file, at.line, at.field, "%q includes itself: %s", dir, strings.Join(append(chain, dir), " → "))
			return nil
		}
	}
	if w.visits++; len(chain) >= w.src.limits.depth || w.visits > w.src.limits.visits {
		w.problem(at.file, at.line, at.field, "more than %d kustomizations deep, or %d in all", w.src.limits.depth, w.src.limits.visits)
		return nil
	}
	file, err := w.find(dir, at)
	if err != nil || file == "" {
		return err
	}
	content, err := w.src.read(file)
	if err != nil {
		return w.blame(at, file, err, "")
	}
	var k types.Kustomization
	doc, ok := w.decode(file, content, &k, want)
	if !ok {
		return nil
	}
	for _, ref := range references(&k) {
		at := from{file, doc.Near(ref.field), ref.field}
		if err := w.follow(dir, at, ref, append(chain, dir)); err != nil {
			return err
		}
	}
	w.inlinePatches(file, doc, &k)
	return w.save(file, &k, len(chain) == 0)
}

// find returns the one kustomization file of a folder, empty where there is a problem.
func (w *walker) find(dir string, at from) (string, error) {
	mode, err := w.src.kind(dir)
	if err != nil {
		return "", w.blame(at, dir, err, "")
	}
	if !mode.IsDir() {
		w.problem(at.file, at.line, at.field, "%q is a file, not a folder", dir)
		return "", nil
	}
	var found []string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file := path.Join(dir, name)
		if _, err := w.src.kind(file); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return "", w.blame(at, file, err, "")
		}
		found = append(found, file)
	}
	switch len(found) {
	case 0:
		w.problem(at.file, at.line, at.field, "there is no kustomization.yaml in %q", dir)
		return "", nil
	case 1:
		return found[0], nil
	}
	w.problem(at.file, at.line, at.field, "there is more than one kustomization in %q: %s", dir, strings.Join(found, ", "))
	return "", nil
}

// decode reads a kustomization strictly and refuses each field that is not walked.
func (w *walker) decode(file string, content []byte, k *types.Kustomization, want string) (strictyaml.Document, bool) {
	before := len(w.problems)
	if err := strictyaml.Decode(content, k); err != nil {
		w.strict(file, err)
		return strictyaml.Document{}, false
	}
	doc, err := strictyaml.Single(content)
	if err != nil {
		w.strict(file, err)
		return strictyaml.Document{}, false
	}
	for _, key := range doc.Keys("") {
		if why, refused := refusedFields[key]; refused {
			w.problem(file, doc.Line(key), key, "%s", why)
		} else if !knownFields[key] {
			w.problem(file, doc.Line(key), key, "is not supported")
		}
	}
	if kind := k.Kind; kind != want && (kind != "" || want == types.ComponentKind) {
		w.problem(file, doc.Near("kind"), "kind", "is %q, but must be %s where it is included like this", kind, want)
	}
	for _, msg := range k.EnforceFields() {
		w.problem(file, doc.Near("apiVersion"), "apiVersion", "%s", msg)
	}
	return doc, len(w.problems) == before
}

// strict records the problems of a file that strictyaml found.
func (w *walker) strict(file string, err error) {
	var ps strictyaml.Problems
	if !errors.As(err, &ps) {
		ps = strictyaml.Problems{{Message: err.Error()}}
	}
	for _, p := range ps {
		w.problem(file, p.Line, p.Field, "%s", p.Message)
	}
}

// save writes a kustomization for kustomize: with the paths as they were set by follow, and
// nothing that types.Kustomization does not know. The topmost asks for the origin of each object.
func (w *walker) save(file string, k *types.Kustomization, top bool) error {
	if w.seen[file] {
		return nil
	}
	w.seen[file] = true
	// What kustomize does itself, after a warning on stderr.
	k.FixKustomization()
	if top {
		k.BuildMetadata = []string{types.OriginAnnotations}
	}
	content, err := yaml.Marshal(k)
	if err != nil {
		return fmt.Errorf("write %q for kustomize: %w", file, err)
	}
	return w.put(file, content)
}

// put copies a file into memory, at the path that it has in the tree.
func (w *walker) put(file string, content []byte) error {
	if err := w.memory.WriteFile(path.Join(mount, file), content); err != nil {
		w.problem(file, 0, "", "kustomize takes no file of this name (letters, digits, - _ . : and no \"..\"): %v", err)
	}
	return nil
}
