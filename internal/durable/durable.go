// Package durable changes files so that a power cut leaves the old state or the new one, never something between.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/google/renameio/v2"
)

// filePerm keeps manifests and state readable by their owner alone, as kubeadm keeps its manifests.
const filePerm = 0o600

// WriteFile replaces path with data by one rename(2) and returns once both the content and the name are on the disk.
//
// The temporary file lies in the same folder, since a rename into a bind mount fails with EXDEV even within one file
// system, and its name starts with a dot, since the kubelet reads every other name.
func WriteFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	file, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithStaticPermissions(filePerm))
	if err != nil {
		return err
	}
	defer file.Cleanup() //nolint:errcheck // a no-op after the rename; before it, the first error is the one to report
	if _, err := file.Write(data); err != nil {
		return err
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return SyncDir(dir)
}

// Remove deletes path and returns once its absence is on the disk. A file that is gone already is no error.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir puts the names in a folder on the disk. rename(2) and unlink(2) alone survive a crash of the process, not of
// the machine, and renameio leaves this step to its caller.
func SyncDir(dir string) error {
	handle, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer handle.Close() //nolint:errcheck // opened for reading: nothing is lost
	if err := handle.Sync(); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}

// Sweep removes the temporary files that a killed WriteFile of one of names left in dir.
func Sweep(dir string, names ...string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		for _, name := range names {
			if !entry.Type().IsRegular() || !isTemporary(entry.Name(), name) {
				continue
			}
			if err := Remove(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

var digits = regexp.MustCompile(`^[0-9]+$`)

// isTemporary reports whether entry is renameio's name for a file that was to become name: ".etcd.yaml" and a random
// number. An editor's ".etcd.yaml.swp" is not.
func isTemporary(entry, name string) bool {
	prefix := "." + name
	return len(entry) > len(prefix) && entry[:len(prefix)] == prefix && digits.MatchString(entry[len(prefix):])
}
