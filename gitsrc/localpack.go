package gitsrc

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// newObjects lists what want needs and haves lack: the commits that are not in
// the history of haves, with their folders and files except those that a
// neighbouring commit of that history has.
//
// go-git's revlist does the same, but it ends without an error at the first
// folder entry that it finds odd, knows no context, and reads every folder of
// the whole history on each update.
func newObjects(ctx context.Context, from storer.EncodedObjectStorer, want plumbing.Hash, haves []plumbing.Hash) ([]plumbing.Hash, error) {
	known := objectWalk{ctx: ctx, from: from, seen: map[plumbing.Hash]bool{}}
	for _, h := range haves {
		if from.HasEncodedObject(h) == nil { // after a force-push it may be gone there
			if _, err := known.commits(h, nil); err != nil {
				return nil, err
			}
		}
	}
	fresh := objectWalk{ctx: ctx, from: from, seen: map[plumbing.Hash]bool{}}
	commits, err := fresh.commits(want, known.seen)
	if err != nil {
		return nil, err
	}
	for _, c := range commits {
		for _, parent := range c.ParentHashes {
			if !known.seen[parent] {
				continue
			}
			p, err := object.GetCommit(from, parent)
			if err != nil {
				return nil, err
			}
			if err := known.tree(p.TreeHash, nil); err != nil {
				return nil, err
			}
		}
	}
	for _, c := range commits {
		if err := fresh.tree(c.TreeHash, known.seen); err != nil {
			return nil, err
		}
	}
	return fresh.order, nil
}

// objectWalk collects objects, each once.
type objectWalk struct {
	ctx   context.Context
	from  storer.EncodedObjectStorer
	seen  map[plumbing.Hash]bool
	order []plumbing.Hash
}

// add reports whether h is new and not among those to leave out.
func (w *objectWalk) add(h plumbing.Hash, except map[plumbing.Hash]bool) bool {
	if w.seen[h] || except[h] {
		return false
	}
	w.seen[h] = true
	w.order = append(w.order, h)
	return true
}

// commits walks a history.
func (w *objectWalk) commits(from plumbing.Hash, except map[plumbing.Hash]bool) (found []*object.Commit, err error) {
	pending := []plumbing.Hash{from}
	for len(pending) > 0 {
		if err := w.ctx.Err(); err != nil {
			return nil, err
		}
		h := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if !w.add(h, except) {
			continue
		}
		c, err := object.GetCommit(w.from, h)
		if err != nil {
			return nil, fmt.Errorf("read commit %s: %w", h, err)
		}
		found = append(found, c)
		pending = append(pending, c.ParentHashes...)
	}
	return found, nil
}

// tree walks a folder and all below it. What is malformed in it is left for
// whoever opens it.
func (w *objectWalk) tree(root plumbing.Hash, except map[plumbing.Hash]bool) error {
	pending := []plumbing.Hash{root}
	for len(pending) > 0 {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		h := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if !w.add(h, except) {
			continue
		}
		data, err := objectContent(w.from, plumbing.TreeObject, h)
		if err != nil {
			return err
		}
		entries, _ := parseTree(data)
		for _, e := range entries {
			if e.mode.folder() {
				pending = append(pending, e.hash)
			} else if e.mode.content() {
				w.add(e.hash, except)
			}
		}
	}
	return nil
}

func objectContent(from storer.EncodedObjectStorer, t plumbing.ObjectType, h plumbing.Hash) ([]byte, error) {
	o, err := from.EncodedObject(t, h)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", t, h, err)
	}
	r, err := o.Reader()
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", t, h, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", t, h, err)
	}
	return data, nil
}

// writePack writes a pack without deltas, one object in memory at a time:
// version 2 of git's pack format (gitformat-pack).
func writePack(ctx context.Context, from storer.EncodedObjectStorer, hashes []plumbing.Hash, to io.Writer) error {
	sum := sha1.New()
	w := io.MultiWriter(to, sum)
	header := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(hashes)))
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, h := range hashes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := writePackObject(from, h, w); err != nil {
			return err
		}
	}
	_, err := io.Copy(to, bytes.NewReader(sum.Sum(nil)))
	return err
}

func writePackObject(from storer.EncodedObjectStorer, h plumbing.Hash, w io.Writer) error {
	o, err := from.EncodedObject(plumbing.AnyObject, h)
	if err != nil {
		return fmt.Errorf("read object %s: %w", h, err)
	}
	// Type in bits 4 to 6, size in the other bits, 4 and then 7 a byte, the
	// lowest first.
	size := uint64(o.Size())
	first := byte(o.Type())<<4 | byte(size&0x0f)
	header := []byte{first}
	if size >>= 4; size > 0 {
		header = binary.AppendUvarint([]byte{first | 0x80}, size)
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	r, err := o.Reader()
	if err != nil {
		return err
	}
	defer r.Close()
	z := zlib.NewWriter(w)
	if _, err := io.Copy(z, r); err != nil {
		return err
	}
	return z.Close()
}
