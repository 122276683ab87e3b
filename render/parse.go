package render

import (
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	kjson "sigs.k8s.io/json"
)

// maxManifestBytes is where the kubelet stops reading: a file of this size or more
// fails (pkg/kubelet/config/common.go, maxConfigLength).
const maxManifestBytes = 10 << 20

// Parse reads a file as the kubelet's file source does
// (pkg/kubelet/config/common.go, tryDecodeSinglePod), to learn what a node runs: JSON or
// YAML, the first document only, unknown fields and fields in the wrong case ignored, a
// missing namespace is "default". It fails where the kubelet could not read the file
// either, but checks nothing else: podcheck does.
//
// file is the base name, which becomes Manifest.File.
func Parse(file string, data []byte) (Manifest, error) {
	m, err := parse(data)
	if err != nil {
		return Manifest{}, fmt.Errorf("parse manifest %q: %w", file, err)
	}
	m.File = file
	return m, nil
}

func parse(data []byte) (Manifest, error) {
	if len(data) >= maxManifestBytes {
		return Manifest{}, fmt.Errorf("%d bytes are too many: the kubelet reads less than %d", len(data), maxManifestBytes)
	}
	text, err := toJSON(data)
	if err != nil {
		return Manifest{}, err
	}
	var doc map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, &doc); err != nil || doc == nil {
		return Manifest{}, errors.New("not a Kubernetes object")
	}
	if err := isPod(text); err != nil {
		return Manifest{}, err
	}
	m, err := fromDocument(doc)
	if err != nil {
		return Manifest{}, err
	}
	m.Data = data
	return m, nil
}

// isPod looks at the type as the kubelet's decoder does: of these two fields alone the case
// does not matter (apimachinery, SimpleMetaFactory.Interpret).
func isPod(text []byte) error {
	var meta metav1.TypeMeta
	if err := json.Unmarshal(text, &meta); err != nil {
		return err
	}
	if meta.APIVersion != "v1" || meta.Kind != "Pod" {
		return fmt.Errorf("apiVersion %q, kind %q: not a v1 Pod", meta.APIVersion, meta.Kind)
	}
	return nil
}

// fromDocument makes a Manifest without File and Data of a Pod's generic document.
func fromDocument(found map[string]any) (Manifest, error) {
	doc := normalise(found)
	text, err := json.Marshal(doc)
	if err != nil {
		return Manifest{}, err
	}
	pod := new(corev1.Pod)
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, pod); err != nil {
		return Manifest{}, err
	}
	if pod.Name == "" {
		return Manifest{}, errors.New("metadata.name is missing")
	}
	if pod.Namespace == "" {
		pod.Namespace = metav1.NamespaceDefault
	}
	digest, err := contentDigest(doc)
	if err != nil {
		return Manifest{}, err
	}
	return Manifest{Namespace: pod.Namespace, Name: pod.Name, Digest: digest, Pod: pod, Stamp: stampOf(found), doc: doc}, nil
}

// stampOf reads our two annotations off a generic document.
func stampOf(doc map[string]any) Stamp {
	metadata, _ := doc["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	digest, _ := annotations[DigestAnnotation].(string)
	attempt, _ := annotations[AttemptAnnotation].(string)
	return StampOf(map[string]string{DigestAnnotation: digest, AttemptAnnotation: attempt})
}

// toJSON is the kubelet's conversion; a file on disk may be anything, so panics are errors.
func toJSON(data []byte) (text []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the YAML parser failed: %v", r)
		}
	}()
	return utilyaml.ToJSON(data)
}
