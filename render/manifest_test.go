package render

import (
	"bytes"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const etcdYAML = `apiVersion: v1
kind: Pod
metadata:
  name: etcd
  namespace: kube-system
  labels: {component: etcd}
spec:
  containers:
  - name: etcd
    image: etcd:1
    args: ["--a=yes", "yes"]
`

func mustParse(t *testing.T, data string) Manifest {
	t.Helper()
	m, err := Parse("etcd.yaml", []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTheDigestIsOverTheContentAlone(t *testing.T) {
	want := mustParse(t, etcdYAML).Digest
	if len(want) != 64 {
		t.Fatalf("digest %q", want)
	}
	edit := func(old, new string) string {
		if !strings.Contains(etcdYAML, old) {
			t.Fatalf("no %q", old)
		}
		return strings.Replace(etcdYAML, old, new, 1)
	}
	for name, same := range map[string]string{
		"comments and order":      "# hello\nkind: Pod\nspec:\n  containers: [{image: etcd:1, name: etcd, args: [--a=yes, 'yes']}]\napiVersion: v1\nmetadata: {labels: {component: etcd}, namespace: kube-system, name: etcd}\n",
		"JSON":                    `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"etcd","namespace":"kube-system","labels":{"component":"etcd"}},"spec":{"containers":[{"name":"etcd","image":"etcd:1","args":["--a=yes","yes"]}]}}`,
		"a null":                  edit("  name: etcd\n", "  name: etcd\n  creationTimestamp: null\n"),
		"a status":                etcdYAML + "status: {phase: Running}\n",
		"our annotations":         edit("  name: etcd\n", "  name: etcd\n  annotations: {perch/digest: x, perch/attempt: \"3\"}\n"),
		"an empty annotations":    edit("  name: etcd\n", "  name: etcd\n  annotations: {}\n"),
		"a second document":       etcdYAML + "---\nfoo: bar\n",
		"the bytes we would send": string(mustParse(t, etcdYAML).Bytes(7)),
	} {
		if got := mustParse(t, same).Digest; got != want {
			t.Errorf("%s: the digest changed", name)
		}
	}
	for name, other := range map[string]string{
		"an argument":                  edit("--a=yes", "--a=no"),
		"the wave":                     edit("  name: etcd\n", "  name: etcd\n  annotations: {perch/wave: \"3\"}\n"),
		"a default spelled out":        edit("    image: etcd:1\n", "    image: etcd:1\n    imagePullPolicy: IfNotPresent\n"),
		"a field that nobody knows":    edit("    image: etcd:1\n", "    image: etcd:1\n    newField: 1\n"),
		"text against another type":    edit(`"yes"]`, `"yes", "1"]`),
		"an empty list against absent": edit("    image: etcd:1\n", "    image: etcd:1\n    command: []\n"),
	} {
		m, err := Parse("etcd.yaml", []byte(other))
		if err != nil || m.Digest == want {
			t.Errorf("%s: the digest did not change, or %v", name, err)
		}
	}
}

// Written down so that a change of the algorithm, which restarts every Pod of
// every fleet, is never an accident.
func TestTheDigestNeverChangesBetweenVersions(t *testing.T) {
	const want = "0b5a184539093e4b45c31d70b6a8460d78f0b74834599c503d69abb77a1d5cad"
	if got := mustParse(t, etcdYAML).Digest; got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	const set = "d737fe08e609a110b3a1ffdccbbc09575e1b4d618ae723077da6b0264504fa98"
	if got := (Manifests{mustParse(t, etcdYAML)}).Digest(); got != set {
		t.Errorf("set digest %s, want %s", got, set)
	}
}

func TestBytesAreContentWithDigestAndAttempt(t *testing.T) {
	m := mustParse(t, etcdYAML)
	first := m.Bytes(2)
	if !bytes.Equal(first, m.Bytes(2)) {
		t.Error("two calls differ")
	}
	back := mustParse(t, string(first))
	if back.Stamp != (Stamp{Digest: m.Digest, Attempt: 2}) {
		t.Errorf("stamp %+v", back.Stamp)
	}
	if len(back.Pod.Annotations) != 0 {
		t.Errorf("the Pod has our annotations: %v", back.Pod.Annotations)
	}
	if back.Pod.Spec.Containers[0].Args[1] != "yes" {
		t.Errorf("args %q", back.Pod.Spec.Containers[0].Args)
	}
	if bytes.Equal(first, m.Bytes(3)) {
		t.Error("the attempt changes nothing")
	}
	if byHand := (Manifest{Data: m.Data, Digest: m.Digest}); !bytes.Equal(byHand.Bytes(2), first) {
		t.Error("a manifest put together by hand loses its content")
	}
	if m.Stamp != (Stamp{}) || strings.Contains(string(m.Data), DigestAnnotation) {
		t.Error("Bytes changed the manifest")
	}
}

func TestParseReadsAsTheKubeletDoes(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"a missing namespace is default":         {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "default/a"},
		"the first of two documents":             {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\n", "default/a"},
		"unknown fields are ignored":             {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, Namespace: x}\nspec: {hostnetwork: true}\n", "default/a"},
		"of duplicate keys the last":             {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, name: b}\n", "default/b"},
		"the case of kind does not matter":       {"apiVersion: v1\nKind: Pod\nmetadata: {name: a}\n", "default/a"},
		"garbage in our annotations is nothing":  {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {perch/attempt: \"-1\", perch/wave: x}}\n", "default/a"},
		"no name":                                {"apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n", `error: parse manifest "f.yaml": metadata.name is missing`},
		"another kind":                           {"apiVersion: v1\nkind: PodList\nitems: []\n", `error: parse manifest "f.yaml": apiVersion "v1", kind "PodList": not a v1 Pod`},
		"nothing":                                {"", "error:"},
		"a syntax error":                         {"a: 'b\n", "error:"},
		"a wrong type":                           {"apiVersion: v1\nkind: Pod\nmetadata: {name: 5}\n", "error:"},
		"a YAML 1.1 boolean where a string goes": {"apiVersion: v1\nkind: Pod\nmetadata: {name: y}\n", "error:"},
		"10 MiB":                                 {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n#" + strings.Repeat("x", 10<<20), "error:"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Parse("f.yaml", []byte(tt.in))
			got := m.String()
			if err != nil {
				got = "error: " + err.Error()
			}
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if err == nil && (m.File != "f.yaml" || string(m.Data) != tt.in || m.Overlay != "") {
				t.Errorf("got %+v", m)
			}
		})
	}
}

func TestWave(t *testing.T) {
	for name, tt := range map[string]struct {
		component, annotation string
		want                  int
	}{
		"etcd":                         {"etcd", "", 0},
		"the API server":               {"kube-apiserver", "", 10},
		"the controller manager":       {"kube-controller-manager", "", 20},
		"the scheduler":                {"kube-scheduler", "", 20},
		"anything else":                {"", "", 30},
		"the annotation wins":          {"etcd", "5", 5},
		"garbage does not":             {"etcd", "five", 0},
		"nor does a negative number":   {"etcd", "-1", 0},
		"nor does one that is too big": {"kube-apiserver", "1001", 10},
		"the biggest does":             {"etcd", "1000", 1000},
	} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"component": tt.component}}}
		if tt.annotation != "" {
			pod.Annotations = map[string]string{WaveAnnotation: tt.annotation}
		}
		if got := (Manifest{Pod: pod}).Wave(); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
	if (Manifest{}).Wave() != 30 {
		t.Error("a manifest without a Pod")
	}
}

func TestTheDigestOfASetIsUnambiguousAndOfNoOrder(t *testing.T) {
	a, b := Manifest{File: "a", Digest: "1"}, Manifest{File: "b", Digest: "2"}
	if (Manifests{a, b}).Digest() != (Manifests{b, a}).Digest() {
		t.Error("the order matters")
	}
	digests := map[string]string{}
	for name, ms := range map[string]Manifests{
		"none": {}, "a": {a}, "a b": {a, b}, "moved": {{File: "a", Digest: "2"}, {File: "b", Digest: "1"}},
		"shifted": {{File: "a1", Digest: ""}, {File: "b", Digest: "2"}}, "joined": {{File: "a", Digest: "1b2"}},
	} {
		if other, taken := digests[ms.Digest()]; taken {
			t.Errorf("%s and %s have one digest", name, other)
		}
		digests[ms.Digest()] = name
	}
}
