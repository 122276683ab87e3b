package health

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/perch-gitops/perch/render"
)

// apiServer returns nil if the API server that there should be says that it is ready: the one among the wanted Pods, or,
// once all Pods are wanted, the one that is configured.
//
// 401 and 403 count as ready: the server serves, and where anonymous requests are off nothing more can be learnt without
// a credential. The Pod's own Ready condition has been checked before this.
func (n *Node) apiServer(ctx context.Context, want Want) error {
	url := apiServerURL(want.Running)
	if want.Whole && n.config.APIServer != "" {
		url = n.config.APIServer
	}
	if url == "" {
		return nil
	}
	status, body, err := get(ctx, local, url+"/readyz")
	if err != nil {
		return fmt.Errorf("the API server does not answer: %w", err)
	}
	switch status {
	case http.StatusOK, http.StatusUnauthorized, http.StatusForbidden:
		return nil
	default:
		return fmt.Errorf("the API server is not ready: %s/readyz says %d %s", url, status, strings.TrimSpace(body))
	}
}

// apiServerURL is where the API server among the Pods listens on this machine, or empty if there is none.
func apiServerURL(set render.Manifests) string {
	for _, manifest := range set {
		if manifest.Pod.Labels["component"] != "kube-apiserver" || len(manifest.Pod.Spec.Containers) == 0 {
			continue
		}
		container := manifest.Pod.Spec.Containers[0]
		host, port := flag(container, "bind-address"), flag(container, "secure-port")
		if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		if port == "" {
			port = "6443" // kube-apiserver's default
		}
		return "https://" + net.JoinHostPort(host, port)
	}
	return ""
}

// flag returns the value of --name=value among a container's words; the last one counts, as it does for the program.
func flag(container corev1.Container, name string) string {
	value := ""
	for _, word := range append(append([]string{}, container.Command...), container.Args...) {
		if given, found := strings.CutPrefix(word, "--"+name+"="); found {
			value = given
		}
	}
	return value
}
