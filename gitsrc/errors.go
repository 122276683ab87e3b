package gitsrc

import (
	"errors"
	"fmt"
	"strings"
)

// ErrDamagedCache says that the cache cannot be read: a power cut tore it, or
// somebody removed it. The next Fetch clones it again, so a caller that meets
// it while reading a Commit's FS calls Fetch and starts over.
var ErrDamagedCache = errors.New("git cache is damaged; the next fetch clones it again")

// damageError is ErrDamagedCache with what was found.
type damageError struct{ err error }

func (e *damageError) Error() string        { return ErrDamagedCache.Error() + ": " + e.err.Error() }
func (e *damageError) Is(target error) bool { return target == ErrDamagedCache }
func (e *damageError) Unwrap() error        { return e.err }

// damaged marks err as ErrDamagedCache.
func damaged(err error) error {
	if errors.Is(err, ErrDamagedCache) {
		return err
	}
	return &damageError{err}
}

// errPanic is what a panic in go-git becomes. Hostile or damaged data must not
// stop the agent.
func errPanic(r any) error {
	return fmt.Errorf("git library panicked on this data: %v", r)
}

const maxErrorText = 2000 // bytes; servers put whole web pages into their errors

// shownError is an error whose text is safe to print: no secret, no control
// characters that would confuse a terminal or a log, no endless text.
type shownError struct {
	prefix  string
	err     error
	secrets []string
}

func (e *shownError) Error() string {
	text := e.err.Error()
	for _, secret := range e.secrets {
		text = strings.ReplaceAll(text, secret, "xxxxx")
	}
	return clean(e.prefix+text, maxErrorText)
}

func (e *shownError) Unwrap() error { return e.err }

// clean replaces line ends by spaces, drops other control characters, and cuts
// to limit bytes at the end of a character.
func clean(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case isControl(r) || isInvisible(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.TrimSpace(text)
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-len("…")], "") + "…"
}

// isInvisible reports the characters that reorder or hide text around them: a
// commit's subject must not be able to rewrite the log line it is shown in.
func isInvisible(r rune) bool {
	return (r >= 0x200b && r <= 0x200f) || (r >= 0x2028 && r <= 0x202e) || (r >= 0x2060 && r <= 0x206f) || r == 0xfeff
}
