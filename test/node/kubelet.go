package node

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"
)

// kubeletFlags are those that kubeadm writes into kubeadm-flags.env.
func (n *Node) kubeletFlags() []string {
	flags := []string{"--hostname-override=" + n.Name, "--root-dir=" + n.RootDir, "--cert-dir=" + filepath.Join(n.RootDir, "pki")}
	if n.IP != "" {
		flags = append(flags, "--node-ip="+n.IP)
	}
	return flags
}

// StartKubelet starts the kubelet and waits until it answers on HealthzURL.
func (n *Node) StartKubelet(ctx context.Context) (err error) {
	argv := append([]string{n.programs.kubelet(), "--config=" + n.KubeletConfig, "--v=2"}, n.kubeletFlags()...)
	if !n.Standalone {
		argv = append(argv, "--kubeconfig="+filepath.Join(n.KubeconfigDir, "kubelet.conf"))
	}
	if n.kubelet, err = n.run(n.KubeletLog, nil, argv...); err != nil {
		return err
	}
	healthz := func(ctx context.Context) error { return get(ctx, http.DefaultClient, n.HealthzURL) }
	if err := n.kubelet.await(ctx, time.Minute, healthz); err != nil {
		return fmt.Errorf("start the kubelet: %w", err)
	}
	return nil
}

// StopKubelet stops the kubelet; Pods run on.
func (n *Node) StopKubelet() { n.kubelet.stop() }

// RestartKubelet stops and starts the kubelet.
func (n *Node) RestartKubelet(ctx context.Context) error {
	n.StopKubelet()
	return n.StartKubelet(ctx)
}

// get returns an error unless url answers 200.
func get(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}
