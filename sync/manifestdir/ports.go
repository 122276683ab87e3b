package manifestdir

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/perch-gitops/perch/render"
)

// portsFreedFirst moves the removal of a Pod before the first change that takes over one of its host ports. The kubelet
// refuses a Pod whose host port is taken, and never tries it again (kubernetes#138391).
func portsFreedFirst(changes []Change) []Change {
	var ordered []Change
	for _, change := range changes {
		if change.Action != Remove {
			ordered = append(ordered, change)
			continue
		}
		ports := hostPorts(change.Old)
		at := slices.IndexFunc(ordered, func(other Change) bool {
			return other.Action != Remove && slices.ContainsFunc(hostPorts(other.New), func(port string) bool { return slices.Contains(ports, port) })
		})
		if at < 0 {
			at = len(ordered)
		}
		ordered = slices.Insert(ordered, at, change)
	}
	return ordered
}

// hostPorts lists the ports of the node that a Pod takes, as the kubelet's defaults make them: on the host's network each
// container port is one.
func hostPorts(manifest *render.Manifest) []string {
	spec := manifest.Pod.Spec
	var ports []string
	for _, container := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, port := range container.Ports {
			number := port.HostPort
			if number == 0 && spec.HostNetwork {
				number = port.ContainerPort
			}
			protocol := port.Protocol
			if protocol == "" {
				protocol = corev1.ProtocolTCP
			}
			if number != 0 {
				ports = append(ports, fmt.Sprintf("%s/%d", protocol, number))
			}
		}
	}
	return ports
}
