package gitsrc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

const (
	// maxNegotiated is how many commits we tell the server that we have. After
	// a force-push it may not know the newest, but most likely one of these.
	maxNegotiated = 64

	// maxUncheckedTree is the size in bytes from where on a tree object is not
	// worth checking: its folder is beyond every limit.
	maxUncheckedTree = 64 << 20
)

// read returns an object's content, proved by its hash. This is where go-git
// meets data that a power cut or a hostile server may have shaped: errors and
// panics mean that the cache is damaged.
func (c *cache) read(t plumbing.ObjectType, h plumbing.Hash) (data []byte, err error) {
	defer c.recovered(h, &err)
	if t == plumbing.BlobObject {
		c.blobsRead++
	}
	if data, err = objectContent(c.store, t, h); err != nil {
		return nil, c.wounded(err)
	}
	if plumbing.ComputeHash(t, data) != h {
		return nil, c.wounded(fmt.Errorf("read %s %s: the content has another hash", t, h))
	}
	return data, nil
}

// size returns an object's size in bytes without reading its content.
func (c *cache) size(h plumbing.Hash) (n int64, err error) {
	defer c.recovered(h, &err)
	n, err = c.store.EncodedObjectSize(h)
	if err != nil {
		return 0, c.wounded(fmt.Errorf("measure object %s: %w", h, err))
	}
	return n, nil
}

// has reports whether there is an object of that name. It reads the index alone.
func (c *cache) has(h plumbing.Hash) (ok bool, err error) {
	defer c.recovered(h, &err)
	switch err := c.store.HasEncodedObject(h); {
	case err == nil:
		return true, nil
	case errors.Is(err, plumbing.ErrObjectNotFound):
		return false, nil
	default:
		return false, c.wounded(fmt.Errorf("find object %s: %w", h, err))
	}
}

func (c *cache) hasCommit(h plumbing.Hash) (bool, error) {
	ok, err := c.has(h)
	if !ok || err != nil {
		return false, err
	}
	_, err = c.read(plumbing.CommitObject, h)
	return err == nil, err
}

// recent returns a commit and the ancestors nearest to it.
func (c *cache) recent(h plumbing.Hash) (hashes []plumbing.Hash, err error) {
	defer c.recovered(h, &err)
	commit, err := object.GetCommit(c.store, h)
	if err != nil {
		return nil, c.wounded(fmt.Errorf("read commit %s: %w", h, err))
	}
	err = object.NewCommitIterBSF(commit, nil, nil).ForEach(func(o *object.Commit) error {
		hashes = append(hashes, o.Hash)
		if len(hashes) == maxNegotiated {
			return storer.ErrStop
		}
		return nil
	})
	if err != nil {
		return nil, c.wounded(fmt.Errorf("read the history of %s: %w", h, err))
	}
	return hashes, nil
}

// check proves that a commit's whole tree is there: it reads every folder and
// looks up every file. The files' content is proved when it is read. Its cost
// grows with the repository, so it runs after a download and when a process
// first opens a cache, and not on each poll.
func (c *cache) check(ctx context.Context, commit plumbing.Hash) error {
	if _, err := c.read(plumbing.CommitObject, commit); err != nil {
		return err
	}
	root, err := c.rootOf(commit)
	if err != nil {
		return err
	}
	if c.proven == nil || len(c.proven) > maxProven {
		c.proven = map[plumbing.Hash]bool{}
	}
	pending, seen := []plumbing.Hash{root}, map[plumbing.Hash]bool{root: true}
	for len(pending) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		h := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if n, err := c.size(h); err != nil {
			return err
		} else if n > maxUncheckedTree {
			continue
		}
		data, err := c.read(plumbing.TreeObject, h)
		if err != nil {
			return err
		}
		entries, _ := parseTree(data) // a malformed folder is refused when it is opened
		for _, e := range entries {
			if seen[e.hash] || c.proven[e.hash] {
				continue
			}
			seen[e.hash] = true
			if e.mode.folder() {
				pending = append(pending, e.hash)
			} else if e.mode.content() {
				if err := c.mustHave(e); err != nil {
					return err
				}
			}
		}
	}
	maps.Copy(c.proven, seen)
	return nil
}

// maxProven bounds what check remembers, about 5 MB: a repository's every change for years.
const maxProven = 1 << 17

func (c *cache) mustHave(e entry) error {
	ok, err := c.has(e.hash)
	if err == nil && !ok {
		err = c.wounded(fmt.Errorf("object %s of %q is missing", e.hash, e.name))
	}
	return err
}

func (c *cache) rootOf(commit plumbing.Hash) (root plumbing.Hash, err error) {
	defer c.recovered(commit, &err)
	o, err := object.GetCommit(c.store, commit)
	if err != nil {
		return root, c.wounded(fmt.Errorf("read commit %s: %w", commit, err))
	}
	return o.TreeHash, nil
}

// wounded records that the cache is damaged, unless the trouble is this
// machine's and would hit a fresh cache as well.
func (c *cache) wounded(err error) error {
	for _, own := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EACCES, syscall.EPERM} {
		if errors.Is(err, own) {
			return err
		}
	}
	err = damaged(err)
	if c.damage == nil {
		c.damage = err
	}
	return err
}

func (c *cache) recovered(h plumbing.Hash, err *error) {
	if r := recover(); r != nil {
		*err = c.wounded(fmt.Errorf("object %s: %w", h, errPanic(r)))
	}
}
