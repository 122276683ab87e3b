//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/perch-gitops/perch/test/node"
)

// rig is a real node, a real Git server, and bin/perch between them.
type rig struct {
	*testing.T
	n      *node.Node
	git    *gitServer
	tl     *node.Timeline
	config string
	agent  *exec.Cmd
	quiet  chan struct{} // closed when the agent's log has ended
}

const binary = "../../bin/perch"

func newRig(t *testing.T, options node.Options) *rig {
	t.Helper()
	r := &rig{T: t, n: node.Start(t, options), git: startGit(t)}
	r.tl = node.NewTimeline(t.Context(), func(format string, args ...any) { // two nodes tell their story at a time
		fmt.Printf("%-6s "+format+"\n", append([]any{options.Name}, args...)...)
	})
	t.Cleanup(r.tl.Close)
	r.config = filepath.Join(t.TempDir(), "perch.yaml")
	config := fmt.Sprintf(`apiVersion: perch/v1alpha1
kind: AgentConfiguration
source: {url: %q, schedule: "@every 2s"}
node: {labels: {node-role.kubernetes.io/control-plane: ""}}
kubelet: {config: %q, flags: [%q]}
runtime: {endpoint: %q}
health: {deadline: 3m, soak: 3s}
state: {dir: %q}
`, r.git.url, r.n.KubeletConfig, r.n.KubeadmFlags, r.n.CRIEndpoint, filepath.Join(t.TempDir(), "state"))
	if err := os.WriteFile(r.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.kill)
	return r
}

// sub is the rig for a part of the test.
func (r *rig) sub(name string, f func(*rig)) {
	r.Helper()
	ok := r.Run(name, func(t *testing.T) {
		inner := *r
		inner.T, inner.git.t = t, t
		inner.tl.Restart()
		inner.tl.Add("test   === %s", name)
		f(&inner)
		inner.stop()
	})
	if !ok {
		r.FailNow() // what follows builds on it
	}
	r.git.t = r.T
}

// start runs the agent, and its log into the timeline.
func (r *rig) start() {
	r.Helper()
	r.agent = exec.Command(binary, "run", "--config", r.config)
	log, err := r.agent.StderrPipe()
	if err != nil {
		r.Fatal(err)
	}
	if err := r.agent.Start(); err != nil {
		r.Fatal(err)
	}
	r.quiet = make(chan struct{})
	go r.followLog(log, r.quiet)
}

func (r *rig) followLog(log io.Reader, done chan<- struct{}) {
	defer close(done)
	for lines := bufio.NewScanner(log); lines.Scan(); {
		var entry map[string]any
		if json.Unmarshal(lines.Bytes(), &entry) != nil {
			r.tl.Add("agent  %s", lines.Text())
			continue
		}
		text := fmt.Sprint(entry["msg"])
		for _, key := range []string{"pod", "wave", "commit", "digest", "outcome", "condemned", "error"} {
			if value, found := entry[key]; found {
				text += fmt.Sprintf(" %s=%v", key, value)
			}
		}
		r.tl.Add("agent  %s", text)
	}
}

// stop ends the agent as systemd would.
func (r *rig) stop() { r.end(syscall.SIGTERM) }

// kill ends the agent as the kernel would.
func (r *rig) kill() { r.end(syscall.SIGKILL) }

func (r *rig) end(with syscall.Signal) {
	if r.agent == nil {
		return
	}
	if err := r.agent.Process.Signal(with); err != nil && !errors.Is(err, os.ErrProcessDone) {
		r.Error(err)
	}
	<-r.quiet
	err := r.agent.Wait()
	if with == syscall.SIGTERM && err != nil {
		r.Errorf("the agent, told to stop: %v", err)
	}
	r.tl.Add("test   the agent ended (%s)", with)
	r.agent = nil
}

// once runs perch once and returns its exit code and what it said.
func (r *rig) once() (int, string) {
	r.Helper()
	command := exec.Command(binary, "once", "--config", r.config)
	said := &strings.Builder{}
	command.Stderr = said
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.Fatal(err)
	}
	done := make(chan struct{})
	r.followLog(strings.NewReader(said.String()), done)
	r.tl.Add("test   perch once exits with %d", command.ProcessState.ExitCode())
	return command.ProcessState.ExitCode(), said.String()
}

// status is what perch status -o json promises to scripts.
type status struct {
	Node      string
	Confirmed *struct{ Commit, Digest, Subject, Time string }
	InFlight  *struct {
		To   struct{ Commit string }
		Back *struct{ Reason string }
	}
	Rejected []struct{ Digest, Commit, Reason, Time string }
	LastSync *struct{ Time, Outcome, Commit, Error string }
}

func (r *rig) status() status {
	r.Helper()
	out, err := exec.Command(binary, "status", "--config", r.config, "-o", "json").Output()
	if err != nil {
		r.Fatal(err)
	}
	var s status
	if err := json.Unmarshal(out, &s); err != nil {
		r.Fatal(err)
	}
	return s
}

// until waits for something to become true, and says what it waits for.
func (r *rig) until(limit time.Duration, what string, is func() bool) {
	r.Helper()
	for deadline := time.Now().Add(limit); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s, _ := json.Marshal(r.status())
			r.Fatalf("not within %s: %s; status %s", limit, what, s)
		}
	}
	r.tl.Add("test   seen: %s", what)
}

func (r *rig) confirmed(commit string) bool {
	s := r.status()
	return s.Confirmed != nil && s.Confirmed.Commit == commit && s.InFlight == nil
}

func (r *rig) rejected(commit string) bool {
	s := r.status()
	return s.InFlight == nil && len(s.Rejected) > 0 && s.Rejected[len(s.Rejected)-1].Commit == commit
}

// pods are the node's Pods by name, without the node's own.
func (r *rig) pods() map[string]corev1.Pod {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 30*time.Second)
	defer cancel()
	all, err := r.n.Pods(ctx)
	if err != nil {
		r.Fatal(err)
	}
	pods := map[string]corev1.Pod{}
	for _, pod := range all {
		pods[strings.TrimSuffix(pod.Name, "-"+r.n.Name)] = pod
	}
	return pods
}

// edit replaces text in a file of the fleet repository.
func (r *rig) edit(file, old, next string) {
	r.Helper()
	path := filepath.Join(r.git.tree, file)
	data, err := os.ReadFile(path)
	if err != nil {
		r.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		r.Fatalf("%s does not contain %q", file, old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), old, next, 1)), 0o644); err != nil {
		r.Fatal(err)
	}
}

// manifests are the bytes in the static Pod folder, of every file in it.
func (r *rig) manifests() map[string]string {
	r.Helper()
	entries, err := os.ReadDir(r.n.ManifestDir)
	if err != nil {
		r.Fatal(err)
	}
	files := map[string]string{}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(r.n.ManifestDir, entry.Name()))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			r.Fatal(err)
		}
		files[entry.Name()] = string(data)
	}
	return files
}
