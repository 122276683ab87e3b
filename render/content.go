package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"

	"sigs.k8s.io/yaml"
)

// Bytes is the file as it is written for the kubelet: the content with perch/digest and
// perch/attempt. A higher attempt gives a Pod a new UID without changing what it is.
// The same manifest and attempt give the same bytes.
func (m Manifest) Bytes(attempt int) []byte {
	if m.doc == nil {
		// One put together by hand: what it holds is what its Data says.
		parsed, err := parse(m.Data)
		if err != nil {
			panic(fmt.Sprintf("render: manifest %s has no content: %v", m, err))
		}
		m.doc = parsed.doc
	}
	stamped := maps.Clone(m.doc)
	metadata := cloned(stamped["metadata"])
	annotations := cloned(metadata["annotations"])
	annotations[DigestAnnotation] = m.Digest
	annotations[AttemptAnnotation] = strconv.Itoa(attempt)
	metadata["annotations"] = annotations
	stamped["metadata"] = metadata
	return marshal(stamped)
}

// Content is what the digest is over, as YAML: for a rendered manifest its Data, for one found on disk that file without
// comments and without our two annotations. It is what two manifests are compared by.
func (m Manifest) Content() []byte { return marshal(m.doc) }

// cloned copies a mapping, and makes one of anything else.
func cloned(v any) map[string]any {
	if m, ok := v.(map[string]any); ok && m != nil {
		return maps.Clone(m)
	}
	return map[string]any{}
}

// normalise takes out of a Pod's generic document what is not content: our two
// annotations, an annotations mapping that is empty then, the status (which the kubelet
// overwrites) and nulls (which mean "not set").
func normalise(doc map[string]any) map[string]any {
	doc, _ = withoutNulls(doc).(map[string]any)
	delete(doc, "status")
	metadata, ok := doc["metadata"].(map[string]any)
	if !ok {
		return doc
	}
	annotations, ok := metadata["annotations"].(map[string]any)
	if !ok {
		return doc
	}
	delete(annotations, DigestAnnotation)
	delete(annotations, AttemptAnnotation)
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	return doc
}

// withoutNulls copies a value and leaves out the nulls of mappings. In a list a null has a place and stays.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			if e != nil {
				out[k] = withoutNulls(e)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = withoutNulls(e)
		}
		return out
	}
	return v
}

// contentDigest is SHA-256, in hex, over the canonical JSON (sorted keys, no spaces) of a
// normalised document.
//
// It is over the generic document, not over a Pod of Kubernetes' types, and applies no
// defaults: a new version of perch, linked against newer types, must come to the same
// digest, else upgrading perch would restart every Pod of the fleet.
func contentDigest(doc map[string]any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return "", err
	}
	sum := sha256.Sum256(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return hex.EncodeToString(sum[:]), nil
}

// marshal writes a document that came from JSON or YAML, keys sorted; it cannot fail for one.
func marshal(doc map[string]any) []byte {
	data, err := yaml.Marshal(doc)
	if err != nil {
		panic("render: marshal a decoded document: " + err.Error())
	}
	return data
}
