//go:build bench

package bench

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// cronJob is cron.sh with a clone that is warm.
type cronJob struct {
	b                         testing.TB
	clone, staging, manifests string
	renames                   *renames
}

func newCronJob(b testing.TB, url string) *cronJob {
	b.Helper()
	dir := b.TempDir()
	c := &cronJob{b: b, clone: filepath.Join(dir, "clone"), staging: filepath.Join(dir, "staging"), manifests: filepath.Join(dir, "manifests")}
	for _, folder := range []string{c.staging, c.manifests} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			b.Fatal(err)
		}
	}
	git(b, dir, "clone", "-q", url, c.clone)
	c.renames = watch(b, c.manifests)
	return c
}

// run returns how long it took until so many files said the text, and the processor time of it all.
func (c *cronJob) run(files int, says string) (took, worked time.Duration) {
	c.b.Helper()
	script := command("sh", "cron.sh", c.clone, fiveOverlay, c.staging, c.manifests)
	script.Stderr = os.Stderr
	script.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	began := time.Now()
	if err := script.Start(); err != nil {
		c.b.Fatal(err)
	}
	over := false
	defer func() {
		if !over { // the benchmark has failed: end what the script has started, too
			_ = syscall.Kill(-script.Process.Pid, syscall.SIGKILL)
			_ = script.Wait()
		}
	}()
	ended := c.renames.untilAll(files, says)
	err := script.Wait()
	over = true
	if err != nil {
		c.b.Fatalf("cron.sh: %v", err)
	}
	return ended.Sub(began), used(script)
}
