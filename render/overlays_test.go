package render

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestAControlPlaneRendersAsTheGoldenFileSays(t *testing.T) {
	ms, err := overlays(t, treeFile(t, "testdata/control-plane.txtar"), "overlays/proxy", "overlays/cp")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, m := range ms {
		fmt.Fprintf(&b, "-- %s --\n# %s from %s (%s), wave %d, digest %s\n%s", m.File, m, m.Overlay, m.origin, m.Wave(), m.Digest, m.Bytes(1))
	}
	const golden = "testdata/control-plane.golden"
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got:\n%s", b.String())
	}
}

// What the walker hands to kustomize is not what it found; this shows that kustomize
// makes the same of both.
func TestOverlaysAreWhatPlainKustomizeBuilds(t *testing.T) {
	tree := treeFile(t, "testdata/control-plane.txtar")
	disk := filesys.MakeFsInMemory()
	for name, f := range tree {
		if err := disk.WriteFile("/"+name, f.Data); err != nil {
			t.Fatal(err)
		}
	}
	objects, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(disk, "/overlays/cp")
	if err != nil {
		t.Fatal(err)
	}
	ms, err := overlays(t, tree, "overlays/cp")
	if err != nil {
		t.Fatal(err)
	}
	if objects.Size() != len(ms) {
		t.Fatalf("%d objects, %d manifests", objects.Size(), len(ms))
	}
	for _, object := range objects.Resources() {
		text, err := object.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		want := mustParse(t, string(text))
		i := slices.IndexFunc(ms, func(m Manifest) bool { return m.String() == want.String() })
		if i < 0 || ms[i].Digest != want.Digest {
			t.Errorf("%s is not the same:\n%s", want, text)
		}
	}
}

func TestTheSameInputGivesTheSameManifests(t *testing.T) {
	tree := treeFile(t, "testdata/control-plane.txtar")
	first, err := overlays(t, tree, "overlays/cp", "overlays/proxy")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := overlays(t, &plain{FS: tree}, "overlays/proxy", "overlays/cp", "overlays/proxy")
		if err != nil {
			t.Fatal(err)
		}
		if again.Digest() != first.Digest() || len(again) != len(first) {
			t.Error("the digest changed")
		}
		for i := range first {
			if !bytes.Equal(first[i].Bytes(1), again[i].Bytes(1)) || first[i].File != again[i].File {
				t.Errorf("%s changed", first[i])
			}
		}
	}
	if !slices.IsSortedFunc(first, func(a, b Manifest) int { return strings.Compare(a.File, b.File) }) {
		t.Error("not sorted by file")
	}
}

func TestARenderedManifestSurvivesTheDisk(t *testing.T) {
	ms, err := overlays(t, treeFile(t, "testdata/control-plane.txtar"), "overlays/cp")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		back, err := Parse(m.File, m.Bytes(4))
		if err != nil {
			t.Fatal(err)
		}
		if back.Digest != m.Digest || back.Stamp != (Stamp{m.Digest, 4}) || back.Wave() != m.Wave() || back.String() != m.String() {
			t.Errorf("%s came back as %+v", m, back)
		}
		var doc any
		if err := yaml.Unmarshal(m.Data, &doc); err != nil || bytes.Contains(m.Data, []byte("perch/")) || bytes.Contains(m.Data, []byte("config.kubernetes.io")) {
			t.Errorf("%s: data has annotations of ours or of kustomize, or %v:\n%s", m, err, m.Data)
		}
	}
}

func TestNoOverlaysGiveNoManifests(t *testing.T) {
	ms, err := overlays(t, treeOf(""))
	if err != nil || len(ms) != 0 {
		t.Errorf("got %v, %v", ms, err)
	}
}

func TestOnlyWhatTheOverlaysNeedIsRead(t *testing.T) {
	tree := treeFile(t, "testdata/control-plane.txtar")
	open := func(wrap func(fs.FS) (fs.FS, *plain)) map[string]int {
		wrapped, count := wrap(tree)
		if _, err := overlays(t, wrapped, "overlays/cp"); err != nil {
			t.Fatal(err)
		}
		return count.opens
	}
	for name, wrap := range map[string]func(fs.FS) (fs.FS, *plain){
		"with Lstat":    func(f fs.FS) (fs.FS, *plain) { l := &linking{plain{FS: f}}; return l, &l.plain },
		"without Lstat": func(f fs.FS) (fs.FS, *plain) { p := &plain{FS: f}; return p, p },
	} {
		before := open(wrap)
		for i := range 300 {
			tree[fmt.Sprintf("unrelated/%d/kustomization.yaml", i)] = tree["base/kustomization.yaml"]
			tree[fmt.Sprintf("base/unused-%d.yaml", i)] = tree["base/etcd.yaml"]
		}
		after := open(wrap)
		if len(before) != len(after) {
			t.Errorf("%s: %d opened, then %d", name, len(before), len(after))
		}
		for file, n := range after {
			if n != 1 || strings.Contains(file, "unused") || strings.Contains(file, "unrelated") || strings.Contains(file, "proxy") {
				t.Errorf("%s: %s opened %d times", name, file, n)
			}
		}
	}
}

func TestAnErrorOfTheTreeIsNotTheRepositorysFault(t *testing.T) {
	broken := errors.New("object not found")
	tree := treeOf(one(""))
	for _, file := range []string{"o/kustomization.yaml", "o/p.yaml"} {
		_, err := overlays(t, failing{tree, file, broken}, "o")
		if !errors.Is(err, broken) || errors.As(err, new(Problems)) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: got %v", file, err)
		}
	}
}

// failing fails to read one file.
type failing struct {
	fs.FS
	file string
	err  error
}

func (f failing) Open(name string) (fs.File, error) {
	if name == f.file {
		return nil, f.err
	}
	return f.FS.Open(name)
}
