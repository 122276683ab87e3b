package trace

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// covered are folders into which a kubelet or containerd writes whatever its settings say: shim sockets, device plugin
// sockets, log links.
var covered = []string{"/run", "/var/lib", "/var/log"}

// tunables are what a kubelet sets for the whole machine when it starts.
var tunables = []string{
	"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
	"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
}

// CheckPlace returns an error if the node's processes could not see path.
func CheckPlace(path string) error {
	for _, c := range covered {
		if path == c || strings.HasPrefix(path, c+"/") {
			return fmt.Errorf("%s lies below %s, which a node hides from its processes: choose another folder", path, c)
		}
	}
	return nil
}

// isolate prepares the mount namespace we are in, which is the node's own: what its processes write outside dir goes to
// memory, and what they mount goes when the last of them ends.
func isolate(dir string) error {
	for _, c := range covered {
		if err := syscall.Mount("tmpfs", c, "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("cover %s: %w", c, err)
		}
	}
	copies := filepath.Join(dir, "sysctl")
	if err := os.MkdirAll(copies, 0o755); err != nil {
		return err
	}
	for _, name := range tunables {
		if err := decoy(filepath.Join("/proc/sys", name), filepath.Join(copies, filepath.Base(name))); err != nil {
			return fmt.Errorf("shield %s: %w", name, err)
		}
	}
	return nil
}

func decoy(file, copy string) error {
	value, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(copy, value, 0o644); err != nil {
		return err
	}
	return syscall.Mount(copy, file, "", syscall.MS_BIND, "")
}

// MountsBelow lists the mount points of this mount namespace at or below dir, in the order they were mounted.
func MountsBelow(dir string) ([]string, error) {
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var points []string
	for line := range bytes.Lines(info) {
		fields := strings.Fields(string(line))
		if len(fields) < 5 {
			continue
		}
		if point := unescape.Replace(fields[4]); point == dir || strings.HasPrefix(point, dir+"/") {
			points = append(points, point)
		}
	}
	return points, nil
}

var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

func unmountBelow(dir string) error {
	points, err := MountsBelow(dir)
	if err != nil {
		return err
	}
	for _, point := range slices.Backward(points) {
		if err := syscall.Unmount(point, syscall.MNT_DETACH); err != nil && err != syscall.EINVAL && err != syscall.ENOENT {
			return fmt.Errorf("unmount %s: %w", point, err)
		}
	}
	return nil
}
