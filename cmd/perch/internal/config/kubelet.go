package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	kubeletv1beta1 "k8s.io/kubelet/config/v1beta1"
	"sigs.k8s.io/yaml"

	"github.com/perch-gitops/perch/internal/strictyaml"
)

// fromKubelet fills in what the configuration leaves to the kubelet: first from the flags, which win over the kubelet's
// own configuration file, then from that file, then with the kubelet's defaults.
func (c *AgentConfiguration) fromKubelet() strictyaml.Problems {
	var found strictyaml.Problems
	flags, err := readFlags(c.Kubelet.Flags)
	if err != nil {
		found = append(found, strictyaml.Problem{Field: "kubelet.flags", Message: err.Error()})
	}
	file, err := readKubeletConfig(c.Kubelet.Config)
	if err != nil && !(errors.Is(err, fs.ErrNotExist) && c.needsNoKubeletConfig(flags)) {
		found = append(found, strictyaml.Problem{Field: "kubelet.config", Message: err.Error()})
	}
	setDefault(&c.Kubelet.StaticPodPath, flags["pod-manifest-path"])
	setDefault(&c.Kubelet.StaticPodPath, absolute(file.StaticPodPath, c.Kubelet.Config))
	setDefault(&c.Kubelet.RootDir, flags["root-dir"])
	setDefault(&c.Kubelet.RootDir, "/var/lib/kubelet")
	setDefault(&c.Kubelet.Healthz, healthz(file, flags))
	setDefault(&c.Runtime.Endpoint, flags["container-runtime-endpoint"])
	setDefault(&c.Runtime.Endpoint, file.ContainerRuntimeEndpoint)
	setDefault(&c.Runtime.Endpoint, "unix:///run/containerd/containerd.sock")
	name, err := nodeName(c.Node.Name, flags)
	if err != nil {
		found = append(found, strictyaml.Problem{Field: "node.name", Message: err.Error()})
	}
	c.Node.Name = name
	return found
}

// needsNoKubeletConfig reports whether the kubelet's file has nothing to add that matters, as when a node's image is
// built before its kubelet is set up.
func (c *AgentConfiguration) needsNoKubeletConfig(flags map[string]string) bool {
	here := c.Kubelet.StaticPodPath != "" || flags["pod-manifest-path"] != ""
	return here && (c.Health.Mode == HealthNone || c.Kubelet.Healthz != "")
}

// FileCheckFrequency is how often the kubelet lists its staticPodPath again; 20 s unless it says otherwise.
func (c AgentConfiguration) FileCheckFrequency() time.Duration {
	const kubeletDefault = 20 * time.Second // pkg/kubelet/apis/config/v1beta1/defaults.go
	file, err := readKubeletConfig(c.Kubelet.Config)
	if err != nil || file.FileCheckFrequency.Duration == 0 {
		return kubeletDefault
	}
	return file.FileCheckFrequency.Duration
}

// readKubeletConfig decodes leniently: fields of another Kubernetes version are the kubelet's business.
func readKubeletConfig(path string) (kubeletv1beta1.KubeletConfiguration, error) {
	var file kubeletv1beta1.KubeletConfiguration
	data, err := os.ReadFile(path)
	if err != nil {
		return file, fmt.Errorf("read the kubelet's configuration: %w; "+
			"name the right file here, or set kubelet.staticPodPath and kubelet.healthz", err)
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return file, fmt.Errorf("read the kubelet's configuration %s: %w", path, err)
	}
	return file, nil
}

// absolute resolves a path as the kubelet does: against the folder of the file that it stands in.
func absolute(path, file string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// healthz is the kubelet's healthz URL; the defaults are those of pkg/kubelet/apis/config/v1beta1/defaults.go.
func healthz(file kubeletv1beta1.KubeletConfiguration, flags map[string]string) string {
	host, port := flags["healthz-bind-address"], flags["healthz-port"]
	setDefault(&host, file.HealthzBindAddress)
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	if port == "" && file.HealthzPort != nil {
		port = strconv.Itoa(int(*file.HealthzPort))
	}
	setDefault(&port, "10248")
	return "http://" + net.JoinHostPort(host, port) + "/healthz"
}

// nodeName is the node's name as the kubelet chooses it: its flag, else the host's name, trimmed and in lower case
// (k8s.io/component-helpers/node/util, GetHostname).
func nodeName(configured string, flags map[string]string) (string, error) {
	name := configured
	setDefault(&name, flags["hostname-override"])
	if name == "" {
		host, err := os.Hostname()
		if err != nil {
			return "", fmt.Errorf("cannot be found out: %w; set it here", err)
		}
		name = host
	}
	name = strings.ToLower(strings.TrimSpace(name))
	if name == "" {
		return "", errors.New("is empty; set it here")
	}
	return name, nil
}
