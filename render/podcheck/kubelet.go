package podcheck

import (
	"errors"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/helper"
	"k8s.io/kubernetes/pkg/apis/core/validation"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

// kubelets is the kubelet's own validation of a decoded and defaulted Pod
// (pkg/kubelet/config/common.go, from applyDefaults on), with all its findings.
func kubelets(pod *core.Pod, nodeName string) (ps strictyaml.Problems) {
	if pod.Name == "" {
		return nil // own has said so; the kubelet looks no further either
	}
	asStatic(pod, nodeName)
	opts := podutil.GetValidationOptionsFromPodSpecAndMeta(&pod.Spec, nil, &pod.ObjectMeta, nil)
	for _, err := range validation.ValidatePodCreate(pod, opts) {
		ps = append(ps, strictyaml.Problem{Field: err.Field, Message: err.ErrorBody()})
	}
	return append(ps, references(pod)...)
}

// asStatic does what the kubelet does to a Pod from a file before it validates it
// (applyDefaults), and adds the annotations that perch will write into the file: they count
// towards the limit on the size of annotations.
func asStatic(pod *core.Pod, nodeName string) {
	// Stands for the hash of the file: as long, and as valid.
	uid := strings.Repeat("0", 32)
	if pod.UID == "" {
		pod.UID = types.UID(uid)
	}
	pod.Name = pod.Name + "-" + strings.ToLower(nodeName)
	if pod.Namespace == "" {
		pod.Namespace = metav1.NamespaceDefault
	}
	pod.Spec.NodeName = nodeName
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations["kubernetes.io/config.hash"] = uid
	pod.Annotations[digestAnnotation] = strings.Repeat("0", 64)
	pod.Annotations[attemptAnnotation] = strings.Repeat("0", 10)
	helper.AddOrUpdateTolerationInPod(pod, &core.Toleration{Operator: "Exists", Effect: core.TaintEffectNoExecute})
	pod.Status.Phase = core.PodPending
}

// references returns every reference to an API object. The kubelet's own function, which
// stops at the first and says no field, has the last word.
func references(pod *core.Pod) strictyaml.Problems {
	ps := listReferences(&pod.Spec)
	found, resource, err := podutil.HasAPIObjectReference(pod)
	if err == nil && found && resource == "" {
		err = errors.New("the Pod refers to an API object")
	}
	switch {
	case len(ps) > 0 || (err == nil && !found):
		return ps
	case err != nil:
		return strictyaml.Problems{{Field: "spec", Message: err.Error() + ": the kubelet refuses it in a static Pod"}}
	}
	return strictyaml.Problems{{Field: "spec", Message: "a static Pod cannot use " + resource + because}}
}
