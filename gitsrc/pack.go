package gitsrc

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/google/renameio/v2"
)

// packWriter receives a pack and ends it when it grows too large.
type packWriter struct {
	w        io.Writer
	n, limit int64
}

func (w *packWriter) Write(p []byte) (int, error) {
	if w.n += int64(len(p)); w.n > w.limit {
		return 0, &LimitError{What: "bytes downloaded", Limit: w.limit}
	}
	return w.w.Write(p)
}

// addPack stores the pack that fill writes. It is checked and indexed in its
// temporary file, and appears under its name whole and synced, or not at all.
func (c *cache) addPack(ctx context.Context, limit int64, fill func(*packWriter) error) error {
	dir := filepath.Join(c.dir, packDir)
	f, err := os.CreateTemp(dir, "tmp_pack_")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	defer f.Close()
	buffered := bufio.NewWriterSize(f, 64<<10)
	w := &packWriter{w: buffered, limit: limit}
	if err := fill(w); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	sum, err := checkPack(&contextFile{ctx, f}, w.n, limit)
	if err != nil {
		return err
	}
	base := filepath.Join(dir, "pack-"+sum.String())
	if err := indexPack(&contextFile{ctx, f}, base+".idx"); err != nil {
		return fmt.Errorf("index pack: %w", err)
	}
	if err := f.Sync(); err != nil {
		return err
	}
	// After its index: a pack without one is damage, an index without a pack
	// is swept away.
	if err := os.Rename(f.Name(), base+".pack"); err != nil {
		return err
	}
	c.reload()
	return syncDir(dir)
}

// checkPack verifies the checksum of a pack, and that no object in it unfolds
// to more than limit bytes: go-git holds each object in memory while it
// indexes, and a kilobyte of zlib or delta can unfold to a gigabyte.
func checkPack(f io.ReadSeeker, size, limit int64) (sum plumbing.Hash, err error) {
	if size < sha1.Size {
		return sum, errors.New("the server sent no pack")
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return sum, err
	}
	hash := sha1.New()
	if _, err := io.CopyN(hash, f, size-sha1.Size); err != nil {
		return sum, err
	}
	if _, err := io.ReadFull(f, sum[:]); err != nil {
		return sum, err
	}
	if !bytes.Equal(hash.Sum(nil), sum[:]) {
		return sum, errors.New("the server's pack is corrupt: its checksum does not match")
	}
	return sum, checkObjectSizes(f, limit)
}

func checkObjectSizes(f io.ReadSeeker, limit int64) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	scanner := packfile.NewScanner(f)
	_, count, err := scanner.Header()
	if err != nil {
		return err
	}
	for range count {
		header, err := scanner.NextObjectHeader()
		if err != nil {
			return err
		}
		size := header.Length
		start := &prefix{}
		if size <= limit {
			if _, _, err := scanner.NextObject(start); err != nil {
				return err
			}
			if header.Type.IsDelta() {
				size = deltaTarget(start.bytes)
			}
		}
		if size > limit || size < 0 {
			return &LimitError{What: "bytes in one object", Limit: limit}
		}
	}
	return nil
}

// deltaTarget reads how much a delta unfolds to: it starts with the sizes of
// its base and of its result. -1 means that it does not say.
func deltaTarget(delta []byte) int64 {
	_, n := binary.Uvarint(delta)
	if n <= 0 {
		return -1
	}
	target, n := binary.Uvarint(delta[n:])
	if n <= 0 {
		return -1
	}
	return int64(target)
}

// prefix keeps the start of what is written, enough for two varints.
type prefix struct{ bytes []byte }

func (w *prefix) Write(p []byte) (int, error) {
	room := 2*binary.MaxVarintLen64 - len(w.bytes)
	w.bytes = append(w.bytes, p[:min(room, len(p))]...)
	return len(p), nil
}

func indexPack(f io.ReadSeeker, path string) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	writer := new(idxfile.Writer)
	parser, err := packfile.NewParser(packfile.NewScanner(f), writer)
	if err != nil {
		return err
	}
	if _, err := parser.Parse(); err != nil {
		return err
	}
	index, err := writer.Index()
	if err != nil {
		return err
	}
	out, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o600))
	if err != nil {
		return err
	}
	defer out.Cleanup()
	buffered := bufio.NewWriter(out)
	if _, err := idxfile.NewEncoder(buffered).Encode(index); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return out.CloseAtomicallyReplace()
}

// contextFile is a file whose reading ends with a context.
type contextFile struct {
	ctx context.Context
	f   *os.File
}

func (c *contextFile) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.f.Read(p)
}

func (c *contextFile) Seek(offset int64, whence int) (int64, error) {
	return c.f.Seek(offset, whence)
}
