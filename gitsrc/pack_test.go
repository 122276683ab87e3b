package gitsrc

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// deltaBomb is a pack with a small file and a delta that unfolds it to 16 MB.
func deltaBomb(t *testing.T) []byte {
	t.Helper()
	base := bytes.Repeat([]byte("x"), 0xffff)
	const copies = 256
	delta := binary.AppendUvarint(nil, uint64(len(base)))
	delta = binary.AppendUvarint(delta, uint64(len(base)*copies))
	for range copies {
		delta = append(delta, 0x80|0x10|0x20, 0xff, 0xff) // copy 65,535 bytes from 0
	}
	pack := []byte("PACK\x00\x00\x00\x02\x00\x00\x00\x02")
	add := func(kind byte, after []byte, content []byte) {
		size := uint64(len(content))
		pack = append(pack, 0x80|kind<<4|byte(size&15))
		pack = binary.AppendUvarint(pack, size>>4)
		pack = append(pack, after...)
		var z bytes.Buffer
		w := zlib.NewWriter(&z)
		w.Write(content)
		w.Close()
		pack = append(pack, z.Bytes()...)
	}
	start := len(pack)
	add(3, nil, base)
	distance := len(pack) - start
	if distance >= 128 {
		t.Fatalf("a distance of %d needs another encoding", distance)
	}
	add(6, []byte{byte(distance)}, delta)
	sum := sha1.Sum(pack)
	return append(pack, sum[:]...)
}

func TestADeltaThatUnfoldsTooFarIsRefused(t *testing.T) {
	pack := deltaBomb(t)
	path := filepath.Join(t.TempDir(), "bomb.pack")
	if err := os.WriteFile(path, pack, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("git", "index-pack", path).CombinedOutput(); err != nil {
		t.Fatalf("git does not take the bomb for a pack: %v\n%s", err, out)
	}
	const exact = 0xffff * 256
	if _, err := checkPack(bytes.NewReader(pack), int64(len(pack)), exact); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	_, err := checkPack(bytes.NewReader(pack), int64(len(pack)), exact-1)
	var limit *LimitError
	if !errors.As(err, &limit) || limit.What != "bytes in one object" {
		t.Errorf("above the limit: %v", err)
	}
}

func TestAPackThatIsDamagedOnTheWayIsRefused(t *testing.T) {
	pack := deltaBomb(t)
	for i := 0; i < len(pack); i += 7 {
		torn := bytes.Clone(pack)
		torn[i] ^= 0x10
		if _, err := checkPack(bytes.NewReader(torn), int64(len(torn)), 1<<30); err == nil {
			t.Errorf("a changed byte %d of %d was not seen", i, len(pack))
		}
		if _, err := checkPack(bytes.NewReader(pack[:i]), int64(i), 1<<30); err == nil {
			t.Errorf("a pack cut to %d of %d bytes was not seen", i, len(pack))
		}
	}
}

func TestAPackThatLacksAFileIsSeenAtOnce(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	script := `git init -q -b main . && echo x >a && git add a &&
		git -c user.name=a -c user.email=a commit -q -m a && git rev-parse HEAD HEAD:a`
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	hashes := strings.Fields(string(out))
	commit, file := plumbing.NewHash(hashes[0]), plumbing.NewHash(hashes[1])
	from, err := openLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	all, err := newObjects(ctx, from.store, commit, nil)
	if err != nil {
		t.Fatal(err)
	}
	without := slices.DeleteFunc(slices.Clone(all), func(h plumbing.Hash) bool { return h == file })
	for want, hashes := range map[error][]plumbing.Hash{nil: all, ErrDamagedCache: without} {
		c, err := createCache(filepath.Join(t.TempDir(), "git"), "marker")
		if err != nil {
			t.Fatal(err)
		}
		err = c.addPack(ctx, DefaultFetchBytes, func(w *packWriter) error { return writePack(ctx, from.store, hashes, w) })
		if err != nil {
			t.Fatal(err)
		}
		if err := c.check(ctx, commit); !errors.Is(err, want) {
			t.Errorf("a pack of %d of %d objects: %v, want %v", len(hashes), len(all), err, want)
		}
	}
}
