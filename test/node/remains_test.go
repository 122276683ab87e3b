//go:build e2e

package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/perch-gitops/perch/test/node/internal/trace"
)

const podManifest = `apiVersion: v1
kind: Pod
metadata: {name: app, namespace: kube-system}
spec:
  hostNetwork: true
  containers:
  - name: app
    image: perch.test/app:1
    args: ["--listen=127.0.0.1:%d", "--ignore-sigterm"]
    volumeMounts: [{name: memory, mountPath: /memory}]
  volumes: [{name: memory, emptyDir: {medium: Memory}}]
`

// runPod runs a Pod that is as clingy as can be: it has a mount of the kubelet's and ignores SIGTERM.
func runPod(ctx context.Context, n *Node) error {
	port, err := FreePort()
	if err != nil {
		return err
	}
	if err := n.WriteManifest("app.yaml", fmt.Appendf(nil, podManifest, port)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err = n.WaitForPod(ctx, Ready)
	return err
}

// machine is what a node could change on the machine, outside its folder, that is not its own by name.
func machine(t *testing.T) map[string]string {
	t.Helper()
	state := map[string]string{}
	for _, path := range []string{
		"/var/lib/kubelet", "/var/log/containers", "/var/log/pods", "/run/containerd", "/run/nri", "/var/run/nri",
		"/etc/cni", "/opt/cni", "/opt/containerd", "/usr/libexec/kubernetes", "/etc/kubernetes",
	} {
		_, err := os.Stat(path)
		state[path] = fmt.Sprintf("exists: %t", err == nil)
	}
	for _, name := range []string{"vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys"} {
		value, err := os.ReadFile(filepath.Join("/proc/sys", name))
		state["sysctl "+name] = fmt.Sprintf("%s %v", bytes.TrimSpace(value), err)
	}
	return state
}

// footprint is what a running node is known to have, to be looked for when it is gone.
type footprint struct {
	dir     string
	groups  []string
	machine map[string]string // before the node was there
}

func footprintOf(t *testing.T, dir string, before map[string]string) footprint {
	t.Helper()
	groups, err := trace.Groups(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := footprint{dir, groups, before}
	for what, left := range map[string]int{"processes": len(processesNaming(t, dir)), "control groups": len(groups)} {
		if left < 3 {
			t.Errorf("%d %s of the running node were noticed: this test cannot fail", left, what)
		}
	}
	return f
}

// remains lists what there is of the node, and what of the machine is not as before.
func (f footprint) remains(t *testing.T) []string {
	t.Helper()
	dir := f.dir
	left, err := trace.MountsBelow(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
		left = append(left, dir)
	}
	for _, pid := range processesNaming(t, dir) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		left = append(left, fmt.Sprintf("process %d: %q %.40s", pid, line, status))
	}
	for _, group := range f.groups {
		if _, err := os.Stat(group); !errors.Is(err, os.ErrNotExist) {
			left = append(left, group)
		}
	}
	for what, now := range machine(t) {
		if now != f.machine[what] {
			left = append(left, fmt.Sprintf("%s: was %s, is %s", what, f.machine[what], now))
		}
	}
	return left
}

// processesNaming finds processes that name dir in their command line or have its files mounted.
func processesNaming(t *testing.T, dir string) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		for _, file := range []string{"cmdline", "mountinfo"} {
			text, _ := os.ReadFile(filepath.Join("/proc", e.Name(), file)) // a process may end under our hands
			if bytes.Contains(text, []byte(dir)) {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}

// awaitNothing gives the keeper time to do its work.
func (f footprint) awaitNothing(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		left := f.remains(t)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind:\n%s", strings.Join(left, "\n"))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// keeperOf is the one process that has dir as its only argument.
func keeperOf(t *testing.T, dir string) int {
	t.Helper()
	for _, pid := range processesNaming(t, dir) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if bytes.HasSuffix(line, []byte("keeper\x00"+dir+"\x00")) {
			return pid
		}
	}
	t.Fatalf("no keeper of %s", dir)
	return 0
}
