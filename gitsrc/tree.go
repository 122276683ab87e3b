package gitsrc

import (
	"bytes"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
)

// entry is one name in a tree object.
type entry struct {
	name string
	mode gitMode
	hash plumbing.Hash
}

// gitMode is the mode of a tree entry, as git stores it.
type gitMode uint32

func (m gitMode) format() gitMode { return m & 0o170000 }
func (m gitMode) folder() bool    { return m.format() == 0o040000 }
func (m gitMode) file() bool      { return m.format() == 0o100000 }
func (m gitMode) symlink() bool   { return m.format() == 0o120000 }
func (m gitMode) submodule() bool { return m.format() == 0o160000 }

// content reports whether the entry's hash is that of a blob.
func (m gitMode) content() bool { return m.file() || m.symlink() }

// fsMode is the mode that the read-only file system shows.
func (m gitMode) fsMode() fs.FileMode {
	switch {
	case m.folder():
		return fs.ModeDir | 0o555
	case m.file() && m&0o111 != 0:
		return 0o555
	case m.file():
		return 0o444
	case m.symlink():
		return fs.ModeSymlink | 0o777
	}
	return fs.ModeIrregular
}

// parseTree reads a tree object: "<octal mode> <name>\0<20 bytes>" repeated.
// go-git's own reader accepts what we want to refuse, such as a name that is
// there twice, of which git and a reviewer might see different ones.
func parseTree(data []byte) ([]entry, error) {
	var entries []entry
	names := map[string]bool{}
	for len(data) > 0 {
		head, rest, ok := bytes.Cut(data, []byte{0})
		mode, name, spaced := strings.Cut(string(head), " ")
		bits, err := strconv.ParseUint(mode, 8, 32)
		if !ok || !spaced || err != nil || len(rest) < len(plumbing.Hash{}) {
			return entries, fmt.Errorf("folder is malformed after %d entries", len(entries))
		}
		if names[name] {
			return entries, fmt.Errorf("folder has %q twice", name)
		}
		names[name] = true
		e := entry{name: name, mode: gitMode(bits)}
		data = rest[copy(e.hash[:], rest):]
		entries = append(entries, e)
	}
	return entries, nil
}

// refuseName says what is wrong with a name that this node would not want to
// meet in a path, a log line or an archive; "" when it is plain.
func refuseName(name string) string {
	switch {
	case name == "":
		return "is empty"
	case name == "." || name == "..":
		return "points to another folder"
	case strings.EqualFold(name, ".git"):
		return "is git's own"
	case strings.HasPrefix(name, "/"):
		return "is absolute"
	case strings.ContainsAny(name, `/\`):
		return "contains a slash or backslash"
	case !utf8.ValidString(name):
		return "is not valid UTF-8"
	case strings.ContainsFunc(name, isControl):
		return "contains control characters"
	}
	return ""
}
