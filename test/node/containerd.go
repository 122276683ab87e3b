package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// StartContainerd starts containerd and waits until its CRI answers. Containers that ran when it stopped are found again.
func (n *Node) StartContainerd(ctx context.Context) (err error) {
	path := "PATH=" + filepath.Dir(n.programs.containerd()) + ":" + os.Getenv("PATH") // for the shim
	n.containerd, err = n.run(n.ContainerdLog, []string{path}, n.programs.containerd(), "--config", filepath.Join(n.Dir, "containerd.toml"))
	if err != nil {
		return err
	}
	if err := n.containerd.await(ctx, time.Minute, n.criReady); err != nil {
		return fmt.Errorf("start containerd: %w", err)
	}
	return nil
}

// StopContainerd stops containerd; containers run on.
func (n *Node) StopContainerd() { n.containerd.stop() }
