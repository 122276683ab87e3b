// Package podcheck accepts exactly what this kubelet would run: the kubelet's own decoding and validation, and stricter.
//
// The kubelet reads a file of its staticPodPath in pkg/kubelet/config/common.go,
// tryDecodeSinglePod (Kubernetes v1.37): decode and default, apply its own defaults for static
// Pods, validate as the API server would, and refuse references to API objects. Check
// calls the same functions in the same order, but goes on after the first mistake, and
// refuses besides what the kubelet would silently misread: a field that it does not know, a
// field in the wrong case, a key that stands twice, a second document.
//
// What the kubelet decides later, on admission, depends on the node: host ports are
// looked at by Set, node affinity and resources are not.
//
// This is the only package of perch that may import k8s.io/kubernetes, whose packages
// promise nothing to importers.
package podcheck

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	// Registers the types of the core API, and their defaults, with legacyscheme.
	_ "k8s.io/kubernetes/pkg/apis/core/install"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

// Check decodes a manifest and says everything for which the kubelet of the named node
// would refuse or misread it. The Pod that it returns is as the manifest says it:
// without defaults, and without what the kubelet adds.
//
// The error is of type strictyaml.Problems. Lines are those of data; Field is a path such
// as spec.containers[0].image, empty where the manifest as a whole is refused.
func Check(data []byte, nodeName string) (*corev1.Pod, error) {
	doc, err := onlyDocument(data)
	if err != nil {
		return nil, err
	}
	text, err := toJSON(data)
	if err != nil {
		return nil, strictyaml.Problems{{Message: err.Error()}}
	}
	problems := doc.Duplicates()
	internal, decoding := decode(text)
	problems = append(problems, decoding...)
	if internal != nil {
		problems = append(problems, own(internal, doc, nodeName)...)
		problems = append(problems, kubelets(internal, nodeName)...)
	}
	for i, p := range problems {
		if p.Line == 0 {
			problems[i].Line = doc.Near(p.Field)
		}
	}
	if len(problems) > 0 {
		problems.Sort()
		return nil, problems
	}
	pod := new(corev1.Pod)
	if err := runtime.DecodeInto(strict.UniversalDeserializer(), text, pod); err != nil {
		return nil, strictyaml.Problems{{Message: err.Error()}}
	}
	return pod, nil
}

// onlyDocument refuses what is not exactly one Pod before anything is decoded: the kubelet
// would take the first document and drop the rest in silence.
func onlyDocument(data []byte) (strictyaml.Document, error) {
	docs, err := strictyaml.Documents(data)
	if err == nil && len(docs) > 1 {
		return strictyaml.Document{}, strictyaml.Problems{{Line: docs[1].Start(),
			Message: "there is a second document, which the kubelet would silently ignore: one Pod a file"}}
	}
	doc, err := strictyaml.Single(data)
	if err != nil {
		return strictyaml.Document{}, err
	}
	apiVersion, _ := doc.Scalar("apiVersion")
	kind, _ := doc.Scalar("kind")
	if apiVersion == "v1" && kind == "Pod" {
		return doc, nil
	}
	p := strictyaml.Problem{Field: "kind", Line: doc.Near("kind")}
	switch {
	case !doc.IsMapping():
		p.Field, p.Message = "", "is no Kubernetes object: must be a mapping with apiVersion: v1 and kind: Pod"
	case kind == "" || apiVersion == "":
		p.Message = "apiVersion and kind must be given: the kubelet runs v1 Pods"
	case strings.HasSuffix(kind, "List"):
		p.Message = fmt.Sprintf("is %s: the kubelet reads one Pod a file and refuses lists", kind)
	default:
		p.Message = fmt.Sprintf("is %s, apiVersion %s: the kubelet runs v1 Pods from files and nothing else", kind, apiVersion)
	}
	return strictyaml.Document{}, strictyaml.Problems{p}
}

// toJSON is the kubelet's conversion, with panics turned into errors.
func toJSON(data []byte) (text []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("invalid YAML: the parser failed: %v", r)
		}
	}()
	return utilyaml.ToJSON(data)
}

// strict decodes with the kubelet's own scheme, but reports unknown, mis-cased and duplicate fields.
var strict = serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)

// decode decodes and defaults. The Pod is nil where nothing more can be said about it.
func decode(text []byte) (*core.Pod, strictyaml.Problems) {
	problems := decodingProblems(text)
	obj, err := runtime.Decode(strict.UniversalDecoder(), text)
	if err != nil && runtime.IsStrictDecodingError(err) {
		obj, err = runtime.Decode(legacyscheme.Codecs.UniversalDecoder(), text)
	}
	if err != nil {
		if len(problems) == 0 {
			problems = strictyaml.Problems{{Message: err.Error()}}
		}
		return nil, problems
	}
	pod, ok := obj.(*core.Pod)
	if !ok {
		return nil, append(problems, strictyaml.Problem{Field: "kind", Message: fmt.Sprintf("decodes to %T, not to a Pod", obj)})
	}
	return pod, problems
}

// strictField matches one mistake of a strict decoder.
var strictField = regexp.MustCompile(`^(unknown|duplicate) field "(.*)"$`)

// decodingProblems splits the strict decoder's error into its fields. Where a value has the
// wrong type that decoder gives up; then strictyaml, on the same types, says which.
func decodingProblems(text []byte) (ps strictyaml.Problems) {
	_, err := runtime.Decode(strict.UniversalDeserializer(), text)
	if err == nil {
		return nil
	}
	var s interface{ Errors() []error }
	if !errors.As(err, &s) {
		if err := strictyaml.Decode(text, new(corev1.Pod)); err != nil && errors.As(err, &ps) {
			for i := range ps {
				ps[i].Line = 0 // that of the JSON text
			}
			return ps
		}
		return strictyaml.Problems{{Message: err.Error()}}
	}
	for _, e := range s.Errors() {
		m := strictField.FindStringSubmatch(e.Error())
		if m == nil {
			ps = append(ps, strictyaml.Problem{Message: e.Error()})
			continue
		}
		ps = append(ps, strictyaml.Problem{Field: m[2], Message: m[1] + " field"})
	}
	return ps
}
