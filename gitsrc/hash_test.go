package gitsrc_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"testing"

	"github.com/perch-gitops/perch/gitsrc"
)

func TestContentIsProvedByItsHash(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "one\n")
	r.commit("b.yaml", "two\n")
	s, cfg := source(t, r.dir)
	fetch(t, s)
	// Swap the two files in the index, and make the index look whole again.
	path := only(t, cfg.Dir, "objects/pack/*.idx")
	idx := read(t, path)
	count := int(binary.BigEndian.Uint32(idx[8+255*4:]))
	offset := func(name string) []byte {
		hash, _ := hex.DecodeString(r.git("rev-parse", "HEAD:"+name))
		names := idx[8+1024 : 8+1024+20*count]
		for i := range count {
			if bytes.Equal(names[20*i:20*i+20], hash) {
				return idx[8+1024+24*count+4*i:][:4]
			}
		}
		t.Fatalf("%s is not in the index", name)
		return nil
	}
	a, b := offset("a.yaml"), offset("b.yaml")
	for i := range a {
		a[i], b[i] = b[i], a[i]
	}
	sum := sha1.Sum(idx[:len(idx)-20])
	copy(idx[len(idx)-20:], sum[:])
	rewrite(t, path, idx)

	s, _ = source(t, r.dir, func(c *gitsrc.Config) { c.Dir = cfg.Dir })
	c := fetch(t, s)
	if got, err := fs.ReadFile(c.FS(), "a.yaml"); !errors.Is(err, gitsrc.ErrDamagedCache) {
		t.Errorf("a.yaml is read as %q, %v", got, err)
	}
	wantFile(t, fetch(t, s), "a.yaml", "one\n")
}
