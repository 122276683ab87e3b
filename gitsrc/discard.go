package gitsrc

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// layout is what a cache of ours has at its top.
var layout = []string{markerFile, "HEAD", "config", "objects", "refs"}

// ours proves that a folder may be removed: it is a cache of ours, though
// perhaps a damaged one. The error is os.ErrNotExist when there is nothing
// to remove, ErrDamagedCache for a file in place of the folder, and any other
// for somebody else's folder.
func ours(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return damaged(fmt.Errorf("%s is a %s in place of the folder", dir, kind(info.Mode())))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return fs.ErrNotExist
	}
	if info, err := os.Lstat(filepath.Join(dir, markerFile)); err == nil && info.Mode().IsRegular() {
		return nil
	}
	// The marker was lost. Only our own caches have nothing but this layout
	// with refs/perch in it.
	for _, e := range entries {
		if !slices.Contains(layout, e.Name()) && !leftover(e.Name()) {
			return errNotOurs(dir, e.Name())
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "refs/perch")); err != nil {
		return errNotOurs(dir, entries[0].Name())
	}
	return nil
}

func errNotOurs(dir, name string) error {
	return fmt.Errorf("cache folder %s is not a cache of perch: it holds %q; nothing was removed: name another folder or empty this one", dir, name)
}

// discard removes a cache of ours, and nothing else. A file in its place is
// moved aside, because it might be somebody's.
func discard(dir string) error {
	switch damage := ours(dir); {
	case errors.Is(damage, fs.ErrNotExist):
		err := os.Remove(dir) // an empty folder
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	case errors.Is(damage, ErrDamagedCache):
		aside := dir + ".not-a-cache"
		if _, err := os.Lstat(aside); err == nil {
			return fmt.Errorf("%w; %s is in the way of moving it aside: remove either", damage, aside)
		}
		return os.Rename(dir, aside)
	case damage != nil:
		return damage
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove the damaged cache: %w", err)
	}
	return nil
}

// sweep removes what interrupted writes left behind, so that it cannot pile
// up: temporary files, lock files of anything that used the repository, and
// indexes whose pack never came.
func sweep(dir string) error {
	for _, sub := range cacheDirs {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			return damaged(err)
		}
		for _, e := range entries {
			path := filepath.Join(dir, sub, e.Name())
			if e.IsDir() || !(leftover(e.Name()) || orphan(path)) {
				continue
			}
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("remove leftover: %w", err)
			}
		}
	}
	return nil
}

func leftover(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "tmp_") || strings.HasSuffix(name, ".lock")
}

func orphan(path string) bool {
	base, isIndex := strings.CutSuffix(path, ".idx")
	if !isIndex {
		return false
	}
	_, err := os.Lstat(base + ".pack")
	return errors.Is(err, fs.ErrNotExist)
}

// checkPackEnds finds truncated packs without reading them: a pack ends with
// the checksum that it is named by.
func checkPackEnds(dir string) error {
	packs, err := filepath.Glob(filepath.Join(dir, packDir, "pack-*.pack"))
	if err != nil {
		return err
	}
	for _, pack := range packs {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(pack), "pack-"), ".pack")
		want, err := hex.DecodeString(name)
		if err != nil {
			return err
		}
		got, err := lastBytes(pack, sha1.Size)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%s is truncated", filepath.Base(pack))
		}
	}
	return nil
}

func lastBytes(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Seek(-n, io.SeekEnd); err != nil {
		return nil, fmt.Errorf("%s is truncated: %w", filepath.Base(path), err)
	}
	return io.ReadAll(f)
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "file"
	case mode&fs.ModeSymlink != 0:
		return "symbolic link to nothing"
	}
	return "special file"
}
