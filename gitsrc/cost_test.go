package gitsrc_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/perch-gitops/perch/gitsrc"
)

func TestAPollThatFindsNothingTransfersNoPack(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", strings.Repeat("many bytes\n", 10_000))
	srv := serve(t, r)
	s, cfg := source(t, srv.url())
	fetch(t, s)
	for _, who := range []string{"the same process", "the next process"} {
		requests, packs, bytes := srv.requests.Load(), srv.packs.Load(), srv.bytes.Load()
		fetch(t, s)
		if n := srv.requests.Load() - requests; n != 1 {
			t.Errorf("%s: a poll made %d requests, want 1", who, n)
		}
		if n := srv.packs.Load() - packs; n != 0 {
			t.Errorf("%s: a poll asked for %d packs", who, n)
		}
		if n := srv.bytes.Load() - bytes; n > 1000 {
			t.Errorf("%s: a poll transferred %d bytes", who, n)
		}
		s, _ = source(t, srv.url(), func(c *gitsrc.Config) { c.Dir = cfg.Dir })
	}
}

func TestAnUpdateTransfersOnlyWhatIsNew(t *testing.T) {
	r := newRepo(t)
	incompressible := fmt.Sprint(os.Getpid())
	for i := range 2000 {
		incompressible += r.blobless(i)
	}
	r.commit("big.yaml", incompressible)
	srv := serve(t, r)
	s, _ := source(t, srv.url())
	fetch(t, s)
	before := srv.bytes.Load()
	r.commit("small.yaml", "new\n")
	fetch(t, s)
	if n := srv.bytes.Load() - before; n > 2000 {
		t.Errorf("a small commit transferred %d bytes", n)
	}
}

func TestFilesThatNobodyAsksForAreNotRead(t *testing.T) {
	r := newRepo(t)
	for i := range 300 {
		name := filepath.Join(r.dir, fmt.Sprintf("unrelated/%03d.yaml", i))
		os.MkdirAll(filepath.Dir(name), 0o755)
		os.WriteFile(name, fmt.Appendf(nil, "file %d\n", i), 0o644)
	}
	r.commit("overlays/cp/a.yaml", "mine\n")
	s, _ := source(t, r.dir)
	c := fetch(t, s)
	wantFile(t, c, "overlays/cp/a.yaml", "mine\n")
	if _, err := fs.ReadDir(c.FS(), "unrelated"); err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Stat(c.FS(), "unrelated/007.yaml"); err != nil {
		t.Fatal(err)
	}
	if n := gitsrc.BlobsRead(c); n != 1 {
		t.Errorf("%d files were read, want 1", n)
	}
}

func TestACacheOfManyDownloadsIsClonedAfresh(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "0")
	s, cfg := source(t, r.dir)
	fetch(t, s)
	// Copies of one pack under other names would be damage; empty commits make
	// real ones quickly.
	for range gitsrc.MaxPacks {
		r.git("commit", "-q", "--allow-empty", "-m", "more")
		fetch(t, s)
	}
	packs, _ := filepath.Glob(filepath.Join(cfg.Dir, "objects/pack/*.pack"))
	if len(packs) != 1 {
		t.Errorf("there are %d packs after %d downloads", len(packs), gitsrc.MaxPacks+1)
	}
}
