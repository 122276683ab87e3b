package gitsrc_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/perch-gitops/perch/gitsrc"
)

func TestACacheOfAnotherRepositoryOrBranchIsReplaced(t *testing.T) {
	r, other := newRepo(t), newRepo(t)
	r.commit("a.yaml", "one\n")
	want := other.commit("a.yaml", "other\n")
	s, cfg := source(t, r.dir)
	fetch(t, s)
	s, _ = source(t, other.dir, func(c *gitsrc.Config) { c.Dir = cfg.Dir })
	wantCommit(t, fetch(t, s), want)
	other.git("branch", "dev")
	s, _ = source(t, other.dir, func(c *gitsrc.Config) { c.Dir = cfg.Dir; c.Ref = "refs/heads/dev" })
	wantCommit(t, fetch(t, s), want)
	if marker := string(read(t, filepath.Join(cfg.Dir, "perch-cache"))); marker != "perch cache 1\nurl "+other.dir+"\nref refs/heads/dev\n" {
		t.Errorf("the marker says %q", marker)
	}
}

func TestAFolderThatIsNotOursIsNotRemoved(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "one\n")
	strangers := map[string]func(dir string){
		"somebody's files":           func(dir string) { mkdir(t, dir); rewrite(t, filepath.Join(dir, "thesis.txt"), []byte("years")) },
		"somebody's bare repository": func(dir string) { r.git("clone", "-q", "--bare", r.dir, dir) },
		"somebody's repository in our layout": func(dir string) {
			r.git("clone", "-q", "--bare", r.dir, dir)
			for _, name := range []string{"hooks", "info", "description", "packed-refs", "branches"} {
				remove(t, filepath.Join(dir, name))
			}
		},
		"somebody's work tree": func(dir string) { r.git("clone", "-q", r.dir, dir) },
	}
	for name, make := range strangers {
		for _, suffix := range []string{"", ".new"} {
			t.Run(name+" at the cache"+suffix, func(t *testing.T) {
				s, cfg := source(t, r.dir)
				make(cfg.Dir + suffix)
				before, _ := readAll(os.DirFS(cfg.Dir + suffix))
				fetchError(t, s, cfg.Dir+suffix, "is not a cache of perch", "nothing was removed")
				if after, _ := readAll(os.DirFS(cfg.Dir + suffix)); after != before || after == 0 {
					t.Errorf("of %d files %d are left", before, after)
				}
			})
		}
	}
}

func TestAFileInPlaceOfTheCacheIsKeptAside(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "one\n")
	s, cfg := source(t, r.dir)
	rewrite(t, cfg.Dir, []byte("years"))
	fetch(t, s)
	if got := string(read(t, cfg.Dir+".not-a-cache")); got != "years" {
		t.Errorf("the file was not kept: %q", got)
	}
	remove(t, cfg.Dir)
	rewrite(t, cfg.Dir, []byte("more years"))
	fetchError(t, s, "is in the way")
}

func TestACacheBehindASymbolicLinkStaysThere(t *testing.T) {
	r := newRepo(t)
	want := r.commit("a.yaml", "one\n")
	disk := t.TempDir()
	s, cfg := source(t, r.dir)
	if err := os.Symlink(disk, cfg.Dir); err != nil {
		t.Fatal(err)
	}
	wantCommit(t, fetch(t, s), want)
	if _, err := os.Stat(filepath.Join(disk, "perch-cache")); err != nil {
		t.Error(err)
	}
}

func TestAnInterruptedCloneLeavesNothing(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "one\n")
	s, cfg := source(t, serve(t, r).url(), func(c *gitsrc.Config) { c.Limits.FetchBytes = 100 })
	if _, err := s.Fetch(context.Background()); err == nil {
		t.Fatal("the clone should have failed")
	}
	if left, _ := os.ReadDir(filepath.Dir(cfg.Dir)); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
