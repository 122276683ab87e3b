package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"time"
)

// makeCredentials has kubeadm make the certificates and kubeconfigs of a control plane.
func (n *Node) makeCredentials(ctx context.Context) error {
	config := "--config=" + filepath.Join(n.Dir, "kubeadm.yaml")
	for _, args := range [][]string{
		{"init", "phase", "certs", "all", config},
		{"init", "phase", "kubeconfig", "all", config, "--kubeconfig-dir=" + n.KubeconfigDir},
	} {
		if out, err := exec.CommandContext(ctx, n.programs.kubeadm(), args...).CombinedOutput(); err != nil {
			return fmt.Errorf("kubeadm %v: %w\n%s", args[:4], err, out)
		}
	}
	return nil
}

// APIServerReady returns nil if the API server's /readyz says ok.
func (n *Node) APIServerReady(ctx context.Context) error {
	return get(ctx, oneShot(nil), n.APIServerURL+"/readyz")
}

// EtcdHealthy returns nil if the etcd member of this node answers clients and has a leader.
func (n *Node) EtcdHealthy(ctx context.Context) error {
	pair := filepath.Join(n.PKI, "etcd", "healthcheck-client")
	certificate, err := tls.LoadX509KeyPair(pair+".crt", pair+".key")
	if err != nil {
		return err
	}
	return get(ctx, oneShot([]tls.Certificate{certificate}), n.EtcdURL+"/health")
}

// oneShot opens a connection for each request, so that an answer is one of the server that runs now. It trusts any server:
// these are all on loopback.
func oneShot(certificates []tls.Certificate) *http.Client {
	return &http.Client{
		Timeout: 2 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{Certificates: certificates, InsecureSkipVerify: true},
		},
	}
}
