package trace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const cgroupMount = "/sys/fs/cgroup"

// Processes are found by the control groups they are in, whoever their parent is by then: names and command lines may be
// anybody's. The node's programs, and the shims they start, are in a group of the node's own. Its containers are where
// containerd puts those of all its kind, in groups that bear their ids.

// ProcsFile is where a process writes its id to become one of the node in dir.
func ProcsFile(dir string) string {
	return filepath.Join(trackingHierarchy(), programGroup(dir), "cgroup.procs")
}

func programGroup(dir string) string { return filepath.Base(dir) }

// containerGroups are those of the containers whose tasks containerd has not deleted.
func containerGroups(dir string) []string {
	tasks, err := os.ReadDir(filepath.Join(StateDir(dir), "io.containerd.runtime.v2.task", "k8s.io"))
	if err != nil {
		return nil // containerd never ran
	}
	var groups []string
	for _, task := range tasks {
		groups = append(groups, filepath.Join("k8s.io", task.Name()))
	}
	return groups
}

// StateDir is the folder for containerd's state.
func StateDir(dir string) string { return filepath.Join(dir, "containerd-state") }

// trackingHierarchy is the one hierarchy we read processes from; runc puts containers into all of them.
func trackingHierarchy() string {
	for _, h := range []string{cgroupMount + "/pids", cgroupMount + "/systemd"} {
		if _, err := os.Stat(h); err == nil {
			return h
		}
	}
	return cgroupMount
}

// hierarchies are the folders below which a cgroup of ours may lie: one for cgroup v2, one a controller for v1.
func hierarchies() ([]string, error) {
	if trackingHierarchy() == cgroupMount {
		return []string{cgroupMount}, nil
	}
	return filepath.Glob(cgroupMount + "/*")
}

// killAll ends all processes of the node in dir, and returns when none is left. The programs go first: nobody can start another
// container then.
func killAll(ctx context.Context, dir string) error {
	if err := killGroup(ctx, programGroup(dir)); err != nil {
		return err
	}
	for _, group := range containerGroups(dir) {
		if err := killGroup(ctx, group); err != nil {
			return err
		}
	}
	return nil
}

func killGroup(ctx context.Context, group string) error {
	for {
		pids, err := processes(filepath.Join(trackingHierarchy(), group))
		if err != nil || len(pids) == 0 {
			return err
		}
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
				return fmt.Errorf("kill process %d: %w", pid, err)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("processes %v outlive SIGKILL: %w", pids, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func processes(top string) ([]int, error) {
	var pids []int
	for _, dir := range tree(top) {
		procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the group vanished between the walk and the read
		}
		if err != nil {
			return nil, err
		}
		for _, field := range strings.Fields(string(procs)) {
			pid, err := strconv.Atoi(field)
			if err != nil {
				return nil, fmt.Errorf("read %s/cgroup.procs: %w", dir, err)
			}
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// tree lists top and all folders below it, parents first. Groups come and go, so what cannot be read is left out.
func tree(top string) []string {
	var dirs []string
	_ = filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	return dirs
}

// removeGroups removes what killAll has emptied. The kernel frees a group a moment after its last process, hence the tries.
func removeGroups(ctx context.Context, dir string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	groups := append(containerGroups(dir), programGroup(dir))
	for {
		var left error
		for _, h := range all {
			for _, group := range groups {
				left = errors.Join(left, removeTree(filepath.Join(h, group)))
			}
			_ = os.Remove(filepath.Join(h, "k8s.io")) // fails while another node has containers
		}
		if left == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return left
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func removeTree(top string) (left error) {
	for _, group := range slices.Backward(tree(top)) {
		if err := os.Remove(group); err != nil && !errors.Is(err, fs.ErrNotExist) {
			left = errors.Join(left, err)
		}
	}
	return left
}

// Groups lists the control groups that the node in dir has now. Once its folder is gone it can only find those of the programs.
func Groups(dir string) ([]string, error) {
	all, err := hierarchies()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, h := range all {
		for _, group := range append(containerGroups(dir), programGroup(dir)) {
			found = append(found, tree(filepath.Join(h, group))...)
		}
	}
	return found, nil
}
