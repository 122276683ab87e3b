package gitsrc

import (
	"io"
	"strings"
	"sync"
)

// shellQuote quotes a path the way git does for the shell of an SSH server.
func shellQuote(s string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(s) + "'"
}

// firstBytes keeps the first KiB that is written to it.
type firstBytes struct {
	mu   sync.Mutex
	text []byte
}

func (b *firstBytes) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	room := 1024 - len(b.text)
	b.text = append(b.text, p[:min(room, len(p))]...)
	return len(p), nil
}

func (b *firstBytes) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimSpace(string(b.text))
}

// stopper releases the watch on a context when the reading is over.
type stopper struct {
	io.Reader
	stop func()
}

func (s stopper) Close() error {
	s.stop()
	return nil
}
