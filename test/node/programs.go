package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/perch-gitops/perch/test/node/internal/trace"
)

// programs is the cache folder with all that a node runs.
type programs string

func (p programs) kubelet() string      { return filepath.Join(string(p), "kubernetes", "kubelet") }
func (p programs) kubeadm() string      { return filepath.Join(string(p), "kubernetes", "kubeadm") }
func (p programs) kube(s string) string { return filepath.Join(string(p), "kubernetes", s) }
func (p programs) containerd() string   { return filepath.Join(string(p), "containerd", "containerd") }
func (p programs) ctr() string          { return filepath.Join(string(p), "containerd", "ctr") }
func (p programs) etcd(minor string) string {
	return filepath.Join(string(p), "etcd-"+minor, "etcd")
}
func (p programs) helper(name string) string { return filepath.Join(string(p), "helpers", name) }

var (
	buildOnce sync.Once
	built     programs
	buildErr  error
)

// buildPrograms builds what the cache lacks, once a process. The first build on a machine takes some ten minutes.
func buildPrograms(ctx context.Context) (programs, error) {
	buildOnce.Do(func() { built, buildErr = build(ctx) })
	return built, buildErr
}

func build(ctx context.Context) (programs, error) {
	module, err := ModuleRoot(ctx)
	if err != nil {
		return "", err
	}
	script := exec.CommandContext(ctx, filepath.Join(module, "components", "build.sh"))
	script.Stderr = os.Stderr
	out, err := script.Output()
	if err != nil {
		return "", fmt.Errorf("build the node's components: %w", err)
	}
	cache := programs(strings.TrimSpace(string(out)))
	if err := trace.CheckPlace(string(cache)); err != nil {
		return "", fmt.Errorf("PERCH_TEST_CACHE: %w", err)
	}
	return cache, buildHelpers(ctx, module, cache)
}

// buildHelpers builds the programs whose source is in this module. They are renamed into place, since a node of another test
// may be running the ones that are there.
func buildHelpers(ctx context.Context, module string, cache programs) error {
	if err := os.MkdirAll(cache.helper(""), 0o755); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(string(cache), ".helpers-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", fresh+"/", "./app", "./pause", "./node/keeper")
	build.Dir = module
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build app, pause and keeper: %w\n%s", err, out)
	}
	for _, name := range []string{"app", "pause", "keeper"} {
		if err := os.Rename(filepath.Join(fresh, name), cache.helper(name)); err != nil {
			return err
		}
	}
	return nil
}

// ModuleRoot is this module's folder; the product's source is its parent. Tests run inside it.
func ModuleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/perch-gitops/perch/test").Output()
	if err != nil {
		return "", fmt.Errorf("find the test module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
