//go:build bench

package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// lastSync is the record of the agent that it replaces at the end of each look at Git.
const lastSync = "last-sync.json"

// installation is a node's configuration, its state and its staticPodPath, without a kubelet: there is no health to wait
// for.
type installation struct {
	b                        testing.TB
	config, state, manifests string
}

// install makes a node that has nothing yet. The schedule is one that never comes: a benchmark asks for each look.
func install(b testing.TB, url, node string) installation {
	b.Helper()
	dir := b.TempDir()
	i := installation{b, filepath.Join(dir, "perch.yaml"), filepath.Join(dir, "state"), filepath.Join(dir, "manifests")}
	for _, folder := range []string{i.state, i.manifests} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			b.Fatal(err)
		}
	}
	write(b, i.config, fmt.Sprintf(`apiVersion: perch/v1alpha1
kind: AgentConfiguration
source: {url: %q, ref: main, schedule: "@every 24h"}
node: {name: %q}
kubelet: {staticPodPath: %q}
health: {mode: none}
state: {dir: %q}
`, url, node, i.manifests, i.state))
	return i
}

// expect fails if the last look at Git did not end like this.
func (i installation) expect(outcome string) {
	i.b.Helper()
	record := text(filepath.Join(i.state, lastSync))
	var last struct{ Outcome, Error string }
	if err := json.Unmarshal([]byte(record), &last); err != nil {
		i.b.Fatalf("read what the agent did: %v\n%s", err, record)
	}
	if last.Outcome != outcome {
		i.b.Fatalf("the outcome is %s, want %s: %s", last.Outcome, outcome, last.Error)
	}
}

// once runs `perch once` and returns the command, which has ended.
func (i installation) once(outcome string) *exec.Cmd {
	i.b.Helper()
	c := command(perch, "once", "--config", i.config)
	run(i.b, c)
	i.expect(outcome)
	return c
}

// agent is a running `perch run`.
type agent struct {
	installation
	pid   int
	syncs *renames
}

// start starts an agent and waits until it has looked at Git for the first time.
func start(b testing.TB, url, node string) *agent {
	b.Helper()
	a := &agent{installation: install(b, url, node)}
	a.syncs = watch(b, a.state)
	log, err := os.Create(filepath.Join(filepath.Dir(a.config), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	c := command(perch, "run", "--config", a.config)
	c.Stderr = log
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also when a timeout ends the benchmarks
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	a.pid = c.Process.Pid
	b.Cleanup(func() {
		if b.Failed() {
			lines := strings.SplitAfter(text(log.Name()), "\n")
			b.Logf("the end of the agent's log:\n%s", strings.Join(lines[max(0, len(lines)-20):], ""))
		}
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	a.await("Confirmed")
	return a
}

// ask makes the agent look at Git.
func (a *agent) ask() {
	a.b.Helper()
	if err := syscall.Kill(a.pid, syscall.SIGUSR1); err != nil {
		a.b.Fatal(err)
	}
}

// await waits for the end of a look at Git, and for its outcome.
func (a *agent) await(outcome string) {
	a.b.Helper()
	for a.syncs.next() != lastSync {
	}
	a.expect(outcome)
}

func write(b testing.TB, path, content string) {
	b.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		b.Fatal(err)
	}
}
