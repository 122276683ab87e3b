package gitsrc

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"time"
)

var (
	errFolder    = errors.New("is a folder")
	errNotFolder = errors.New("is not a folder")
)

// refuseMode lets plain files and folders pass.
func refuseMode(name string, mode gitMode) error {
	switch {
	case mode.file(), mode.folder():
		return nil
	case mode.symlink():
		return fmt.Errorf("%q is a symbolic link, and links are not followed; commit the file itself", name)
	case mode.submodule():
		return fmt.Errorf("%q is a submodule, and submodules are not fetched; commit the files themselves", name)
	}
	return fmt.Errorf("%q has the unknown mode %o", name, uint32(mode))
}

// info is fs.FileInfo.
type info struct {
	name string
	size int64
	mode fs.FileMode
	time time.Time
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return i.time }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }

func (t *tree) info(e entry, size int64) info {
	return info{name: e.name, size: size, mode: e.mode.fsMode(), time: t.time}
}

// measure describes an entry, asking the store for a file's size alone.
func (t *tree) measure(e entry) (fs.FileInfo, error) {
	if !e.mode.file() {
		return t.info(e, 0), nil
	}
	size, err := t.cache.size(e.hash)
	if err != nil {
		return nil, err
	}
	return t.info(e, size), nil
}

// list makes a folder's entries fs.DirEntry. One name that is not plain spoils
// the listing: whoever walks it would pass the name on.
func (t *tree) list(name string, folder entry) ([]fs.DirEntry, error) {
	entries, err := t.folder(name, folder.hash)
	if err != nil {
		return nil, err
	}
	list := make([]fs.DirEntry, 0, len(entries))
	for _, e := range entries {
		if why := refuseName(e.name); why != "" {
			return nil, fmt.Errorf("name %q in folder %q %s", e.name, name, why)
		}
		list = append(list, dirEntry{t, path.Join(name, e.name), e})
	}
	// Git sorts folders as if their names ended with a slash; fs.ReadDirFS
	// wants plain order.
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return list, nil
}

// dirEntry is fs.DirEntry. It measures a file when asked, not before.
type dirEntry struct {
	tree *tree
	path string
	entry
}

func (d dirEntry) Name() string      { return d.name }
func (d dirEntry) IsDir() bool       { return d.mode.folder() }
func (d dirEntry) Type() fs.FileMode { return d.mode.fsMode().Type() }
func (d dirEntry) String() string    { return fs.FormatDirEntry(d) }

func (d dirEntry) Info() (fs.FileInfo, error) {
	d.tree.mu.Lock()
	defer d.tree.mu.Unlock()
	info, err := d.tree.measure(d.entry)
	return info, pathError("stat", d.path, err)
}

// openFile is a file in memory. It embeds bytes.Reader for Seek and ReadAt.
type openFile struct {
	*bytes.Reader
	info info
}

func newOpenFile(i info, data []byte) *openFile { return &openFile{bytes.NewReader(data), i} }

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

// openFolder is fs.ReadDirFile.
type openFolder struct {
	info info
	list []fs.DirEntry
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFolder) Close() error               { return nil }
func (f *openFolder) Read([]byte) (int, error)   { return 0, pathError("read", f.info.name, errFolder) }

func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		rest := f.list
		f.list = nil
		return rest, nil
	}
	if len(f.list) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.list))
	page := f.list[:n]
	f.list = f.list[n:]
	return page, nil
}
