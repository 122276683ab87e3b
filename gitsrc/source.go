// Package gitsrc gives one verified commit of the repository as a read-only
// tree.
//
// A Source follows one branch. Each Fetch asks the remote which commit the
// branch names now, downloads what is missing into a bare cache, and returns
// that commit, whatever happened to the branch: a commit that was force-pushed
// or moved back is returned like any other, and the caller judges it. Files are
// read lazily from the object store; nothing is ever checked out.
//
// The cache is worth nothing: when it is damaged, made for another repository,
// or gone, it is cloned again. The remote is not trusted with this node's
// time, memory or disk: every network step has a deadline, every read a limit.
package gitsrc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
)

// Source follows one branch of one repository. It is used from one goroutine.
type Source struct {
	cfg     Config
	address address
	ref     plumbing.ReferenceName
	dir     string // cfg.Dir with symbolic links followed
	cache   *cache
	why     error // why there is no cache to build on, when there should be one
}

// New checks the configuration. It touches neither disk nor network.
func New(cfg Config) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	s := &Source{cfg: cfg}
	s.address, _ = parseAddress(cfg.URL) // Validate saw them
	s.ref, _ = branch(cfg.Ref)
	return s, nil
}

// Fetch returns the commit that the branch names now. When that is the commit
// the cache has, only the list of refs is transferred. The Commit's files can
// be read until the next Fetch.
//
// Errors are a *LimitError when the repository is too large, the Verify
// function's own when it refused the commit, the context's when it ended;
// otherwise there is nothing to decide by but to try again later. A damaged
// cache is not an error: it is cloned again here.
func (s *Source) Fetch(ctx context.Context) (*Commit, error) {
	c, err := s.fetch(ctx)
	if errors.Is(err, ErrDamagedCache) {
		c, err = s.fetch(ctx) // now without a cache to stumble over
	}
	if err != nil {
		return nil, s.explain(err)
	}
	s.why = nil
	return c, nil
}

func (s *Source) fetch(ctx context.Context) (c *Commit, err error) {
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, errPanic(r)
		}
	}()
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	var from remote
	var tip plumbing.Hash
	err = s.step(ctx, "list the refs", func(ctx context.Context) (err error) {
		if from, err = s.connect(ctx); err != nil {
			return err
		}
		tip, err = from.tip(ctx, s.ref)
		return err
	})
	if from != nil {
		defer from.close()
	}
	if err != nil {
		return nil, err
	}
	if err := s.obtain(ctx, from, tip); err != nil {
		return nil, err
	}
	return s.commit(ctx, tip)
}

// open makes s.cache the cache on disk, or nil when it has to be cloned. Once
// there is a reason to clone it stays, even if the clone fails: the wound may be
// in a file that opening does not read.
func (s *Source) open(ctx context.Context) (err error) {
	if s.cache != nil && !s.cache.changed() {
		return nil
	}
	if s.cache != nil {
		s.why = s.cache.damage
	}
	s.cache = nil
	if s.why != nil {
		return nil
	}
	if s.dir, err = resolveDir(s.cfg.Dir); err != nil {
		return err
	}
	c, err := openCache(ctx, s.dir, s.marker())
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case errors.Is(err, ErrDamagedCache):
		s.why = err
		return nil
	case err != nil:
		return err
	}
	s.cache = c
	return nil
}

// marker is what the cache says about itself: a cache with another marker was
// made for another repository or by another version.
func (s *Source) marker() string {
	return fmt.Sprintf("perch cache 1\nurl %s\nref %s\n", s.address.shown, s.ref)
}

// step gives f a deadline of its own, and says so when that is what ended it.
func (s *Source) step(ctx context.Context, verb string, f func(context.Context) error) error {
	stepCtx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	err := f(stepCtx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", verb, ctx.Err())
	case stepCtx.Err() != nil:
		return fmt.Errorf("%s: not done within %s: %w; is the server reachable from this node?", verb, s.cfg.Timeout, stepCtx.Err())
	}
	return fmt.Errorf("%s: %w", verb, err)
}

func (s *Source) explain(err error) error {
	prefix := fmt.Sprintf("fetch %s %s: ", s.address.shown, s.ref.Short())
	if s.why != nil {
		why := s.why
		if damage := (*damageError)(nil); errors.As(why, &damage) {
			why = damage.err
		}
		prefix += fmt.Sprintf("the cache in %s must be cloned again (%v): ", s.dir, why)
	}
	return &shownError{prefix: prefix, err: err, secrets: s.address.secrets}
}

// resolveDir follows symbolic links, so that a cache moved to another disk is
// replaced there and not in place of the link.
func resolveDir(dir string) (string, error) {
	resolved, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, os.ErrNotExist) {
		return filepath.Clean(dir), nil
	}
	return resolved, err
}
