package gitsrc_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/perch-gitops/perch/gitsrc"
)

// places serve a repository in every way that a URL can name.
var places = map[string]func(t *testing.T, r *repo) (string, func(*gitsrc.Config)){
	"smart HTTP": func(t *testing.T, r *repo) (string, func(*gitsrc.Config)) {
		return serve(t, r).url(), func(*gitsrc.Config) {}
	},
	"SSH": func(t *testing.T, r *repo) (string, func(*gitsrc.Config)) {
		d := startSSHD(t)
		return d.url(r.dir), func(c *gitsrc.Config) { c.Auth = d.auth }
	},
	"a path with a .git folder": func(t *testing.T, r *repo) (string, func(*gitsrc.Config)) {
		noGitBinary(t)
		return r.dir, func(*gitsrc.Config) {}
	},
	"the path of a bare repository": func(t *testing.T, r *repo) (string, func(*gitsrc.Config)) {
		noGitBinary(t)
		return filepath.Join(r.dir, ".git"), func(*gitsrc.Config) {}
	},
	"file://": func(t *testing.T, r *repo) (string, func(*gitsrc.Config)) {
		noGitBinary(t)
		return "file://" + r.dir, func(*gitsrc.Config) {}
	},
}

// noGitBinary hides git from the code under test; the tests looked theirs up
// before.
func noGitBinary(t *testing.T) {
	t.Setenv("PATH", "/nonexistent")
}

func TestTheBranchIsFollowed(t *testing.T) {
	for name, place := range places {
		t.Run("over "+name, func(t *testing.T) {
			r := newRepo(t)
			first := r.commit("a.yaml", "one\n")
			url, change := place(t, r)
			s, cfg := source(t, url, change)

			wantCommit(t, fetch(t, s), first)
			second := r.commit("dir/b.yaml", "two\n")
			c := fetch(t, s)
			wantCommit(t, c, second)
			wantFile(t, c, "a.yaml", "one\n")
			wantFile(t, c, "dir/b.yaml", "two\n")

			r.git("reset", "-q", "--hard", first)
			wantCommit(t, fetch(t, s), first) // moved back
			wantFile(t, fetch(t, s), "a.yaml", "one\n")

			other := r.commit("a.yaml", "another history\n")
			wantCommit(t, fetch(t, s), other) // and elsewhere
			r.git("checkout", "-q", "--orphan", "fresh")
			unrelated := r.commit("a.yaml", "no common history\n")
			r.git("branch", "-f", "main", "HEAD")
			r.git("reflog", "expire", "--expire=now", "--all")
			r.git("gc", "-q", "--prune=now") // the server forgets what we have
			c = fetch(t, s)
			wantCommit(t, c, unrelated)
			wantFile(t, c, "a.yaml", "no common history\n")

			again, err := gitsrc.New(cfg) // a new process
			if err != nil {
				t.Fatal(err)
			}
			wantCommit(t, fetch(t, again), unrelated)
			fsck(t, cfg.Dir)
		})
	}
}

// fsck lets git judge the cache.
func fsck(t *testing.T, dir string) {
	t.Helper()
	r := &repo{t, dir}
	r.git("--git-dir", dir, "fsck", "--strict")
}

func wantFile(t *testing.T, c *gitsrc.Commit, name, content string) {
	t.Helper()
	got, err := fs.ReadFile(c.FS(), name)
	if err != nil || string(got) != content {
		t.Fatalf("%s is %q, %v; want %q", name, got, err, content)
	}
}

func TestOnlyTheOneBranchIsFetched(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "one\n")
	r.git("tag", "v1")
	r.git("checkout", "-q", "-b", "other")
	secret := r.commit("b.yaml", "not asked for\n")
	r.git("checkout", "-q", "main")
	s, cfg := source(t, serve(t, r).url())
	fetch(t, s)
	cache := &repo{t, cfg.Dir}
	if refs := cache.git("for-each-ref", "--format=%(refname)"); refs != "refs/perch/tip" {
		t.Errorf("the cache has the refs %q", refs)
	}
	if objects := cache.git("cat-file", "--batch-all-objects", "--batch-check"); strings.Contains(objects, secret) {
		t.Errorf("the cache has the other branch's commit")
	}
}

func TestABranchThatIsNotThere(t *testing.T) {
	r := newRepo(t)
	empty := serve(t, r).url()
	s, _ := source(t, empty)
	fetchError(t, s, empty, "refs/heads/main", "empty")
	s, _ = source(t, r.dir)
	fetchError(t, s, r.dir, "refs/heads/main", "empty")

	r.commit("a.yaml", "one\n")
	for _, url := range []string{empty, r.dir} {
		s, _ := source(t, url, func(c *gitsrc.Config) { c.Ref = "prod" })
		fetchError(t, s, "fetch "+url+" prod: ", "refs/heads/prod", "its branches are main")
	}
	s, _ = source(t, filepath.Dir(r.dir))
	fetchError(t, s, "is not a git repository")
}

func TestVerifyDecides(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "one\n")
	refusal := errors.New("nobody signed this")
	var asked []string
	answer := error(nil)
	s, _ := source(t, r.dir, func(c *gitsrc.Config) {
		c.Verify = func(_ context.Context, o *object.Commit) error {
			asked = append(asked, o.Hash.String())
			return answer
		}
	})
	c := fetch(t, s)
	answer = refusal
	err := fetchError(t, s, "verify commit "+c.Hash, "nobody signed this")
	if !errors.Is(err, refusal) {
		t.Errorf("the refusal is lost in %v", err)
	}
	if len(asked) != 2 {
		t.Errorf("verify was asked %d times, want once a fetch: an answer may change", len(asked))
	}
	answer = nil
	c = fetch(t, s)
	if c.Author != "Ada <ada@example.com>" || c.Subject != "Write a.yaml" || c.Time.IsZero() {
		t.Errorf("commit is described as %+v", c)
	}
	if got := c.String(); got != "main@sha1:"+c.Hash[:12] {
		t.Errorf("commit prints as %s", got)
	}
}

func TestAPanicBecomesAnError(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "one\n")
	s, _ := source(t, r.dir, func(c *gitsrc.Config) {
		c.Verify = func(context.Context, *object.Commit) error { panic("index out of range") }
	})
	fetchError(t, s, "panicked", "index out of range")
}

func TestCommitTextIsSafeToPrint(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "one\n")
	r.git("-c", "user.name=x", "commit", "-q", "--allow-empty", "--author=E\x1b[31mve <e@x>",
		"-m", "Sub\x1b]0;ject\u202e "+strings.Repeat("é", 300)+"\n\nbody")
	s, _ := source(t, r.dir)
	c := fetch(t, s)
	if strings.ContainsAny(c.Subject+c.Author, "\x1b\n\u202e") || strings.Contains(c.Subject, "body") {
		t.Errorf("unsafe text: %q by %q", c.Subject, c.Author)
	}
	if len(c.Subject) > 200 || !strings.HasSuffix(c.Subject, "é…") {
		t.Errorf("subject of %d bytes is not cut well: %q", len(c.Subject), c.Subject)
	}
}
