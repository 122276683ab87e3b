package render

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// source reads the tree: each file once, regular files only, never through a symbolic
// link, and never more than the limits.
//
// Its errors are either badInput, which is the repository's fault, or the tree's own.
type source struct {
	ctx    context.Context
	tree   fs.FS
	limits limits
	files  map[string][]byte
	kinds  map[string]fs.FileMode
	lists  map[string]map[string]fs.FileMode
	bytes  int64
}

func newSource(ctx context.Context, tree fs.FS, l limits) *source {
	return &source{ctx: ctx, tree: tree, limits: l, files: map[string][]byte{},
		kinds: map[string]fs.FileMode{".": fs.ModeDir}, lists: map[string]map[string]fs.FileMode{}}
}

// badInput is an error that is the repository's fault.
type badInput string

func (e badInput) Error() string { return string(e) }

// kind returns the type of what is at a path; errors.Is(err, fs.ErrNotExist) where nothing is.
// Every folder on the way is looked at, so that no link is followed.
func (s *source) kind(name string) (fs.FileMode, error) {
	if mode, ok := s.kinds[name]; ok {
		return mode, nil
	}
	if !fs.ValidPath(name) {
		return 0, badInput(fmt.Sprintf("%q is no path inside the repository", name))
	}
	parent, err := s.kind(path.Dir(name))
	if err != nil {
		return 0, err
	}
	if !parent.IsDir() {
		return 0, fs.ErrNotExist
	}
	mode, err := s.lookup(name)
	if err != nil {
		return 0, err
	}
	switch mode = mode.Type(); {
	case mode&fs.ModeSymlink != 0:
		return 0, badInput(fmt.Sprintf("%q is a symbolic link; links are not followed: put the file there instead", name))
	case !mode.IsDir() && !mode.IsRegular():
		return 0, badInput(fmt.Sprintf("%q is neither a file nor a folder", name))
	}
	s.kinds[name] = mode
	return mode, nil
}

// lookup asks the tree without following a link: by Lstat, or by the listing of the folder.
func (s *source) lookup(name string) (fs.FileMode, error) {
	if err := context.Cause(s.ctx); err != nil {
		return 0, err
	}
	if t, ok := s.tree.(fs.ReadLinkFS); ok {
		info, err := t.Lstat(name)
		if err != nil {
			return 0, err
		}
		return info.Mode(), nil
	}
	dir := path.Dir(name)
	if _, ok := s.lists[dir]; !ok {
		entries, err := fs.ReadDir(s.tree, dir)
		if err != nil {
			return 0, err
		}
		s.lists[dir] = make(map[string]fs.FileMode, len(entries))
		for _, e := range entries {
			s.lists[dir][e.Name()] = e.Type()
		}
	}
	mode, ok := s.lists[dir][path.Base(name)]
	if !ok {
		return 0, fs.ErrNotExist
	}
	return mode, nil
}

// read returns a file's content.
func (s *source) read(name string) ([]byte, error) {
	if data, ok := s.files[name]; ok {
		return data, nil
	}
	mode, err := s.kind(name)
	if err != nil {
		return nil, err
	}
	if mode.IsDir() {
		return nil, badInput(fmt.Sprintf("%q is a folder, not a file", name))
	}
	if len(s.files) >= s.limits.files {
		return nil, badInput(fmt.Sprintf("needs more than %d files", s.limits.files))
	}
	f, err := s.tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	left := s.limits.bytes - s.bytes
	data, err := io.ReadAll(io.LimitReader(f, left+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > left {
		return nil, badInput(fmt.Sprintf("needs more than %d bytes of files", s.limits.bytes))
	}
	s.bytes += int64(len(data))
	s.files[name] = data
	return data, nil
}

// blame turns an error that is the repository's fault into words, and says whether it is one.
func blame(name string, err error) (string, bool) {
	var bad badInput
	switch {
	case errors.As(err, &bad):
		return string(bad), true
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("there is no %q in the repository", name), true
	}
	return "", false
}
