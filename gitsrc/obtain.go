package gitsrc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// maxPacks is how many downloads a cache collects before it is cloned afresh.
// Nothing here merges packs, and each one costs an index in memory and a look
// at every read.
const maxPacks = 100

// obtain makes the cache's tip this commit, downloading it when it is new.
func (s *Source) obtain(ctx context.Context, from remote, tip plumbing.Hash) error {
	if s.cache == nil {
		return s.clone(ctx, from, tip)
	}
	current, err := s.cache.tip()
	if err != nil {
		return err
	}
	switch known, err := s.cache.hasCommit(tip); {
	case err != nil:
		return err
	case known && current == tip:
		return nil
	case known: // moved back to, or on to, a commit that came with an earlier one
		if err := s.cache.check(ctx, tip); err != nil {
			return err
		}
	case s.cache.packs() >= maxPacks:
		return s.clone(ctx, from, tip)
	default:
		haves, err := s.cache.recent(current)
		if err != nil {
			return err
		}
		if err := s.download(ctx, from, s.cache, tip, haves); err != nil {
			return err
		}
	}
	return s.cache.setTip(tip)
}

// download adds one commit and its history to a cache, and proves that its
// whole tree is there.
func (s *Source) download(ctx context.Context, from remote, into *cache, tip plumbing.Hash, haves []plumbing.Hash) error {
	err := s.step(ctx, "download", func(ctx context.Context) error {
		return into.addPack(ctx, s.cfg.Limits.FetchBytes, func(w *packWriter) error {
			return from.download(ctx, tip, haves, w)
		})
	})
	if err != nil {
		return err
	}
	return into.check(ctx, tip)
}

// clone builds the cache beside its place and moves it there when it is whole,
// so that an interrupted clone is never taken for a cache, and an old cache
// serves until there is a new one.
func (s *Source) clone(ctx context.Context, from remote, tip plumbing.Hash) error {
	fresh := s.dir + ".new"
	if err := discard(fresh); err != nil {
		return err
	}
	c, err := createCache(fresh, s.marker())
	if err != nil {
		return fmt.Errorf("create cache %s: %w", fresh, err)
	}
	defer func() { _ = discard(fresh) }() // nothing there once it moved
	if err := s.download(ctx, from, c, tip, nil); err != nil {
		// A clone that is incomplete came so from the server. It is not a wound
		// that cloning once more would heal, so it stops being ErrDamagedCache.
		if damage := (*damageError)(nil); errors.As(err, &damage) {
			return fmt.Errorf("the server sent an incomplete repository; run git fsck there: %w", damage.err)
		}
		return err
	}
	if err := c.setTip(tip); err != nil {
		return err
	}
	if err := discard(s.dir); err != nil {
		return err
	}
	if err := os.Rename(fresh, s.dir); err != nil {
		return fmt.Errorf("move the new cache into place: %w", err)
	}
	s.cache = loadCache(s.dir)
	return syncDir(filepath.Dir(s.dir))
}

// commit reads, verifies and describes the cache's tip.
func (s *Source) commit(ctx context.Context, tip plumbing.Hash) (*Commit, error) {
	if _, err := s.cache.read(plumbing.CommitObject, tip); err != nil {
		return nil, err
	}
	o, err := object.GetCommit(s.cache.store, tip)
	if err != nil {
		return nil, s.cache.wounded(err)
	}
	if s.cfg.Verify != nil {
		if err := s.cfg.Verify(ctx, o); err != nil {
			return nil, fmt.Errorf("verify commit %s: %w", tip, err)
		}
	}
	return newCommit(s.ref.Short(), o, s.cache, s.cfg.Limits), nil
}
