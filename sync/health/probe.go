package health

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	criv1 "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/perch-gitops/perch/render"
)

// local asks servers on this machine whose certificates are for other names, or for a CA that we are not told, as the
// kubelet's own probes do (pkg/probe/http: InsecureSkipVerify). Nothing secret is sent.
var local = &http.Client{
	Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
		DisableKeepAlives: true,                                  // each answer comes from the process that listens now
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// probe runs a container's readiness probe once, where it is an httpGet or a tcpSocket. A container with another probe,
// or none, counts as ready when it runs.
func (n *Node) probe(ctx context.Context, sandbox string, manifest render.Manifest, container corev1.Container) error {
	probe := container.ReadinessProbe
	switch {
	case probe == nil:
		return nil
	case probe.HTTPGet != nil:
		address, err := n.address(ctx, sandbox, manifest.Pod, container, probe.HTTPGet.Host, probe.HTTPGet.Port)
		if err != nil {
			return err
		}
		return httpProbe(ctx, probe.HTTPGet, address)
	case probe.TCPSocket != nil:
		address, err := n.address(ctx, sandbox, manifest.Pod, container, probe.TCPSocket.Host, probe.TCPSocket.Port)
		if err != nil {
			return err
		}
		return tcpProbe(ctx, address)
	default:
		return nil
	}
}

func httpProbe(ctx context.Context, probe *corev1.HTTPGetAction, address string) error {
	scheme := strings.ToLower(string(probe.Scheme))
	if scheme == "" {
		scheme = "http"
	}
	url := scheme + "://" + address + "/" + strings.TrimPrefix(probe.Path, "/")
	status, body, err := get(ctx, local, url)
	if err != nil {
		return err
	}
	if status < http.StatusOK || status >= http.StatusBadRequest { // the kubelet's bounds for success
		return fmt.Errorf("%s says %d %s", url, status, strings.TrimSpace(body))
	}
	return nil
}

func tcpProbe(ctx context.Context, address string) error {
	dialer := net.Dialer{Timeout: askTimeout}
	connection, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return connection.Close()
}

// address is where the kubelet would send a probe: the named host, else the Pod's address.
func (n *Node) address(ctx context.Context, sandbox string, pod *corev1.Pod, container corev1.Container, host string, port intstr.IntOrString) (string, error) {
	number := port.IntValue()
	for _, declared := range container.Ports {
		if port.Type == intstr.String && declared.Name == port.StrVal {
			number = int(declared.ContainerPort)
		}
	}
	switch {
	case host != "":
	case pod.Spec.HostNetwork:
		host = "127.0.0.1"
	default:
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		status, err := criv1.NewRuntimeServiceClient(n.cri).PodSandboxStatus(ctx, &criv1.PodSandboxStatusRequest{PodSandboxId: sandbox})
		if err != nil {
			return "", fmt.Errorf("ask the container runtime for the Pod's address: %w", err)
		}
		host = status.GetStatus().GetNetwork().GetIp()
	}
	return net.JoinHostPort(host, strconv.Itoa(number)), nil
}
