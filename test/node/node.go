// Package node starts a real Kubernetes node in a temporary folder, and takes it down without a trace.
//
// A node is a kubelet, containerd and runc, with images made on the spot from one static binary each. It needs root, a Linux
// machine with cgroups, and no network. Several nodes may run side by side.
package node

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/perch-gitops/perch/test/node/internal/trace"
)

// Options say what kind of node is wanted. The zero value is a control-plane node to be.
type Options struct {
	// Name is the node's name. The default is perch-1.
	Name string
	// Standalone makes a kubelet that knows no API server. Otherwise there are certificates and kubeconfigs for one that is
	// to come up as a static Pod.
	Standalone bool
	// Ports to use. A zero port becomes a free one.
	Ports Ports
	// FileCheckFrequency is how often the kubelet reads ManifestDir again. The default is the kubelet's, 20 s.
	FileCheckFrequency time.Duration
	// Images are imported besides those every node has.
	Images []Image
}

// Node is a running node. All its paths lie below Dir.
type Node struct {
	Name string
	IP   string // of the machine; Pods are on the host's network, for there is no other
	Ports
	Standalone bool

	Dir           string
	ManifestDir   string // staticPodPath
	KubeletConfig string // what /var/lib/kubelet/config.yaml is on a node of kubeadm's
	KubeadmFlags  string // likewise kubeadm-flags.env
	RootDir       string // the kubelet's --root-dir
	CRIEndpoint   string
	HealthzURL    string // the kubelet's
	KubeletLog    string
	ContainerdLog string

	// For nodes that are not Standalone; the files exist before the API server runs.
	KubeconfigDir string // admin.conf, super-admin.conf, kubelet.conf, controller-manager.conf, scheduler.conf
	Kubeconfig    string // of a member of system:masters, which needs no RBAC objects
	PKI           string
	EtcdDataDir   string
	APIServerURL  string
	EtcdURL       string

	programs   programs
	keeper     *keeper
	containerd *process
	kubelet    *process
	options    Options
}

// Start runs a node for the time of a test.
func Start(t testing.TB, o Options) *Node {
	t.Helper()
	n, err := New(t.Context(), o)
	if err != nil {
		t.Fatalf("start a node: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("end of the kubelet's log:\n%s", tail(n.KubeletLog, 40))
		}
		if err := n.Stop(); err != nil {
			t.Errorf("stop the node: %v", err)
		}
	})
	return n
}

// New runs a node until Stop, or until this process ends.
func New(ctx context.Context, o Options) (*Node, error) {
	if err := checkMachine(); err != nil {
		return nil, err
	}
	if err := Sweep(); err != nil {
		return nil, fmt.Errorf("sweep up after earlier runs: %w", err)
	}
	programs, err := buildPrograms(ctx)
	if err != nil {
		return nil, err
	}
	n, err := layOut(o, programs)
	if err != nil {
		return nil, err
	}
	if err := n.start(ctx); err != nil {
		err = fmt.Errorf("%w\ncontainerd's log ends:\n%s\nthe kubelet's log ends:\n%s",
			err, tail(n.ContainerdLog, 15), tail(n.KubeletLog, 15))
		_ = n.Stop()
		return nil, err
	}
	return n, nil
}

func (n *Node) start(ctx context.Context) (err error) {
	if n.keeper, err = startKeeper(n.programs, n.Dir); err != nil {
		return err
	}
	if err := n.writeFiles(); err != nil {
		return err
	}
	if !n.Standalone {
		if err := n.makeCredentials(ctx); err != nil {
			return err
		}
	}
	if err := n.StartContainerd(ctx); err != nil {
		return err
	}
	if err := n.ImportImages(ctx, n.wantedImages()...); err != nil {
		return err
	}
	return n.StartKubelet(ctx)
}

// Stop ends everything the node runs and removes all it made. If PERCH_TEST_LOGS names a folder, the logs are copied there first.
func (n *Node) Stop() error {
	if folder := os.Getenv("PERCH_TEST_LOGS"); folder != "" {
		for _, log := range []string{n.KubeletLog, n.ContainerdLog} {
			if err := copyFile(log, filepath.Join(folder, filepath.Base(n.Dir)+"-"+filepath.Base(log))); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
	if n.keeper == nil {
		return os.RemoveAll(n.Dir)
	}
	return n.keeper.stop()
}

// Sweep takes down nodes that were left behind when their tests and keepers were killed. Nodes in use are left alone.
func Sweep() error { return trace.Sweep(os.TempDir()) }

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	return err
}
