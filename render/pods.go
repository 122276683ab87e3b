package render

import (
	"errors"
	"fmt"
	"math"
	"path"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"

	"github.com/perch-gitops/perch/internal/strictyaml"
	"github.com/perch-gitops/perch/render/podcheck"
)

// originAnnotation is where kustomize says which file an object came from, since the walker
// asked it to. It is taken off again.
const originAnnotation = "config.kubernetes.io/origin"

// maxFileName leaves room, in the 255 bytes of a file name, for what a temporary name adds.
const maxFileName = 220

// pods makes manifests of what kustomize rendered, and records what is wrong with them.
func (w *walker) pods(objects resmap.ResMap, nodeName string) (Manifests, error) {
	if objects.Size() == 0 {
		w.problem("", 0, "", "renders nothing: that is never taken for an instruction to remove every Pod")
	}
	if objects.Size() > w.src.limits.pods {
		w.problem("", 0, "", "renders %d objects, more than %d", objects.Size(), w.src.limits.pods)
		return nil, nil
	}
	var ms Manifests
	size := 0
	for _, object := range objects.Resources() {
		doc, err := generic(object)
		if err != nil {
			return nil, err
		}
		origin := w.origin(object, doc)
		m, ok := w.pod(doc, origin, nodeName)
		if size += len(m.Data); size > w.src.limits.rendered {
			w.problem("", 0, "", "renders more than %d bytes", w.src.limits.rendered)
			return nil, nil
		}
		if ok {
			ms = append(ms, m)
		}
	}
	return ms, nil
}

// generic gives an object as JSON would: what the digest is over.
func generic(object *resource.Resource) (map[string]any, error) {
	text, err := object.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", object.CurId(), err)
	}
	var doc map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, &doc); err != nil {
		return nil, fmt.Errorf("decode %s: %w", object.CurId(), err)
	}
	return doc, nil
}

// origin returns the file that an object came from, empty where kustomize does not know, and takes
// its annotation off the document.
func (w *walker) origin(object *resource.Resource, doc map[string]any) string {
	metadata, _ := doc["metadata"].(map[string]any)
	if annotations, ok := metadata["annotations"].(map[string]any); ok {
		delete(annotations, originAnnotation)
		if len(annotations) == 0 {
			delete(metadata, "annotations")
		}
	}
	o, err := object.GetOrigin()
	if err != nil || o == nil {
		return ""
	}
	if o.Path == "" && o.ConfiguredIn != "" {
		return path.Join(w.overlay, o.ConfiguredIn)
	}
	return path.Join(w.overlay, o.Path)
}

// pod checks one object and makes its manifest.
func (w *walker) pod(doc map[string]any, origin, nodeName string) (Manifest, bool) {
	apiVersion, kind := fmt.Sprint(doc["apiVersion"]), fmt.Sprint(doc["kind"])
	metadata, _ := doc["metadata"].(map[string]any)
	name := fmt.Sprint(metadata["name"])
	if apiVersion != "v1" || kind != "Pod" {
		at := w.locate(nil, name, "kind", origin)
		w.problem(at.file, at.line, "", "%s %q (%s): only Pods can be rendered, since the kubelet runs nothing else from files%s", kind, name, apiVersion, onlyAsSource(kind))
		return Manifest{}, false
	}
	if ns, ok := metadata["namespace"]; ok {
		name = fmt.Sprint(ns) + "/" + name
	}
	report := func(found []byte, p strictyaml.Problem) {
		at := w.locate(found, fmt.Sprint(metadata["name"]), p.Field, origin)
		w.problems = append(w.problems, Problem{Overlay: w.overlay, File: at.file, Line: at.line, Pod: name, Field: p.Field, Message: p.Message})
	}
	found := marshal(doc)
	if _, err := podcheck.Check(found, nodeName); err != nil {
		var ps strictyaml.Problems
		if !errors.As(err, &ps) {
			ps = strictyaml.Problems{{Message: err.Error()}}
		}
		for _, p := range ps {
			report(found, p)
		}
		return Manifest{}, false
	}
	m, err := fromDocument(doc)
	if err != nil {
		report(found, strictyaml.Problem{Message: err.Error()})
		return Manifest{}, false
	}
	m.File, m.Overlay, m.Data, m.origin = FileName(m.Namespace, m.Name), w.overlay, marshal(m.doc), origin
	for _, p := range limitsOf(m) {
		report(found, p)
		return Manifest{}, false
	}
	return m, true
}

// limitsOf are perch's own conditions on a Pod.
func limitsOf(m Manifest) (ps strictyaml.Problems) {
	if len(m.File) > maxFileName {
		ps = append(ps, strictyaml.Problem{Field: "metadata.name", Message: fmt.Sprintf("the file name %s is longer than %d bytes", m.File, maxFileName)})
	}
	if n := len(m.Bytes(math.MaxInt32)); n >= maxManifestBytes {
		ps = append(ps, strictyaml.Problem{Message: fmt.Sprintf("%d bytes are too many: the kubelet reads less than %d", n, maxManifestBytes)})
	}
	if wave, ok := m.Pod.Annotations[WaveAnnotation]; ok {
		if _, err := parseWave(wave); err != nil {
			ps = append(ps, strictyaml.Problem{Field: "metadata.annotations[" + WaveAnnotation + "]", Message: fmt.Sprintf("%q must be a whole number from 0 to %d", wave, maxWave)})
		}
	}
	return ps
}

// onlyAsSource tells who made a ConfigMap to copy from how to keep it out of the result.
func onlyAsSource(kind string) string {
	if kind != "ConfigMap" && kind != "Secret" {
		return ""
	}
	return `; one that only replacements read is left out by the annotation config.kubernetes.io/local-config: "true"`
}
