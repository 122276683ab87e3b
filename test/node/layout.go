package node

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/perch-gitops/perch/test/node/internal/trace"
)

var (
	//go:embed containerd.toml
	containerdConfig string
	//go:embed kubelet.yaml
	kubeletConfig string
	//go:embed kubeadm.yaml
	kubeadmConfig string
)

// layOut names everything a node has. It makes the folder and nothing else.
func layOut(o Options, p programs) (*Node, error) {
	ip, err := machineIP()
	if err != nil {
		return nil, err
	}
	if ip == "" && !o.Standalone {
		return nil, errors.New("no network interface with an address but loopback: kubeadm's certificates need one")
	}
	if err := o.Ports.fill(); err != nil {
		return nil, err
	}
	if o.Name == "" {
		o.Name = "perch-1"
	}
	dir, err := os.MkdirTemp("", trace.Pattern)
	if err != nil {
		return nil, err
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	return &Node{
		Name: o.Name, IP: ip, Ports: o.Ports, Standalone: o.Standalone,
		Dir: dir, ManifestDir: at("manifests"), RootDir: at("kubelet"),
		KubeletConfig: at("config.yaml"), KubeadmFlags: at("kubeadm-flags.env"),
		CRIEndpoint:   "unix://" + at("containerd.sock"),
		HealthzURL:    fmt.Sprintf("http://127.0.0.1:%d/healthz", o.Ports.KubeletHealthz),
		KubeletLog:    at("kubelet.log"),
		ContainerdLog: at("containerd.log"),
		KubeconfigDir: at("kubernetes"), Kubeconfig: at("kubernetes/super-admin.conf"), PKI: at("kubernetes/pki"),
		EtcdDataDir:  at("etcd"),
		APIServerURL: fmt.Sprintf("https://127.0.0.1:%d", o.Ports.APIServer),
		EtcdURL:      fmt.Sprintf("https://127.0.0.1:%d", o.Ports.EtcdClient),
		programs:     p, options: o,
	}, nil
}

// writeFiles writes the configuration of containerd, the kubelet and kubeadm.
func (n *Node) writeFiles() error {
	for _, dir := range []string{n.ManifestDir, n.RootDir, n.PKI, filepath.Join(n.Dir, "cni"), filepath.Join(n.Dir, "pods-logs")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	files := map[string]string{
		n.KubeletConfig:                         kubeletConfig,
		filepath.Join(n.Dir, "containerd.toml"): containerdConfig,
		filepath.Join(n.Dir, "kubeadm.yaml"):    kubeadmConfig,
		n.KubeadmFlags:                          "KUBELET_KUBEADM_ARGS=\"" + strings.Join(n.kubeletFlags(), " ") + "\"\n",
		filepath.Join(n.Dir, "resolv.conf"):     "",
	}
	for path, text := range files {
		if err := n.writeTemplate(path, text); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) writeTemplate(path, text string) error {
	parsed, err := template.New(filepath.Base(path)).Option("missingkey=error").Parse(text)
	if err != nil {
		return err
	}
	var out strings.Builder
	if err := parsed.Execute(&out, n); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(out.String()), 0o644)
}

// FileCheckFrequency is how often the kubelet reads ManifestDir again, as a Go duration.
func (n *Node) FileCheckFrequency() string {
	if n.options.FileCheckFrequency == 0 {
		return "20s"
	}
	return n.options.FileCheckFrequency.String()
}
