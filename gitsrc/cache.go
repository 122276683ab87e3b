package gitsrc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	objcache "github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/google/renameio/v2"
)

// The cache is a bare repository that git itself can read:
//
//	perch-cache      what it was made for; proves that the folder is ours
//	HEAD, config     constant
//	refs/perch/tip   the commit that the branch named at the last fetch
//	objects/pack/    one pack and index for each download
//
// Everything is written beside its place, synced and renamed: a pack before
// the tip that needs it. go-git writes none of it, because it never syncs and
// indexes packs in a goroutine whose panics nobody can catch.
const (
	markerFile = "perch-cache"
	tipRef     = "refs/perch/tip"
	packDir    = "objects/pack"

	headText   = "ref: refs/heads/main\n"
	configText = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"

	// objectCacheBytes is for the bases of deltas; our files are small.
	objectCacheBytes = 8 * objcache.MiByte
)

// cacheDirs are the folders that we write in.
var cacheDirs = []string{".", "refs/perch", packDir}

// cache is the repository on disk, as it was when it was last looked at.
type cache struct {
	dir       string
	store     *filesystem.Storage
	seen      string // the state of its files after we last wrote
	damage    error  // once set, the cache is only good for throwing away
	blobsRead int
	proven    map[plumbing.Hash]bool // objects that check has seen whole; void with this value, so when another hand writes
}

// loadCache uses a cache that is known to be good.
func loadCache(dir string) *cache {
	c := &cache{dir: dir}
	c.reload()
	return c
}

// reload forgets what was in memory about the files on disk.
func (c *cache) reload() {
	c.store = filesystem.NewStorageWithOptions(
		osfs.New(c.dir, osfs.WithBoundOS()),
		objcache.NewObjectLRU(objectCacheBytes),
		filesystem.Options{},
	)
	c.seen = fingerprint(c.dir)
}

// openCache uses the cache that an earlier process left, after proving that
// it is ours, for this marker, and whole. The error is os.ErrNotExist when
// there is none, ErrDamagedCache when it must be cloned again, and any other
// when the folder is not ours to touch.
func openCache(ctx context.Context, dir, marker string) (*cache, error) {
	if err := ours(dir); err != nil {
		return nil, err
	}
	for name, want := range map[string]string{markerFile: marker, "HEAD": headText, "config": configText} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		switch {
		case err != nil:
			return nil, damaged(err)
		case string(got) != want && name == markerFile:
			return nil, damaged(errors.New("it was made for another url, ref or version"))
		case string(got) != want:
			return nil, damaged(fmt.Errorf("%s is not what perch wrote", name))
		}
	}
	if err := sweep(dir); err != nil {
		return nil, err
	}
	if err := checkPackEnds(dir); err != nil {
		return nil, damaged(err)
	}
	c := loadCache(dir)
	tip, err := c.tip()
	if err != nil {
		return nil, err
	}
	return c, c.check(ctx, tip)
}

// createCache makes an empty cache. The marker comes first, so that even half
// of one can be recognized and removed.
func createCache(dir, marker string) (*cache, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	for _, f := range [][2]string{{markerFile, marker}, {"HEAD", headText}, {"config", configText}} {
		if err := writeFile(filepath.Join(dir, f[0]), f[1]); err != nil {
			return nil, err
		}
	}
	for _, sub := range cacheDirs {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	return loadCache(dir), nil
}

// tip returns the commit of the last fetch.
func (c *cache) tip() (plumbing.Hash, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, tipRef))
	if err != nil {
		return plumbing.ZeroHash, c.wounded(err)
	}
	hex, ended := strings.CutSuffix(string(text), "\n")
	if !ended || !plumbing.IsHash(hex) {
		return plumbing.ZeroHash, c.wounded(fmt.Errorf("%s does not hold a hash", tipRef))
	}
	return plumbing.NewHash(hex), nil
}

func (c *cache) setTip(h plumbing.Hash) error {
	if err := writeFile(filepath.Join(c.dir, tipRef), h.String()+"\n"); err != nil {
		return fmt.Errorf("record the tip in %s: %w", c.dir, err)
	}
	c.seen = fingerprint(c.dir)
	return syncDir(filepath.Join(c.dir, "refs/perch"))
}

// packs counts the downloads that the cache is made of.
func (c *cache) packs() int {
	names, _ := filepath.Glob(filepath.Join(c.dir, packDir, "*.pack"))
	return len(names)
}

// changed reports whether anything but us touched the files, or damage was
// seen. It costs one stat a file, whatever the size of the repository.
func (c *cache) changed() bool {
	return c.damage != nil || fingerprint(c.dir) != c.seen
}

func fingerprint(dir string) string {
	var b strings.Builder
	for _, sub := range cacheDirs {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		fmt.Fprintln(&b, sub, err != nil)
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || info.IsDir() {
				continue
			}
			fmt.Fprintln(&b, e.Name(), info.Mode(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}

func writeFile(path, text string) error {
	return renameio.WriteFile(path, []byte(text), fs.FileMode(0o600), renameio.WithTempDir(filepath.Dir(path)))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
