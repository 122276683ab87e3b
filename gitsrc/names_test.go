package gitsrc_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTheFileSystemKeepsTheRulesOfFS(t *testing.T) {
	r := newRepo(t)
	r.commit("a-b", "sorted before a/ by git, after a by fs\n")
	r.commit("a/deep/er/file.yaml", "content\n")
	r.commit("empty", "")
	r.git("update-index", "--chmod=+x", "empty")
	r.git("commit", "-q", "-m", "mode")
	s, _ := source(t, r.dir)
	files := fetch(t, s).FS()
	if err := fstest.TestFS(files, "a-b", "a/deep/er/file.yaml", "empty"); err != nil {
		t.Fatal(err)
	}
	info, err := fs.Stat(files, "empty")
	if err != nil || info.Mode() != 0o555 {
		t.Errorf("an executable file has the mode %v, %v", info, err)
	}
	for name, want := range map[string]error{
		"missing": fs.ErrNotExist, "a/missing/x": fs.ErrNotExist, "empty/x": fs.ErrNotExist,
		"/a": fs.ErrInvalid, "../a": fs.ErrInvalid, "a/": fs.ErrInvalid, "": fs.ErrInvalid, "a/../empty": fs.ErrInvalid,
	} {
		_, err := fs.ReadFile(files, name)
		var path *fs.PathError
		if !errors.Is(err, want) || !errors.As(err, &path) || path.Path != name {
			t.Errorf("reading %q says %v, want %v", name, err, want)
		}
	}
	_, err = fs.ReadFile(files, "a")
	errorSays(t, err, "is a folder")
	_, err = fs.ReadDir(files, "empty")
	errorSays(t, err, "is not a folder")
}

func TestLinksAndSubmodulesAreRefusedWhenOpened(t *testing.T) {
	r := newRepo(t)
	commit := r.commit("dir/plain.yaml", "plain\n")
	link := r.blob("/etc/shadow")
	for _, e := range []string{"120000," + link + ",dir/link", "120000," + link + ",dirlink", "160000," + commit + ",dir/sub"} {
		r.git("update-index", "--add", "--cacheinfo", e)
	}
	r.git("commit", "-q", "-m", "odd entries")
	s, _ := source(t, r.dir)
	files := fetch(t, s).FS()

	wantTypes := map[string]fs.FileMode{"link": fs.ModeSymlink, "sub": fs.ModeIrregular, "plain.yaml": 0}
	list, err := fs.ReadDir(files, "dir")
	if err != nil || len(list) != len(wantTypes) {
		t.Fatalf("their folder cannot be listed: %v, %v", list, err)
	}
	for _, e := range list {
		if e.Type() != wantTypes[e.Name()] {
			t.Errorf("%s has the type %v", e.Name(), e.Type())
		}
	}
	if got, err := fs.ReadFile(files, "dir/plain.yaml"); err != nil || string(got) != "plain\n" {
		t.Errorf("their neighbour cannot be read: %q, %v", got, err)
	}
	for name, says := range map[string]string{
		"dir/link": `"dir/link" is a symbolic link`, "dirlink/plain.yaml": `"dirlink" is a symbolic link`,
		"dir/sub": `"dir/sub" is a submodule`, "dir/sub/x": `"dir/sub" is a submodule`,
	} {
		for op, try := range map[string]func() error{
			"open":    func() error { _, err := files.Open(name); return err },
			"read":    func() error { _, err := fs.ReadFile(files, name); return err },
			"stat":    func() error { _, err := fs.Stat(files, name); return err },
			"readdir": func() error { _, err := fs.ReadDir(files, name); return err },
		} {
			t.Run(op+" "+name, func(t *testing.T) { errorSays(t, try(), says) })
		}
	}
}

func TestNamesThatAreNotPlainAreRefused(t *testing.T) {
	names := map[string]string{
		"the parent folder":       "..",
		"the folder itself":       ".",
		"git's own folder":        ".git",
		"git's own, shouting":     ".GIT",
		"an absolute name":        "/etc/passwd",
		"a name with a slash":     "a/b",
		"a backslash":             `a\b`,
		"a control character":     "a\x1b[31m",
		"a line end":              "a\nb",
		"bytes that are no UTF-8": "a\xff",
		"nothing":                 "",
	}
	for why, name := range names {
		t.Run(why, func(t *testing.T) {
			r := newRepo(t)
			blob := r.blob("x")
			odd := r.rawTree(rawEntry{"100644", name, blob}, rawEntry{"100644", "plain", blob})
			r.commitTree(r.rawTree(rawEntry{"40000", "odd", odd}, rawEntry{"100644", "other", blob}))
			s, _ := source(t, r.dir)
			files := fetch(t, s).FS()
			if got, err := fs.ReadFile(files, "other"); err != nil || string(got) != "x" {
				t.Errorf("a file elsewhere cannot be read: %v", err)
			}
			if got, err := fs.ReadFile(files, "odd/plain"); err != nil || string(got) != "x" {
				t.Errorf("its neighbour cannot be read: %v", err)
			}
			_, err := fs.ReadDir(files, "odd")
			errorSays(t, err, fmt.Sprintf("name %q in folder \"odd\"", name))
			if _, err := files.Open("odd"); err == nil {
				t.Error("its folder opened")
			}
			if _, err := fs.ReadFile(files, "odd/"+name); err == nil {
				t.Error("it was read")
			}
		})
	}
}

func TestTreesThatGitWouldNotMakeAreRefused(t *testing.T) {
	r := newRepo(t)
	blob := r.blob("x")
	trees := map[string]struct {
		tree string
		says string
	}{
		"a name that is there twice": {r.rawTree(rawEntry{"100644", "a", blob}, rawEntry{"100755", "a", blob}), `"a" twice`},
		"a mode that is no number":   {r.rawTree(rawEntry{"rw-r--r--", "a", blob}), "malformed"},
		"a mode that is unknown":     {r.rawTree(rawEntry{"20644", "a", blob}), "unknown mode 20644"},
		"an entry that is cut off":   {r.gitIn("100644 a\x00123", "hash-object", "-t", "tree", "--literally", "-w", "--stdin"), "malformed"},
	}
	for name, tc := range trees {
		t.Run(name, func(t *testing.T) {
			r.commitTree(tc.tree)
			s, _ := source(t, r.dir)
			_, err := fs.ReadFile(fetch(t, s).FS(), "a")
			errorSays(t, err, tc.says)
		})
	}
}

func TestABranchWithMissingFilesIsTheServersFault(t *testing.T) {
	r := newRepo(t)
	r.commitTree(r.rawTree(rawEntry{"100644", "a", strings.Repeat("1", 40)}))
	s, _ := source(t, r.dir)
	fetchError(t, s, strings.Repeat("1", 40))
}
