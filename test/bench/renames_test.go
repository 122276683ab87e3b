//go:build bench

package bench

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take before a benchmark gives up on it.
const patience = 2 * time.Minute

// renames tells of the files that are renamed into a folder, as the kubelet would learn of them.
type renames struct {
	b      testing.TB
	folder string
	events *os.File
	unread []string
}

func watch(b testing.TB, folder string) *renames {
	b.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		b.Fatal(err)
	}
	w := &renames{b: b, folder: folder, events: os.NewFile(uintptr(fd), "inotify")}
	b.Cleanup(func() { w.events.Close() })
	if _, err := syscall.InotifyAddWatch(fd, folder, syscall.IN_MOVED_TO); err != nil {
		b.Fatal(err)
	}
	return w
}

// next waits for a file to appear under its name, and returns the name.
func (w *renames) next() string {
	w.b.Helper()
	for len(w.unread) == 0 {
		w.read()
	}
	name := w.unread[0]
	w.unread = w.unread[1:]
	return name
}

// read waits for events: a header of 16 bytes, of which the last four say how long the name is that follows.
func (w *renames) read() {
	w.b.Helper()
	if err := w.events.SetReadDeadline(time.Now().Add(patience)); err != nil {
		w.b.Fatal(err)
	}
	buffer := make([]byte, 16<<10)
	n, err := w.events.Read(buffer)
	if err != nil {
		w.b.Fatalf("wait for a file in %s: %v", w.folder, err)
	}
	for rest := buffer[:n]; len(rest) >= syscall.SizeofInotifyEvent; {
		end := syscall.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(rest[12:]))
		name, _, _ := bytes.Cut(rest[syscall.SizeofInotifyEvent:end], []byte{0})
		w.unread = append(w.unread, string(name))
		rest = rest[end:]
	}
}

// untilAll waits until so many files say the text, and returns when the last of them was there.
func (w *renames) untilAll(files int, says string) time.Time {
	w.b.Helper()
	for seen := map[string]bool{}; ; {
		name := w.next()
		at := time.Now()
		if strings.Contains(text(filepath.Join(w.folder, name)), says) {
			seen[name] = true
		}
		if len(seen) == files {
			return at
		}
	}
}
