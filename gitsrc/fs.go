package gitsrc

import (
	"io/fs"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// tree is the read-only file system of one commit.
type tree struct {
	cache  *cache
	root   entry
	time   time.Time
	limits Limits

	mu      sync.Mutex // go-git's store must be read by one at a time
	folders map[plumbing.Hash][]entry
	counted map[string]bool // the files that count towards the limits
	bytes   int64
}

var (
	_ fs.ReadFileFS = (*tree)(nil)
	_ fs.ReadDirFS  = (*tree)(nil)
	_ fs.StatFS     = (*tree)(nil)
)

func newTree(c *cache, o *object.Commit, limits Limits) *tree {
	return &tree{
		cache:   c,
		root:    entry{name: ".", mode: 0o040000, hash: o.TreeHash},
		time:    o.Committer.When,
		limits:  limits,
		folders: map[plumbing.Hash][]entry{},
		counted: map[string]bool{},
	}
}

// Open opens a file, whose content it reads, or a folder.
func (t *tree) Open(name string) (fs.File, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, err := t.find(name)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	if e.mode.folder() {
		list, err := t.list(name, e)
		if err != nil {
			return nil, pathError("open", name, err)
		}
		return &openFolder{info: t.info(e, 0), list: list}, nil
	}
	data, err := t.content(name, e)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return newOpenFile(t.info(e, int64(len(data))), data), nil
}

// ReadFile returns a file's content.
func (t *tree) ReadFile(name string) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, err := t.find(name)
	if err == nil && e.mode.folder() {
		err = errFolder
	}
	if err != nil {
		return nil, pathError("read", name, err)
	}
	data, err := t.content(name, e)
	return data, pathError("read", name, err)
}

// ReadDir lists a folder, sorted by name.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, err := t.find(name)
	if err == nil && !e.mode.folder() {
		err = errNotFolder
	}
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	list, err := t.list(name, e)
	return list, pathError("readdir", name, err)
}

// Stat describes a file or folder without reading its content.
func (t *tree) Stat(name string) (fs.FileInfo, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, err := t.find(name)
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	info, err := t.measure(e)
	return info, pathError("stat", name, err)
}

// pathError names the file once: a LimitError learns it here.
func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	if limit, ok := err.(*LimitError); ok && limit.Path == "" {
		limit.Path = name
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}
