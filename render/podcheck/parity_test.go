package podcheck

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/klog/v2"
	api "k8s.io/kubernetes/pkg/apis/core"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

// kubeletRefuses asks the kubelet's own functions.
func kubeletRefuses(data []byte, nodeName string) error {
	defaults := func(logger klog.Logger, pod *api.Pod) error {
		return applyDefaults(logger, pod, "/etc/kubernetes/manifests/pod.yaml", true, "cp-1")
	}
	parsed, _, err := tryDecodeSinglePod(klog.Background(), data, defaults)
	if !parsed && err == nil {
		return errors.New("not parsed")
	}
	return err
}

const minimal = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: kube-system}\nspec:\n  containers: [{name: c, image: i}]\n"

// spec gives a good Pod with more lines under spec.
func spec(lines string) string {
	return minimal + "  " + strings.ReplaceAll(strings.TrimSpace(lines), "\n", "\n  ") + "\n"
}

// container gives a Pod whose one container has more fields.
func container(fields string) string {
	return strings.Replace(minimal, "image: i", "image: i, "+fields, 1)
}

// meta gives a Pod with more fields of its metadata.
func meta(fields string) string {
	return strings.Replace(minimal, "name: p,", "name: p, "+fields+",", 1)
}

func volume(v string) string { return spec("volumes: [{name: v, " + v + "}]") }

type verdict int

const (
	accepted verdict = iota // by the kubelet and by us
	refused                 // by the kubelet and by us
	stricter                // accepted by the kubelet, refused by us
)

type podCase struct {
	in   string
	want verdict
	says string // what the error must contain
}

func TestCheckAcceptsWhatTheKubeletWouldRunAndNothingElse(t *testing.T) {
	for name, tt := range podCases {
		t.Run(name, func(t *testing.T) {
			kubelet := kubeletRefuses([]byte(tt.in), "cp-1")
			pod, err := Check([]byte(tt.in), "cp-1")
			if (kubelet != nil) != (tt.want == refused) {
				t.Errorf("the kubelet says: %v", kubelet)
			}
			if (err != nil) != (tt.want != accepted) {
				t.Fatalf("Check says: %v", err)
			}
			if err == nil {
				if pod.Name != "p" || pod.Spec.NodeName != "" && pod.Spec.NodeName != "cp-1" || pod.Spec.RestartPolicy != "" && !strings.Contains(tt.in, "restartPolicy") {
					t.Errorf("the Pod is not as the manifest says it: %+v", pod)
				}
				return
			}
			if !errors.As(err, new(strictyaml.Problems)) {
				t.Errorf("the error is a %T", err)
			}
			if tt.says == "" || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got:  %v\nwant: %s", err, tt.says)
			}
		})
	}
}

func TestCheckReportsEverythingAtOnce(t *testing.T) {
	const in = `apiVersion: v1
kind: Pod
metadata:
  name: p
  uid: abc
spec:
  hostnetwork: true
  serviceAccountName: x
  volumes:
  - name: v
    configMap: {name: c}
  containers:
  - name: C
    image: i
    image: j
    env:
    - name: E
      valueFrom: {secretKeyRef: {name: s, key: k}}
`
	_, err := Check([]byte(in), "cp-1")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"line 7: spec.hostnetwork: unknown field",
		"line 3: metadata.namespace: must be given",
		"line 5: metadata.uid: must not be given",
		"line 8: spec.serviceAccountName: a static Pod cannot use a service account: the kubelet starts it before",
		"line 11: spec.volumes[0].configMap: a static Pod cannot use a ConfigMap",
		"line 13: spec.containers[0].name: Invalid value: \"C\"",
		"line 15: spec.containers[0].image: duplicate key, first on line 14",
		"line 18: spec.containers[0].env[0].valueFrom.secretKeyRef: a static Pod cannot use a Secret",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing: %s", want)
		}
	}
	if t.Failed() {
		t.Logf("got:\n%v", err)
	}
}

func TestTheOracleIsTheKubeletsOwnText(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes").Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		t.Fatalf("the source of k8s.io/kubernetes is not at hand: %v", err)
	}
	original, err := os.ReadFile(filepath.Join(dir, "pkg/kubelet/config/common.go"))
	if err != nil {
		t.Fatal(err)
	}
	copied, err := os.ReadFile("kubelet_oracle_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"generatePodName", "applyDefaults", "tryDecodeSinglePod"} {
		if want := function(string(original), name); want == "" || function(string(copied), name) != want {
			t.Errorf("%s is not the kubelet's any more: copy it again, and see what Check has to follow", name)
		}
	}
}

// function cuts a top-level function out of a source text.
func function(src, name string) string {
	start := strings.Index(src, "\nfunc "+name+"(")
	if start < 0 {
		return ""
	}
	body, _, _ := strings.Cut(src[start+1:], "\n}\n")
	return body
}
