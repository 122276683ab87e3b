package render

//lint:file-ignore SA1019 repositories have the deprecated fields too, and each path in them has to be seen

import (
	"fmt"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

// follow checks what one reference names, copies it into memory or walks it, and
// makes the reference inert.
func (w *walker) follow(dir string, at from, ref reference, chain []string) error {
	if ref.role == inlineOrPatch || ref.role == plugin {
		if isInline(ref.value) {
			return w.inline(dir, at, ref)
		}
	}
	if why := refuse(ref.value); why != "" && !w.guards.noRefusal {
		w.problem(at.file, at.line, at.field, "%s", why)
		return nil
	}
	if !w.guards.noInertPaths {
		ref.set(inert(ref.value))
	}
	target := path.Join(dir, ref.value)
	if target == ".." || strings.HasPrefix(target, "../") {
		w.problem(at.file, at.line, at.field, "%q leaves the repository", ref.value)
		return nil
	}
	mode, err := w.src.kind(target)
	if err != nil {
		if w.guards.noRefusal {
			return nil // a test wants to see what kustomize makes of it
		}
		return w.blame(at, target, err, hint(ref.value))
	}
	if ref.role == component || mode.IsDir() && ref.role == objects {
		want := types.KustomizationKind
		if ref.role == component {
			want = types.ComponentKind
		}
		return w.folder(target, at, chain, want)
	}
	if dir != "." && !strings.HasPrefix(target, dir+"/") {
		w.problem(at.file, at.line, at.field, "%q is outside the folder of this file: kustomize takes only folders from elsewhere; give it a kustomization.yaml of its own and name the folder", ref.value)
		return nil
	}
	content, err := w.src.read(target)
	if err != nil {
		return w.blame(at, target, err, "")
	}
	w.check(target, content, ref.role)
	switch ref.role {
	case objects:
		w.resources = append(w.resources, target)
	case patch, inlineOrPatch:
		w.patches = append(w.patches, patchText{content: content, targeted: ref.targeted, file: target})
	}
	return w.put(target, content)
}

// isInline says whether an entry is YAML of its own rather than a path.
func isInline(s string) bool {
	docs, err := strictyaml.Documents([]byte(s))
	return err != nil || len(docs) != 1 || docs[0].IsMapping() || strings.Contains(s, "\n")
}

// inline puts an entry that is YAML of its own into a file, and names that. Left in its place
// kustomize would, if it cannot read it as an object, take it for a path, and some YAML is a URL too.
func (w *walker) inline(dir string, at from, ref reference) error {
	name := ".inline-" + strings.Map(fileRune, ref.field) + ".yaml"
	role := ref.role
	if role == inlineOrPatch {
		role = inlinePatch
		w.patches = append(w.patches, patchText{content: []byte(ref.value), file: at.file, line: at.line})
	}
	if !w.guards.noRefusal {
		w.checkInline(at, ref.value, role)
	}
	if w.guards.noInertPaths {
		return nil
	}
	ref.set("./" + name)
	return w.put(path.Join(dir, name), []byte(ref.value))
}

// inlinePatches looks at the patches inside a kustomization that are in a field of their own.
func (w *walker) inlinePatches(file string, doc strictyaml.Document, k *types.Kustomization) {
	for field, patches := range map[string][]types.Patch{"patches": k.Patches, "patchesJson6902": k.PatchesJson6902} {
		for i, p := range patches {
			if p.Patch == "" {
				continue
			}
			field := fmt.Sprintf("%s[%d].patch", field, i)
			at := from{file, doc.Near(field), field}
			w.checkInline(at, p.Patch, patch)
			w.patches = append(w.patches, patchText{content: []byte(p.Patch), targeted: p.Target != nil, file: file, line: at.line})
		}
	}
}

// checkInline is check for YAML inside a kustomization.
func (w *walker) checkInline(at from, text string, role role) {
	before := len(w.problems)
	w.check(at.file, []byte(text), role)
	for i := range w.problems[before:] {
		p := &w.problems[before+i]
		p.Message = fmt.Sprintf("in line %d of it: %s", max(p.Line, 1), strictyaml.Problem{Field: p.Field, Message: p.Message})
		p.Line, p.Field = at.line, at.field
	}
}

func fileRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return '-'
}

// check looks at a file before kustomize does, whose own messages name neither file nor line.
func (w *walker) check(file string, content []byte, role role) {
	if role == data {
		return
	}
	docs, err := strictyaml.Documents(content)
	if err != nil {
		w.strict(file, err)
		return
	}
	if len(docs) == 0 {
		w.problem(file, 0, "", "is empty")
	}
	for _, doc := range docs {
		for _, p := range doc.Duplicates() {
			w.problem(file, p.Line, p.Field, "%s", p.Message)
		}
		switch role {
		case objects, inlinePatch:
			w.object(file, doc)
		case plugin:
			w.plugin(file, doc)
		}
	}
}

// object wants apiVersion and kind.
func (w *walker) object(file string, doc strictyaml.Document) {
	if !doc.IsMapping() {
		w.problem(file, doc.Start(), "", "is no Kubernetes object: must be a mapping with apiVersion and kind")
		return
	}
	for _, want := range []string{"apiVersion", "kind"} {
		if _, ok := doc.Scalar(want); ok {
			continue
		}
		msg, line := "is missing", doc.Start()
		for _, key := range doc.Keys("") {
			if strings.EqualFold(key, want) {
				msg, line = fmt.Sprintf("is missing; there is %q: did you mean %q?", key, want), doc.Line(key)
			}
		}
		w.problem(file, line, want, "%s", msg)
	}
}

// harmless are the builtin transformers that read no file and run nothing.
var harmless = map[string]bool{
	"AnnotationsTransformer": true,
	"ImageTagTransformer":    true,
	"LabelTransformer":       true,
	"NamespaceTransformer":   true,
	"PrefixTransformer":      true,
	"SuffixTransformer":      true,
}

func (w *walker) plugin(file string, doc strictyaml.Document) {
	apiVersion, _ := doc.Scalar("apiVersion")
	kind, _ := doc.Scalar("kind")
	if apiVersion != "builtin" || !harmless[kind] {
		w.problem(file, doc.Near("kind"), "kind", "%s %q cannot run: programs and containers are never run, and of the builtin transformers only those that read no files; use the kustomization's own fields", apiVersion, kind)
	}
	for _, key := range doc.Keys("metadata.annotations") {
		if strings.HasPrefix(key, "config.kubernetes.io/") || strings.HasPrefix(key, "config.k8s.io/") {
			w.problem(file, doc.Line("metadata.annotations["+key+"]"), "metadata.annotations["+key+"]", "is not supported: programs and containers are never run")
		}
	}
}
