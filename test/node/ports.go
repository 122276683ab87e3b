package node

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are what the parts of a node listen on.
type Ports struct {
	Kubelet, KubeletHealthz           int
	EtcdClient, EtcdPeer, EtcdMetrics int
	APIServer                         int
	ControllerManager, Scheduler      int
}

// KubeadmPorts are the ports of a node of kubeadm's. Only one node with them fits on a machine.
func KubeadmPorts() Ports {
	return Ports{
		Kubelet: 10250, KubeletHealthz: 10248,
		EtcdClient: 2379, EtcdPeer: 2380, EtcdMetrics: 2381,
		APIServer:         6443,
		ControllerManager: 10257, Scheduler: 10259,
	}
}

// fill gives each port that is zero one that is free now. Nothing holds it until its server starts, so it is picked at random,
// and from below the range the kernel takes outgoing ports from.
func (p *Ports) fill() error {
	taken := map[int]bool{}
	for _, port := range p.all() {
		for tries := 0; *port == 0; tries++ {
			if tries == 1000 {
				return fmt.Errorf("find a free port: none in a thousand tries")
			}
			if candidate := 20000 + rand.IntN(10000); !taken[candidate] && free(candidate) {
				*port = candidate
			}
		}
		taken[*port] = true
	}
	return nil
}

func (p *Ports) all() []*int {
	return []*int{&p.Kubelet, &p.KubeletHealthz, &p.EtcdClient, &p.EtcdPeer, &p.EtcdMetrics, &p.APIServer, &p.ControllerManager, &p.Scheduler}
}

func free(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// FreePort returns a port nobody listens on, for a Pod or a server of a test.
func FreePort() (int, error) {
	for range 1000 {
		if port := 20000 + rand.IntN(10000); free(port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("find a free port: none in a thousand tries")
}
