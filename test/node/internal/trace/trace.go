// Package trace makes sure that a test node leaves none: no process, mount, cgroup or file, however its test ends.
//
// Each node has a keeper, a small process in a session of its own that owns the node's mount namespace and holds a lock in its
// folder. When the test closes the keeper's standard input, by word or by dying, the keeper takes the node down. Sweep does
// it for keepers that were killed themselves.
package trace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// Pattern is how node folders in os.TempDir() are called. The name is short, because it prefixes the paths of sockets,
	// which may have 107 bytes.
	Pattern  = "perch-node-*"
	lockName = "lock"
	patience = 20 * time.Second
)

// Keep is the keeper's life. It must run as root in a mount namespace of its own. It writes one line to ready when the
// namespace can be joined, and returns when the node is gone.
func Keep(dir string, owner io.Reader, ready io.Writer) error {
	lock, err := lockNew(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := os.MkdirAll(filepath.Dir(ProcsFile(dir)), 0o755); err != nil {
		return errors.Join(fmt.Errorf("make the cgroup: %w", err), remove(dir))
	}
	if err := isolate(dir); err != nil {
		return errors.Join(err, remove(dir))
	}
	fmt.Fprintln(ready, "ready")
	_, _ = io.Copy(io.Discard, owner) // until the owner closes it or dies
	return remove(dir)
}

// Sweep takes down the nodes in parent whose keeper is dead. Nodes in use are left alone.
func Sweep(parent string) error {
	dirs, err := filepath.Glob(filepath.Join(parent, Pattern))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		err = errors.Join(err, sweep(dir))
	}
	return err
}

func sweep(dir string) error {
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return sweepNewborn(dir)
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil // its keeper lives
	}
	return remove(dir)
}

// sweepNewborn removes a folder whose keeper never came to lock it.
func sweepNewborn(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || time.Since(info.ModTime()) < time.Minute {
		return nil
	}
	return remove(dir)
}

// lockNew puts a lock into dir that is held from the instant it can be seen.
func lockNew(dir string) (*os.File, error) {
	hidden := filepath.Join(dir, ".lock")
	lock, err := os.OpenFile(hidden, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return lock, os.Rename(hidden, filepath.Join(dir, lockName))
}

// remove is the way down. Its steps are in the only order that works: what runs holds mounts and groups, mounts hold files.
func remove(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := killAll(ctx, dir); err != nil {
		return fmt.Errorf("take down %s: %w", dir, err)
	}
	if err := unmountBelow(dir); err != nil {
		return fmt.Errorf("take down %s: %w", dir, err)
	}
	return errors.Join(removeGroups(ctx, dir), os.RemoveAll(dir))
}
