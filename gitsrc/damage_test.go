package gitsrc_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/perch-gitops/perch/gitsrc"
)

// wounds are what power cuts, people and other programs do to a cache.
var wounds = map[string]func(t *testing.T, dir string){
	"a pack that is truncated": func(t *testing.T, dir string) {
		truncate(t, only(t, dir, "objects/pack/*.pack"), 2)
	},
	"a pack that is empty": func(t *testing.T, dir string) {
		truncate(t, only(t, dir, "objects/pack/*.pack"), 1<<30)
	},
	"a pack whose middle was never written": func(t *testing.T, dir string) {
		pack := only(t, dir, "objects/pack/*.pack")
		data := read(t, pack)
		for i := len(data) / 4; i < len(data)-20; i++ {
			data[i] = 0
		}
		rewrite(t, pack, data)
	},
	"a pack that is gone": func(t *testing.T, dir string) {
		remove(t, only(t, dir, "objects/pack/*.pack"))
	},
	"an index that is truncated": func(t *testing.T, dir string) {
		truncate(t, only(t, dir, "objects/pack/*.idx"), 2)
	},
	"an index that is gone": func(t *testing.T, dir string) {
		remove(t, only(t, dir, "objects/pack/*.idx"))
	},
	"no objects":            func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "objects")) },
	"no tip":                func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "refs/perch/tip")) },
	"an empty tip":          func(t *testing.T, dir string) { rewrite(t, filepath.Join(dir, "refs/perch/tip"), nil) },
	"a tip of zeroes":       func(t *testing.T, dir string) { rewrite(t, filepath.Join(dir, "refs/perch/tip"), make([]byte, 41)) },
	"garbage in HEAD":       func(t *testing.T, dir string) { rewrite(t, filepath.Join(dir, "HEAD"), []byte("\x00\x01")) },
	"garbage in config":     func(t *testing.T, dir string) { rewrite(t, filepath.Join(dir, "config"), []byte("[core")) },
	"garbage in the marker": func(t *testing.T, dir string) { rewrite(t, filepath.Join(dir, "perch-cache"), nil) },
	"no marker":             func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "perch-cache")) },
	"no folder":             func(t *testing.T, dir string) { remove(t, dir) },
	"an empty folder":       func(t *testing.T, dir string) { remove(t, dir); mkdir(t, dir) },
	"a file in place of the folder": func(t *testing.T, dir string) {
		remove(t, dir)
		rewrite(t, dir, []byte("mine"))
	},
	"stale lock files": func(t *testing.T, dir string) {
		for _, name := range []string{"HEAD.lock", "config.lock", "refs/perch/tip.lock", "packed-refs.lock"} {
			rewrite(t, filepath.Join(dir, name), nil)
		}
	},
	"leftovers of interrupted writes": func(t *testing.T, dir string) {
		for _, name := range []string{"objects/pack/tmp_pack_1", "objects/pack/pack-1.idx", "refs/perch/.tip123"} {
			rewrite(t, filepath.Join(dir, name), []byte("half"))
		}
	},
	"half a clone beside it": func(t *testing.T, dir string) {
		remove(t, dir)
		mkdir(t, filepath.Join(dir+".new", "objects/pack"))
		rewrite(t, filepath.Join(dir+".new", "perch-cache"), []byte("perch"))
		rewrite(t, filepath.Join(dir+".new", "objects/pack/tmp_pack_1"), []byte("PACK"))
	},
}

func TestADamagedCacheIsHealed(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "one\n")
	want := r.commit("dir/b.yaml", "two\n")
	srv := serve(t, r)
	for name, wound := range wounds {
		t.Run(name, func(t *testing.T) {
			s, cfg := source(t, srv.url())
			fetch(t, s)
			for _, who := range []string{"the same process", "the next process"} {
				wound(t, cfg.Dir)
				if who == "the next process" {
					s, _ = source(t, srv.url(), func(c *gitsrc.Config) { c.Dir = cfg.Dir })
					_ = os.Remove(cfg.Dir + ".not-a-cache")
				}
				c := fetchUntilReadable(t, s)
				wantCommit(t, c, want)
				wantFile(t, c, "a.yaml", "one\n")
				wantClean(t, cfg.Dir)
				if t.Failed() {
					t.Fatalf("in %s", who)
				}
			}
		})
	}
}

// fetchUntilReadable does what a caller does: it reads all it needs, and
// fetches once more when the cache turns out to be damaged.
func fetchUntilReadable(t *testing.T, s *gitsrc.Source) *gitsrc.Commit {
	t.Helper()
	c := fetch(t, s)
	_, err := readAll(c.FS())
	if errors.Is(err, gitsrc.ErrDamagedCache) {
		c = fetch(t, s)
		_, err = readAll(c.FS())
	}
	if err != nil {
		t.Fatalf("the commit cannot be read: %v", err)
	}
	return c
}

func readAll(files fs.FS) (n int, err error) {
	err = fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		_, err = fs.ReadFile(files, path)
		return err
	})
	return n, err
}

// wantClean expects a cache without leftovers, which git finds no fault with.
func wantClean(t *testing.T, dir string) {
	t.Helper()
	fsck(t, dir)
	for _, pattern := range []string{"*.lock", "*/*/*.lock", "objects/pack/tmp_*", "refs/perch/.*"} {
		if found, _ := filepath.Glob(filepath.Join(dir, pattern)); len(found) > 0 {
			t.Errorf("left behind: %v", found)
		}
	}
	idx, _ := filepath.Glob(filepath.Join(dir, "objects/pack/*.idx"))
	packs, _ := filepath.Glob(filepath.Join(dir, "objects/pack/*.pack"))
	if len(idx) != len(packs) {
		t.Errorf("there are %d indexes and %d packs", len(idx), len(packs))
	}
	if _, err := os.Lstat(dir + ".new"); err == nil {
		t.Errorf("%s.new is left behind", dir)
	}
}

func TestDamageIsSeenWhileReading(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "one\n")
	srv := serve(t, r)
	s, cfg := source(t, srv.url())
	c := fetch(t, s)
	truncate(t, only(t, cfg.Dir, "objects/pack/*.pack"), 1<<30)
	_, err := fs.ReadFile(c.FS(), "a.yaml")
	var path *fs.PathError
	if !errors.Is(err, gitsrc.ErrDamagedCache) || !errors.As(err, &path) || path.Path != "a.yaml" {
		t.Fatalf("reading a damaged cache says: %v", err)
	}
	wantFile(t, fetch(t, s), "a.yaml", "one\n")
}

func TestACacheThatCannotBeClonedAgainYet(t *testing.T) {
	r := newRepo(t)
	content := r.blobless(0) // long enough to be hit alone
	want := r.commit("a.yaml", content)
	s, cfg := source(t, r.dir)
	c := fetch(t, s)
	// The end of a file, which opening a cache does not read. In a pack that we
	// wrote, files come last.
	pack := only(t, cfg.Dir, "objects/pack/*.pack")
	data := read(t, pack)
	copy(data[len(data)-40:len(data)-20], make([]byte, 20))
	rewrite(t, pack, data)
	if _, err := fs.ReadFile(c.FS(), "a.yaml"); !errors.Is(err, gitsrc.ErrDamagedCache) {
		t.Fatalf("reading says: %v", err)
	}
	if err := os.Rename(r.dir, r.dir+".away"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		fetchError(t, s, "the cache in "+cfg.Dir+" must be cloned again", "is not a git repository")
	}
	if err := os.Rename(r.dir+".away", r.dir); err != nil {
		t.Fatal(err)
	}
	c = fetch(t, s) // it is not forgotten that this cache is damaged
	wantCommit(t, c, want)
	wantFile(t, c, "a.yaml", content)
}
