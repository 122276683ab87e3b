//go:build bench

// Package bench measures what the README claims, side by side with what a user would do instead.
//
// Each figure is a median over rounds in which perch and the other take turns, so that a machine that is busy for a while
// is busy for both; a ratio is the median of the rounds' ratios. No time fails a benchmark, however bad. A wrong result
// does.
package bench

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var (
	rounds = flag.Int("rounds", 15, "measure each figure in so many rounds")
	polls  = flag.Int("polls", 3600, "watch the memory of an idle agent for so many polls")
)

// perch is a copy of bin/perch: whoever builds meanwhile must not swap it.
var perch string

// environment is that of everything that runs here: nobody's own Git settings, and kustomize in the PATH.
var environment []string

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := measure(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func measure(m *testing.M) (int, error) {
	work, err := os.MkdirTemp("", "perch-bench-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(work)
	perch = filepath.Join(work, "perch")
	if err := copyProgram("../../bin/perch", perch); err != nil {
		return 1, fmt.Errorf("%w; run make build", err)
	}
	kustomize, err := buildKustomize()
	if err != nil {
		return 1, err
	}
	environment = append(os.Environ(),
		"PATH="+filepath.Dir(kustomize)+string(os.PathListSeparator)+os.Getenv("PATH"),
		"HOME="+work, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=bench", "GIT_AUTHOR_EMAIL=bench@example.com",
		"GIT_COMMITTER_NAME=bench", "GIT_COMMITTER_EMAIL=bench@example.com")
	fmt.Println(machine(work, kustomize))
	return m.Run(), nil
}

func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}

// buildKustomize builds the pinned kustomize command as perch is built, which is what the user of a release gets.
func buildKustomize() (string, error) {
	cache := os.Getenv("PERCH_TEST_CACHE")
	if cache == "" {
		cache = filepath.Join("..", ".cache")
	}
	program, err := filepath.Abs(filepath.Join(cache, "bench", "kustomize"))
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "sigs.k8s.io/kustomize/kustomize/v5")
	build.Dir = "kustomize"
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build kustomize: %w\n%s", err, out)
	}
	return program, nil
}

// command is a program in the environment of the benchmarks.
func command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Env = environment
	return c
}

// run runs a command that must succeed, and returns what it says.
func run(b testing.TB, c *exec.Cmd) string {
	b.Helper()
	out, err := c.CombinedOutput()
	if err != nil {
		b.Fatalf("%s: %v\n%s", strings.Join(c.Args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func git(b testing.TB, dir string, args ...string) string {
	b.Helper()
	return run(b, command("git", append([]string{"-C", dir}, args...)...))
}
