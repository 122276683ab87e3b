//go:build bench

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// processorTime is what a running process has used so far, user and system, of all its threads. It is asked of the
// process's own clock (clock_getcpuclockid(3)), which counts nanoseconds; /proc/PID/stat counts hundredths of a second.
func processorTime(b testing.TB, pid int) time.Duration {
	b.Helper()
	const scheduler = 2 // CPUCLOCK_SCHED of the kernel's posix-timers.h
	clock := ^pid<<3 | scheduler
	var now syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&now)), 0); errno != 0 {
		b.Fatalf("read the clock of process %d: %v", pid, errno)
	}
	return time.Duration(now.Nano())
}

// used is the processor time of a command that has ended, and of the processes that it waited for.
func used(c *exec.Cmd) time.Duration { return c.ProcessState.UserTime() + c.ProcessState.SystemTime() }

// footprint is what a process holds.
type footprint struct {
	resident, peak float64 // MiB
	threads, files int
}

func (f footprint) String() string {
	return fmt.Sprintf("%.1f MiB resident (at most %.1f), %d threads, %d open files", f.resident, f.peak, f.threads, f.files)
}

func footprintOf(b testing.TB, pid int) footprint {
	b.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		b.Fatal(err)
	}
	status := text(fmt.Sprintf("/proc/%d/status", pid))
	return footprint{
		resident: float64(statusField(b, status, "VmRSS")) / 1024,
		peak:     float64(statusField(b, status, "VmHWM")) / 1024,
		threads:  statusField(b, status, "Threads"),
		files:    len(files),
	}
}

// statusField reads a number of /proc/PID/status; those of memory are in KiB.
func statusField(b testing.TB, status, name string) int {
	b.Helper()
	for line := range strings.Lines(status) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != name+":" {
			continue
		}
		n, err := strconv.Atoi(words[1])
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	b.Fatalf("there is no %s in the status of the process", name)
	return 0
}
