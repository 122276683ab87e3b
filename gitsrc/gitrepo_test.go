package gitsrc_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repo is a repository with a work tree, made by the git binary.
type repo struct {
	t   testing.TB
	dir string
}

func newRepo(t testing.TB) *repo {
	t.Helper()
	r := &repo{t, filepath.Join(t.TempDir(), "fleet")}
	if err := os.Mkdir(r.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r.git("init", "-q", "-b", "main")
	r.git("config", "gc.auto", "0")
	return r
}

// git runs git in the work tree and returns what it printed.
func (r *repo) git(args ...string) string {
	r.t.Helper()
	return r.gitIn("", args...)
}

func (r *repo) gitIn(stdin string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command(gitBinary, args...)
	cmd.Dir = r.dir
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), gitEnv...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// gitBinary is found before any test changes PATH.
var gitBinary, _ = exec.LookPath("git")

var gitEnv = []string{
	"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
	"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com",
	"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com",
}

// commit writes one file, commits it, and returns the commit's hash.
func (r *repo) commit(name, content string) string {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
	r.git("add", "-A")
	r.git("commit", "-q", "-m", "Write "+name)
	return r.git("rev-parse", "HEAD")
}

// commitTree commits a tree object, whatever is in it, to main.
func (r *repo) commitTree(tree string) string {
	r.t.Helper()
	hash := r.git("commit-tree", "-m", "A crafted tree", tree)
	r.git("update-ref", "refs/heads/main", hash)
	return hash
}

// blob stores a file's content and returns its hash.
func (r *repo) blob(content string) string {
	r.t.Helper()
	return r.gitIn(content, "hash-object", "-w", "--stdin")
}

// rawTree stores a tree object that git mktree would refuse.
func (r *repo) rawTree(entries ...rawEntry) string {
	r.t.Helper()
	var b strings.Builder
	for _, e := range entries {
		hash := make([]byte, 20)
		for i := range hash {
			hash[i] = unhex(e.hash[2*i])<<4 | unhex(e.hash[2*i+1])
		}
		b.WriteString(e.mode + " " + e.name + "\x00" + string(hash))
	}
	return r.gitIn(b.String(), "hash-object", "-t", "tree", "--literally", "-w", "--stdin")
}

type rawEntry struct{ mode, name, hash string }

func unhex(c byte) byte { return byte(strings.IndexByte("0123456789abcdef", c)) }

// blobless returns a line that does not compress.
func (r *repo) blobless(i int) string {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return fmt.Sprintf("%d %x\n", i, b)
}
