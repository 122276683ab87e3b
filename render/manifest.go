package render

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// The annotations that perch knows. The first two are perch's own: they are put
// on when a file is written for the kubelet and are no part of the content.
const (
	DigestAnnotation  = "perch/digest"  // the manifest's Digest
	AttemptAnnotation = "perch/attempt" // how often this content has been written, so that the kubelet takes it for a new Pod
	WaveAnnotation    = "perch/wave"    // set by the user; see Manifest.Wave
)

// Manifest is one Pod as a file of the kubelet's staticPodPath.
type Manifest struct {
	Namespace string
	Name      string // metadata.name, without the node's name that the kubelet adds
	File      string // base name: see FileName; for one read from disk the name it was found under
	Overlay   string // empty for one read from disk
	Digest    string // 64 hex digits; see contentDigest
	Data      []byte // the YAML without our two annotations; for one read from disk the bytes as found
	Pod       *corev1.Pod
	Stamp     Stamp

	origin string // the file of the tree that the Pod came from

	// doc is the generic document that Pod was decoded from, without our two
	// annotations: what the digest is over and what Bytes writes.
	doc map[string]any
}

// FileName is the file for a Pod: kubeadm's own names in kube-system, so that a node
// which kubeadm set up can be taken over, and the namespace in front elsewhere. The
// kubelet's UID covers the path (pkg/kubelet/config/common.go, applyDefaults), so a Pod
// must never change file. Neither part can hold a "_".
func FileName(namespace, name string) string {
	if namespace == "kube-system" {
		return name + ".yaml"
	}
	return namespace + "_" + name + ".yaml"
}

// String names the Pod: "kube-system/etcd".
func (m Manifest) String() string { return m.Namespace + "/" + m.Name }

// Wave says when in a change this Pod takes its turn, lowest first: 0 to 1000. The
// annotation perch/wave decides, else the label component that kubeadm sets: etcd before
// what stores in it, the API server before its clients. An annotation that is no such
// number counts as absent: Overlays refuses it, but a file adopted from disk may hold anything.
func (m Manifest) Wave() int {
	if m.Pod == nil {
		return defaultWave
	}
	if wave, err := parseWave(m.Pod.Annotations[WaveAnnotation]); err == nil {
		return wave
	}
	if wave, ok := componentWaves[m.Pod.Labels["component"]]; ok {
		return wave
	}
	return defaultWave
}

const defaultWave, maxWave = 30, 1000

var componentWaves = map[string]int{
	"etcd":                    0,
	"kube-apiserver":          10,
	"kube-controller-manager": 20,
	"kube-scheduler":          20,
}

func parseWave(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || n > maxWave {
		return 0, strconv.ErrRange
	}
	return int(n), nil
}

// Manifests is a node's set, sorted by File.
type Manifests []Manifest

// Sort puts the set into the order that its type promises.
func (ms Manifests) Sort() {
	slices.SortFunc(ms, func(a, b Manifest) int { return strings.Compare(a.File, b.File) })
}

// Digest names the set as a revision: 64 hex digits, SHA-256 over the sorted (file,
// digest) pairs, each string preceded by its length so that no two sets are written alike.
func (ms Manifests) Digest() string {
	sorted := slices.Clone(ms)
	sorted.Sort()
	h := sha256.New()
	for _, m := range sorted {
		for _, s := range []string{m.File, m.Digest} {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
			h.Write([]byte(s))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
