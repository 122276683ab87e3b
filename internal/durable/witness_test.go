package durable_test

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/perch-gitops/perch/internal/durable"
)

// An observer that sees everything, as the kubelet does, must see a name come once and then only be replaced: no moment
// without it, no write to it, no other name that does not start with a dot.
func TestToAnObserverAReplacedFileIsNeverGoneAndNeverHalf(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "etcd.yaml")
	if err := durable.WriteFile(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd) //nolint:errcheck // the test is over
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_ALL_EVENTS&^(unix.IN_OPEN|unix.IN_ACCESS|unix.IN_CLOSE_NOWRITE)); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"two", "three"} {
		if err := durable.WriteFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	moves := 0
	for _, e := range events(t, fd) {
		switch {
		case strings.HasPrefix(e.name, "."):
		case e.name == "etcd.yaml" && e.mask == unix.IN_MOVED_TO:
			moves++
		default:
			t.Errorf("the observer saw event %#x on %q", e.mask, e.name)
		}
	}
	if moves != 2 {
		t.Errorf("%d renames, want 2", moves)
	}
}

type event struct {
	mask uint32
	name string
}

// events decodes what has happened by now; struct inotify_event has a fixed head of 16 bytes (inotify(7)).
func events(t *testing.T, fd int) []event {
	t.Helper()
	buffer := make([]byte, 64<<10)
	n, err := unix.Read(fd, buffer)
	if err != nil && !errors.Is(err, unix.EAGAIN) {
		t.Fatal(err)
	}
	var all []event
	for at := 0; at+unix.SizeofInotifyEvent <= n; {
		length := int(binary.NativeEndian.Uint32(buffer[at+12:]))
		name := strings.TrimRight(string(buffer[at+unix.SizeofInotifyEvent:at+unix.SizeofInotifyEvent+length]), "\x00")
		all = append(all, event{binary.NativeEndian.Uint32(buffer[at+4:]), name})
		at += unix.SizeofInotifyEvent + length
	}
	return all
}
