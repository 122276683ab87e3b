package node

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/perch-gitops/perch/test/node/internal/trace"
)

// keeper is the process that owns the node's mount namespace and takes the node down.
type keeper struct {
	command *exec.Cmd
	stdin   io.Closer
	stderr  *bytes.Buffer
}

func startKeeper(p programs, dir string) (*keeper, error) {
	k := &keeper{command: exec.Command(p.helper("keeper"), dir), stderr: &bytes.Buffer{}}
	k.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Unshareflags: syscall.CLONE_NEWNS}
	k.command.Stderr = k.stderr
	stdin, err := k.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	k.stdin = stdin
	stdout, err := k.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := k.command.Start(); err != nil {
		return nil, fmt.Errorf("start the keeper: %w", err)
	}
	if line, _ := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		return nil, fmt.Errorf("the keeper is not ready: %w", errors.Join(k.stop(), errors.New(line)))
	}
	return k, nil
}

// stop has the node taken down and waits for it.
func (k *keeper) stop() error {
	_ = k.stdin.Close()
	if err := k.command.Wait(); err != nil {
		return fmt.Errorf("keeper: %w: %s", err, k.stderr)
	}
	return nil
}

// process is one of the node's programs. If the test dies, the keeper ends it.
type process struct {
	command *exec.Cmd
	done    chan struct{} // closed when the process has ended
}

// join is a script that enters the node's cgroup, then becomes the program. Children inherit the group, so none escapes.
const join = `echo $$ > "$0" && exec "$@"`

// run starts a program in the node's cgroup and mount namespace, and appends what it says to the file log.
func (n *Node) run(log string, env []string, argv ...string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	namespace := fmt.Sprintf("--mount=/proc/%d/ns/mnt", n.keeper.command.Process.Pid)
	p := &process{
		command: exec.Command("sh", append([]string{"-c", join, trace.ProcsFile(n.Dir), "nsenter", namespace, "--"}, argv...)...),
		done:    make(chan struct{}),
	}
	p.command.Stdout, p.command.Stderr = out, out
	p.command.Env = append(os.Environ(), env...)
	// Ctrl-C is for the test, which then stops us in the right order.
	p.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	go func() {
		_ = p.command.Wait()
		close(p.done)
	}()
	return p, nil
}

// stop asks the process to end, and insists after ten seconds.
func (p *process) stop() {
	if p == nil {
		return
	}
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return
	case <-time.After(10 * time.Second):
	}
	_ = p.command.Process.Kill()
	<-p.done
}

// await returns when ready does not fail any more, or with an error when p ends or the time is up.
func (p *process) await(ctx context.Context, limit time.Duration, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended: %s", p.command.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("not ready in %s: %w", limit, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tail returns the last lines of a file, for error messages.
func tail(file string, lines int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
