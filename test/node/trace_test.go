//go:build e2e

package node

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A test that ends badly is played by this test binary itself, run once more with this in its environment.
const doomed = "PERCH_TEST_DOOMED"

func TestMain(m *testing.M) {
	if os.Getenv(doomed) != "" {
		os.Exit(beDoomed())
	}
	os.Exit(m.Run())
}

// TestNodeLeavesNoTrace asks the machine, not the node: mounts, processes, control groups, sysctls and folders are as before.
func TestNodeLeavesNoTrace(t *testing.T) {
	before := machine(t)
	n, err := New(t.Context(), Options{Standalone: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := runPod(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	footprint := footprintOf(t, n.Dir, before)
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	if left := footprint.remains(t); len(left) > 0 {
		t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
	}
}

func TestNodeLeavesNoTraceWhenItsTestIsKilled(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			before := machine(t)
			test, dir := startDoomed(t)
			footprint := footprintOf(t, dir, before)
			if err := test.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			_ = test.Wait()
			footprint.awaitNothing(t)
		})
	}
}

func TestSweepRemovesANodeWhoseKeeperWasKilledToo(t *testing.T) {
	before := machine(t)
	test, dir := startDoomed(t)
	footprint := footprintOf(t, dir, before)
	keeper := keeperOf(t, dir)
	if err := syscall.Kill(keeper, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := test.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = test.Wait()
	for syscall.Kill(keeper, 0) == nil {
		time.Sleep(10 * time.Millisecond) // it is not our child, so we cannot wait for it
	}
	if left := footprint.remains(t); len(left) == 0 {
		t.Error("nothing was left to sweep: this test cannot fail")
	}
	if err := Sweep(); err != nil {
		t.Fatal(err)
	}
	footprint.awaitNothing(t)
}

func TestSweepLeavesALivingNodeAlone(t *testing.T) {
	n := Start(t, Options{Standalone: true})
	if err := Sweep(); err != nil {
		t.Fatal(err)
	}
	if err := runPod(t.Context(), n); err != nil {
		t.Fatal(err)
	}
}

// beDoomed starts a node with a Pod, says where, and waits for its end.
func beDoomed() int {
	n, err := New(context.Background(), Options{Standalone: true})
	if err == nil {
		err = runPod(context.Background(), n)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(n.Dir)
	time.Sleep(time.Minute)
	return 1
}

func startDoomed(t *testing.T) (test *exec.Cmd, dir string) {
	t.Helper()
	test = exec.Command(os.Args[0])
	test.Env = append(os.Environ(), doomed+"=yes")
	test.Stderr = os.Stderr
	out, err := test.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := test.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the doomed test did not start a node: %v", err)
	}
	return test, strings.TrimSpace(line)
}
