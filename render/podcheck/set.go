package podcheck

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

// Clash is two Pods that one node cannot run together.
type Clash struct {
	First, Second int    // indices into what Set was given; First < Second
	Message       string // names both Pods
}

// Clashes is every pair that clashes, by Second and then First.
type Clashes []Clash

// Error gives one line for each clash.
func (cs Clashes) Error() string {
	lines := make([]string, len(cs))
	for i, c := range cs {
		lines[i] = c.Message
	}
	return strings.Join(lines, "\n")
}

// Set looks at everything that a node is to run: no Pod twice (the kubelet would run the one
// of the two that it read last), and no host port wanted by two (the kubelet admits one
// Pod and fails the other for good). The error is of type Clashes.
func Set(pods ...*corev1.Pod) error {
	ports := make([][]hostPort, len(pods))
	for i, p := range pods {
		ports[i] = hostPorts(p)
	}
	var cs Clashes
	for second := range pods {
		for first := range second {
			a, b := pods[first], pods[second]
			if a.Namespace == b.Namespace && a.Name == b.Name {
				cs = append(cs, Clash{first, second, fmt.Sprintf("Pod %s/%s is there twice", a.Namespace, a.Name)})
				continue
			}
			if port, ok := firstShared(ports[first], ports[second]); ok {
				cs = append(cs, Clash{first, second, fmt.Sprintf("Pods %s/%s and %s/%s both want host port %s: the kubelet would refuse one of them for good",
					a.Namespace, a.Name, b.Namespace, b.Name, port)})
			}
		}
	}
	if len(cs) == 0 {
		return nil
	}
	return cs
}

// hostPort is one port of the node that a Pod takes.
type hostPort struct {
	ip       string // "" is every address
	protocol corev1.Protocol
	port     int32
}

func (p hostPort) String() string {
	if p.ip == "" {
		return fmt.Sprintf("%d/%s", p.port, p.protocol)
	}
	return fmt.Sprintf("%s:%d/%s", p.ip, p.port, p.protocol)
}

// hostPorts counts as the kubelet's admission does (pkg/scheduler/util.GetHostPorts): the
// ports of containers, and of init containers that go on running, after defaulting, by which
// each containerPort of a Pod in the host's network becomes a hostPort.
func hostPorts(found *corev1.Pod) (ports []hostPort) {
	pod := found.DeepCopy()
	legacyscheme.Scheme.Default(pod)
	add := func(c corev1.Container) {
		for _, p := range c.Ports {
			if p.HostPort <= 0 {
				continue
			}
			ip := p.HostIP
			if ip == "0.0.0.0" {
				ip = ""
			}
			ports = append(ports, hostPort{ip, p.Protocol, p.HostPort})
		}
	}
	for _, c := range pod.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			add(c)
		}
	}
	for _, c := range pod.Spec.Containers {
		add(c)
	}
	return ports
}

// firstShared follows HostPortInfo.CheckConflict (k8s.io/kube-scheduler/framework): the same
// port and protocol, and the same address, or every address on one side. As there,
// "::" is an address like any other.
func firstShared(as, bs []hostPort) (hostPort, bool) {
	for _, a := range as {
		for _, b := range bs {
			if a.port == b.port && a.protocol == b.protocol && (a.ip == b.ip || a.ip == "" || b.ip == "") {
				return b, true
			}
		}
	}
	return hostPort{}, false
}
