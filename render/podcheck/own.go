package podcheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/kubernetes/pkg/apis/core"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

// The annotations that only the kubelet, or only perch, may set.
const (
	kubeletAnnotations = "kubernetes.io/config."
	digestAnnotation   = "perch/digest"
	attemptAnnotation  = "perch/attempt"
)

// own returns what the kubelet would accept and we do not, since it makes the
// Pod another than the one that was reviewed, or one that cannot be told apart later.
func own(pod *core.Pod, doc strictyaml.Document, nodeName string) (ps strictyaml.Problems) {
	add := func(field, format string, args ...any) {
		ps = append(ps, strictyaml.Problem{Field: field, Message: fmt.Sprintf(format, args...)})
	}
	if pod.Name == "" && pod.GenerateName == "" {
		add("metadata.name", "must be given: the kubelet refuses a static Pod without a name")
	}
	if pod.GenerateName != "" {
		add("metadata.generateName", "cannot be used: the kubelet generates no names and wants metadata.name")
	}
	if pod.Namespace == "" {
		add("metadata.namespace", "must be given: the kubelet would silently take \"default\"")
	}
	if pod.UID != "" {
		add("metadata.uid", "must not be given: the kubelet makes it from the content, and with a fixed one does not restart a changed Pod")
	}
	if doc.Line("metadata.deletionTimestamp") > 0 && pod.DeletionTimestamp != nil {
		add("metadata.deletionTimestamp", "must not be given: the kubelet would take the Pod for one that ends")
	}
	for _, key := range slices.Sorted(maps.Keys(pod.Annotations)) {
		field := "metadata.annotations[" + key + "]"
		switch {
		case strings.HasPrefix(key, kubeletAnnotations):
			add(field, "must not be given: the kubelet sets it, and trusts it")
		case key == digestAnnotation || key == attemptAnnotation:
			add(field, "must not be given: perch sets it")
		}
	}
	if on := pod.Spec.NodeName; on != "" && on != nodeName {
		add("spec.nodeName", "is %q, but this node is %q: the kubelet would silently run the Pod here", on, nodeName)
	}
	return ps
}
