package node

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"

	"github.com/perch-gitops/perch/test/node/internal/trace"
)

// checkMachine says all that is missing at once. A test that needs a node fails without one: skipping would hide it.
func checkMachine() error {
	var missing []error
	if os.Geteuid() != 0 {
		missing = append(missing, errors.New("not root: run the tests as root (sudo -E env PATH=$PATH go test …)"))
	}
	for program, hint := range map[string]string{
		"go": "install Go", "bash": "apt-get install bash", "runc": "apt-get install runc",
		"nsenter": "apt-get install util-linux", "mount": "apt-get install mount",
	} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, fmt.Errorf("no %s: %s", program, hint))
		}
	}
	if _, err := os.Stat("/sys/fs/cgroup"); err != nil {
		missing = append(missing, errors.New("no /sys/fs/cgroup: mount the cgroup file system"))
	}
	if err := trace.CheckPlace(os.TempDir()); err != nil {
		missing = append(missing, fmt.Errorf("TMPDIR: %w", err))
	}
	return errors.Join(missing...)
}

// machineIP is the first address of a real interface, or "" on a machine with loopback alone.
func machineIP() (string, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return "", fmt.Errorf("list network interfaces: %w", err)
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addresses, err := i.Addrs()
		if err != nil {
			continue // it went down meanwhile
		}
		for _, a := range addresses {
			if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && ip.IP.IsGlobalUnicast() {
				return ip.IP.String(), nil
			}
		}
	}
	return "", nil
}
