package gitsrc_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/perch-gitops/perch/gitsrc"
)

func TestLimitsOnReading(t *testing.T) {
	r := repoOfSizes(t)
	readTwo := func(files fs.FS) error {
		for _, name := range []string{"0.yaml", "0.yaml", "1.yaml"} { // a second time does not count
			if _, err := fs.ReadFile(files, name); err != nil {
				return err
			}
		}
		return nil
	}
	cases := map[string]struct {
		set   func(*gitsrc.Limits, int64)
		exact int64
		use   func(fs.FS) error
		want  gitsrc.LimitError
	}{
		"bytes in one file": {func(l *gitsrc.Limits, n int64) { l.FileBytes = n }, 10, readTwo,
			gitsrc.LimitError{What: "bytes in one file", Path: "0.yaml"}},
		"files": {func(l *gitsrc.Limits, n int64) { l.Files = n }, 2, readTwo,
			gitsrc.LimitError{What: "files read of one commit", Path: "1.yaml"}},
		"bytes in all files": {func(l *gitsrc.Limits, n int64) { l.TotalBytes = n }, 20, readTwo,
			gitsrc.LimitError{What: "bytes read of one commit", Path: "1.yaml"}},
		"depth": {func(l *gitsrc.Limits, n int64) { l.Depth = n }, 3, opens("d/e/f.yaml"),
			gitsrc.LimitError{What: "folders in a path", Path: "d/e/f.yaml"}},
		"bytes in a path": {func(l *gitsrc.Limits, n int64) { l.PathBytes = n }, 10, opens("d/e/f.yaml"),
			gitsrc.LimitError{What: "bytes in a path", Path: "d/e/f.yaml"}},
		"entries in a folder": {func(l *gitsrc.Limits, n int64) { l.FolderEntries = n }, 20, opens("wide"),
			gitsrc.LimitError{What: "entries in a folder", Path: "wide"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			for _, limit := range []int64{tc.exact, tc.exact - 1} {
				s, _ := source(t, r.dir, func(c *gitsrc.Config) { tc.set(&c.Limits, limit) })
				err := tc.use(fetch(t, s).FS())
				if limit == tc.exact {
					if err != nil {
						t.Errorf("at the limit: %v", err)
					}
					continue
				}
				tc.want.Limit = limit
				wantLimit(t, err, tc.want)
				var path *fs.PathError
				if !errors.As(err, &path) {
					t.Errorf("the error is no fs.PathError: %v", err)
				}
			}
		})
	}
}

// repoOfSizes has a few files of 10 bytes, one that is 3 names deep, and a
// folder with 20 entries.
func repoOfSizes(t *testing.T) *repo {
	t.Helper()
	r := newRepo(t)
	for i := range 3 {
		r.commit(fmt.Sprintf("%d.yaml", i), strings.Repeat("x", 10))
	}
	r.commit("d/e/f.yaml", "deep")
	var many strings.Builder
	for i := range 20 {
		fmt.Fprintf(&many, "100644 blob %s\t%d\n", r.blob(""), i)
	}
	tree := r.gitIn(many.String(), "mktree")
	r.git("read-tree", "--prefix=wide/", tree)
	r.git("commit", "-q", "-m", "wide")
	return r
}

func opens(name string) func(fs.FS) error {
	return func(files fs.FS) error {
		_, err := files.Open(name)
		return err
	}
}

func wantLimit(t *testing.T, err error, want gitsrc.LimitError) {
	t.Helper()
	var got *gitsrc.LimitError
	if !errors.As(err, &got) || *got != want {
		t.Errorf("the error is %v, want %v", err, &want)
	}
}

func TestLimitsOnFetching(t *testing.T) {
	r := newRepo(t)
	var noise strings.Builder
	for i := range 1000 {
		noise.WriteString(r.blobless(i))
	}
	r.commit("noise.yaml", noise.String())
	for i := range 50 {
		r.git("branch", fmt.Sprintf("branch-%d", i))
	}
	srv := serve(t, r)
	for url, where := range map[string]string{srv.url(): "over HTTP", r.dir: "from a folder"} {
		t.Run("a pack that is too large "+where, func(t *testing.T) {
			s, _ := source(t, url, func(c *gitsrc.Config) { c.Limits.FetchBytes = 30_000 })
			wantLimit(t, fetchError(t, s, "download: too many bytes downloaded"), gitsrc.LimitError{What: "bytes downloaded", Limit: 30_000})
		})
	}
	t.Run("a list of refs that is too long", func(t *testing.T) {
		s, _ := source(t, srv.url(), func(c *gitsrc.Config) { c.Limits.RefListBytes = 2000 })
		wantLimit(t, fetchError(t, s, "list the refs"), gitsrc.LimitError{What: "bytes in the list of refs", Limit: 2000})
	})
}

func TestObjectsThatUnfoldTooFarAreRefused(t *testing.T) {
	r := newRepo(t)
	r.commit("bomb.yaml", strings.Repeat("\x00", 5_000_000)) // 5 kB of zlib
	for url, where := range map[string]string{serve(t, r).url(): "over HTTP", r.dir: "from a folder"} {
		t.Run(where, func(t *testing.T) {
			s, _ := source(t, url, func(c *gitsrc.Config) { c.Limits.FetchBytes = 1_000_000 })
			wantLimit(t, fetchError(t, s), gitsrc.LimitError{What: "bytes in one object", Limit: 1_000_000})
		})
	}
}
