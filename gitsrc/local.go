package gitsrc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	objcache "github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// local is a repository in a folder of this machine. It is read directly:
// go-git's transport for files runs the git binary, which a node need not
// have, and its server in Go holds every object of the pack in memory.
type local struct {
	store *filesystem.Storage
}

func openLocal(dir string) (*local, error) {
	gitDir, err := findGitDir(dir)
	if err != nil {
		return nil, err
	}
	store := filesystem.NewStorageWithOptions(
		osfs.New(gitDir, osfs.WithBoundOS()),
		objcache.NewObjectLRU(objectCacheBytes),
		filesystem.Options{
			LargeObjectThreshold: 1 << 20, // stream what is larger
			AlternatesFS:         osfs.New("/", osfs.WithBoundOS()),
		})
	if shallow, err := store.Shallow(); err != nil || len(shallow) > 0 {
		return nil, errors.Join(err, errors.New("is a shallow clone, whose history is missing; run git fetch --unshallow there"))
	}
	return &local{store}, nil
}

// findGitDir accepts a bare repository and a folder with a .git folder in it.
func findGitDir(dir string) (string, error) {
	for _, candidate := range []string{filepath.Join(dir, ".git"), dir} {
		info, err := os.Stat(candidate)
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue
		case err != nil:
			return "", err
		case !info.IsDir() && candidate != dir:
			return "", fmt.Errorf("%s is a linked work tree or submodule; name the repository it belongs to", dir)
		}
		if _, err := os.Stat(filepath.Join(candidate, "objects")); err == nil {
			if _, err := os.Stat(filepath.Join(candidate, "HEAD")); err == nil {
				return candidate, nil
			}
		}
	}
	return "", fmt.Errorf("%s is not a git repository", dir)
}

func (l *local) tip(_ context.Context, ref plumbing.ReferenceName) (plumbing.Hash, error) {
	found, err := storer.ResolveReference(l.store, ref)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		var names []string
		refs, err := l.store.IterReferences()
		if err != nil {
			return plumbing.ZeroHash, err
		}
		_ = refs.ForEach(func(r *plumbing.Reference) error {
			names = append(names, r.Name().String())
			return nil
		})
		return plumbing.ZeroHash, errNoBranch(ref, names)
	}
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return found.Hash(), nil
}

func (l *local) download(ctx context.Context, want plumbing.Hash, haves []plumbing.Hash, w *packWriter) error {
	hashes, err := newObjects(ctx, l.store, want, haves)
	if err != nil {
		return fmt.Errorf("list the objects of %s: %w", want, err)
	}
	return writePack(ctx, l.store, hashes, w)
}

func (l *local) close() {}
