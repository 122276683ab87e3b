package podcheck

import (
	"fmt"

	"k8s.io/kubernetes/pkg/apis/core"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

// because ends each message about a reference.
const because = ": the kubelet starts it before there is any API to read that from"

// lister collects the references of a Pod to API objects, by field. It says what
// podutil.HasAPIObjectReference (pkg/api/pod/util.go) refuses, in words.
type lister struct{ ps strictyaml.Problems }

func (l *lister) add(field, what string) {
	l.ps = append(l.ps, strictyaml.Problem{Field: field, Message: "a static Pod cannot use " + what + because})
}

func listReferences(spec *core.PodSpec) strictyaml.Problems {
	var l lister
	if spec.ServiceAccountName != "" {
		l.add("spec.serviceAccountName", "a service account")
	}
	for i, s := range spec.ImagePullSecrets {
		if s.Name != "" {
			l.add(fmt.Sprintf("spec.imagePullSecrets[%d]", i), "a Secret")
		}
	}
	if len(spec.ResourceClaims) > 0 {
		l.add("spec.resourceClaims", "a ResourceClaim")
	}
	for i := range spec.InitContainers {
		l.container(fmt.Sprintf("spec.initContainers[%d]", i), &spec.InitContainers[i])
	}
	for i := range spec.Containers {
		l.container(fmt.Sprintf("spec.containers[%d]", i), &spec.Containers[i])
	}
	for i := range spec.Volumes {
		l.volume(fmt.Sprintf("spec.volumes[%d]", i), &spec.Volumes[i].VolumeSource)
	}
	return l.ps
}

func (l *lister) container(field string, c *core.Container) {
	for i, e := range c.EnvFrom {
		field := fmt.Sprintf("%s.envFrom[%d]", field, i)
		if e.SecretRef != nil && e.SecretRef.Name != "" {
			l.add(field+".secretRef", "a Secret")
		}
		if e.ConfigMapRef != nil && e.ConfigMapRef.Name != "" {
			l.add(field+".configMapRef", "a ConfigMap")
		}
	}
	for i, e := range c.Env {
		field := fmt.Sprintf("%s.env[%d].valueFrom", field, i)
		if e.ValueFrom == nil {
			continue
		}
		if r := e.ValueFrom.SecretKeyRef; r != nil && r.Name != "" {
			l.add(field+".secretKeyRef", "a Secret")
		}
		if r := e.ValueFrom.ConfigMapKeyRef; r != nil && r.Name != "" {
			l.add(field+".configMapKeyRef", "a ConfigMap")
		}
	}
}

func (l *lister) volume(field string, v *core.VolumeSource) {
	switch {
	case v.ConfigMap != nil:
		l.add(field+".configMap", "a ConfigMap")
	case v.Secret != nil:
		l.add(field+".secret", "a Secret")
	case v.CSI != nil:
		l.add(field+".csi", "a CSI volume")
	case v.Glusterfs != nil:
		l.add(field+".glusterfs", "a GlusterFS volume, which needs Endpoints")
	case v.PersistentVolumeClaim != nil:
		l.add(field+".persistentVolumeClaim", "a PersistentVolumeClaim")
	case v.Ephemeral != nil:
		l.add(field+".ephemeral", "a generic ephemeral volume, which makes a PersistentVolumeClaim")
	case v.AzureFile != nil:
		l.add(field+".azureFile", "an Azure file, which needs a Secret")
	case v.Projected != nil:
		for i, s := range v.Projected.Sources {
			l.projection(fmt.Sprintf("%s.projected.sources[%d]", field, i), &s)
		}
	default:
		l.secretRef(field, v)
	}
}

func (l *lister) projection(field string, s *core.VolumeProjection) {
	switch {
	case s.ConfigMap != nil:
		l.add(field+".configMap", "a ConfigMap")
	case s.Secret != nil:
		l.add(field+".secret", "a Secret")
	case s.ServiceAccountToken != nil:
		l.add(field+".serviceAccountToken", "a service account's token")
	case s.ClusterTrustBundle != nil:
		l.add(field+".clusterTrustBundle", "a ClusterTrustBundle")
	case s.PodCertificate != nil:
		l.add(field+".podCertificate", "a PodCertificateRequest")
	}
}

// secretRef covers the volumes that are allowed, but not with a Secret.
func (l *lister) secretRef(field string, v *core.VolumeSource) {
	switch {
	case v.CephFS != nil && v.CephFS.SecretRef != nil && v.CephFS.SecretRef.Name != "":
		l.add(field+".cephfs.secretRef", "a Secret")
	case v.Cinder != nil && v.Cinder.SecretRef != nil && v.Cinder.SecretRef.Name != "":
		l.add(field+".cinder.secretRef", "a Secret")
	case v.FlexVolume != nil && v.FlexVolume.SecretRef != nil && v.FlexVolume.SecretRef.Name != "":
		l.add(field+".flexVolume.secretRef", "a Secret")
	case v.RBD != nil && v.RBD.SecretRef != nil && v.RBD.SecretRef.Name != "":
		l.add(field+".rbd.secretRef", "a Secret")
	case v.ScaleIO != nil && v.ScaleIO.SecretRef != nil && v.ScaleIO.SecretRef.Name != "":
		l.add(field+".scaleIO.secretRef", "a Secret")
	case v.ISCSI != nil && v.ISCSI.SecretRef != nil && v.ISCSI.SecretRef.Name != "":
		l.add(field+".iscsi.secretRef", "a Secret")
	case v.StorageOS != nil && v.StorageOS.SecretRef != nil && v.StorageOS.SecretRef.Name != "":
		l.add(field+".storageos.secretRef", "a Secret")
	}
}
