package gitsrc

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// find walks from the root to a name, reading the folders on the way alone.
func (t *tree) find(name string) (entry, error) {
	if !fs.ValidPath(name) {
		return entry{}, fs.ErrInvalid
	}
	if int64(len(name)) > t.limits.PathBytes {
		return entry{}, &LimitError{What: "bytes in a path", Limit: t.limits.PathBytes}
	}
	at := t.root
	if name == "." {
		return at, nil
	}
	names := strings.Split(name, "/")
	if int64(len(names)) > t.limits.Depth {
		return entry{}, &LimitError{What: "folders in a path", Limit: t.limits.Depth}
	}
	for i, part := range names {
		upTo := path.Join(names[:i+1]...)
		if why := refuseName(part); why != "" {
			return entry{}, fmt.Errorf("name %q %s", part, why)
		}
		if !at.mode.folder() {
			return entry{}, fs.ErrNotExist
		}
		next, err := t.child(path.Dir(upTo), at, part)
		if err != nil {
			return entry{}, err
		}
		if err := refuseMode(upTo, next.mode); err != nil {
			return entry{}, err
		}
		at = next
	}
	return at, nil
}

func (t *tree) child(dir string, folder entry, name string) (entry, error) {
	entries, err := t.folder(dir, folder.hash)
	if err != nil {
		return entry{}, err
	}
	for _, e := range entries {
		if e.name == name {
			return e, nil
		}
	}
	return entry{}, fs.ErrNotExist
}

// folder returns the entries of one tree object.
func (t *tree) folder(name string, h plumbing.Hash) ([]entry, error) {
	if entries, ok := t.folders[h]; ok {
		return entries, nil
	}
	tooMany := &LimitError{What: "entries in a folder", Path: name, Limit: t.limits.FolderEntries}
	size, err := t.cache.size(h)
	if err != nil {
		return nil, err
	}
	// Mode, hash and a name of 4096 bytes: no honest folder is larger.
	if size/(32+4096) > t.limits.FolderEntries {
		return nil, tooMany
	}
	data, err := t.cache.read(plumbing.TreeObject, h)
	if err != nil {
		return nil, err
	}
	entries, err := parseTree(data)
	if int64(len(entries)) > t.limits.FolderEntries {
		return nil, tooMany
	}
	if err != nil {
		return nil, fmt.Errorf("folder %q: %w", name, err)
	}
	t.folders[h] = entries
	return entries, nil
}

// content reads a file after counting it.
func (t *tree) content(name string, e entry) ([]byte, error) {
	size, err := t.cache.size(e.hash)
	if err != nil {
		return nil, err
	}
	if size > t.limits.FileBytes {
		return nil, &LimitError{What: "bytes in one file", Limit: t.limits.FileBytes}
	}
	if !t.counted[name] {
		if int64(len(t.counted)) >= t.limits.Files {
			return nil, &LimitError{What: "files read of one commit", Limit: t.limits.Files}
		}
		if t.bytes+size > t.limits.TotalBytes {
			return nil, &LimitError{What: "bytes read of one commit", Limit: t.limits.TotalBytes}
		}
		t.counted[name] = true
		t.bytes += size
	}
	return t.cache.read(plumbing.BlobObject, e.hash)
}
