package manifestdir_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/perch-gitops/perch/render"
	"github.com/perch-gitops/perch/sync/manifestdir"
)

func parse(t *testing.T, file, content string) render.Manifest {
	t.Helper()
	manifest, err := render.Parse(file, []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return manifest
}

func pod(name, image string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: kube-system}\nspec: {containers: [{name: a, image: %s}]}\n", name, image)
}

func write(t *testing.T, dir, file, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatStandsInTheWay(t *testing.T) {
	set := func(t *testing.T) render.Manifests {
		return render.Manifests{parse(t, "etcd.yaml", pod("etcd", "etcd:2"))}
	}
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, dir string)
		owned   bool
		want    string // empty: nothing is in the way
	}{
		{name: "an empty folder", prepare: func(*testing.T, string) {}},
		{name: "the same Pod, to be adopted", prepare: func(t *testing.T, dir string) { write(t, dir, "etcd.yaml", pod("etcd", "etcd:1")) }},
		{name: "another Pod in our file", prepare: func(t *testing.T, dir string) { write(t, dir, "etcd.yaml", pod("other", "x")) }, want: "defines Pod kube-system/other"},
		{name: "another Pod in a file that is ours", prepare: func(t *testing.T, dir string) { write(t, dir, "etcd.yaml", pod("other", "x")) }, owned: true},
		{name: "something that is no Pod", prepare: func(t *testing.T, dir string) { write(t, dir, "etcd.yaml", "notes") }, want: "no manifest of a Pod"},
		{name: "garbage in a file that is ours", prepare: func(t *testing.T, dir string) { write(t, dir, "etcd.yaml", "notes") }, owned: true},
		{name: "a backup that would win", prepare: func(t *testing.T, dir string) { write(t, dir, "etcd.yaml.bak", pod("etcd", "x")) }, want: "etcd.yaml.bak defines Pod kube-system/etcd as well"},
		{name: "a backup with two documents, the first of which counts", prepare: func(t *testing.T, dir string) {
			write(t, dir, "z", pod("etcd", "x")+"---\n"+pod("y", "y"))
		}, want: "z defines Pod kube-system/etcd as well"},
		{name: "a dot-file, which the kubelet does not read", prepare: func(t *testing.T, dir string) { write(t, dir, ".etcd.yaml.swp", pod("etcd", "x")) }},
		{name: "a symlink to a manifest of our Pod", prepare: func(t *testing.T, dir string) {
			target := filepath.Join(t.TempDir(), "elsewhere")
			write(t, filepath.Dir(target), "elsewhere", pod("etcd", "x"))
			if err := os.Symlink(target, filepath.Join(dir, "link.yaml")); err != nil {
				t.Fatal(err)
			}
		}, want: "link.yaml defines Pod kube-system/etcd as well"},
		{name: "a symlink where we write, even to our own file", owned: true, prepare: func(t *testing.T, dir string) {
			if err := os.Symlink("/dev/null", filepath.Join(dir, "etcd.yaml")); err != nil {
				t.Fatal(err)
			}
		}, want: "regular files only"},
		{name: "a FIFO, which would block a reader", prepare: func(t *testing.T, dir string) {
			if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "a FIFO where we write", prepare: func(t *testing.T, dir string) {
			if err := syscall.Mkfifo(filepath.Join(dir, "etcd.yaml"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, want: "regular files only"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.prepare(t, dir)
			scan, err := manifestdir.New(dir).Scan()
			if err != nil {
				t.Fatal(err)
			}
			var owned render.Manifests
			if c.owned {
				owned = set(t)
			}
			err = scan.Conflicts(set(t), owned)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	dir := t.TempDir()
	unchanged := parse(t, "same.yaml", pod("same", "a"))
	write(t, dir, "same.yaml", string(unchanged.Bytes(3)))
	write(t, dir, "lies.yaml", strings.ReplaceAll(string(parse(t, "lies.yaml", pod("lies", "a")).Bytes(1)), "digest: ", "digest: f"))
	write(t, dir, "edited.yaml", strings.ReplaceAll(string(parse(t, "edited.yaml", pod("edited", "a")).Bytes(1)), "image: a", "image: b"))
	write(t, dir, "garbled.yaml", "{")
	write(t, dir, "ours.yaml", pod("ours", "a"))
	write(t, dir, "taken-over.yaml", pod("somebody-elses", "a"))
	write(t, dir, "foreign.yaml", pod("foreign", "a"))
	var set render.Manifests
	for _, name := range []string{"same", "lies", "edited", "garbled", "new"} {
		set = append(set, parse(t, name+".yaml", pod(name, "a")))
	}
	owned := render.Manifests{parse(t, "ours.yaml", pod("ours", "x")), parse(t, "taken-over.yaml", pod("taken-over", "x")), parse(t, "gone.yaml", pod("gone", "x"))}
	scan, err := manifestdir.New(dir).Scan()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, change := range scan.Plan(set, owned) {
		got = append(got, fmt.Sprint(change.Action, " ", change.File))
	}
	want := "replace edited.yaml, replace garbled.yaml, replace lies.yaml, add new.yaml, remove ours.yaml"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
}

func TestAPodThatTakesOverAHostPortComesAfterTheOneThatHadIt(t *testing.T) {
	withPort := func(name, ports string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: kube-system}\nspec: {hostNetwork: true, containers: [{name: a, image: x, ports: [%s]}]}\n", name, ports)
	}
	dir := t.TempDir()
	for name, ports := range map[string]string{"a-old": "{containerPort: 443}", "b-old": "{containerPort: 80}"} {
		write(t, dir, name+".yaml", withPort(name, ports))
	}
	owned := render.Manifests{parse(t, "a-old.yaml", withPort("a-old", "{}")), parse(t, "b-old.yaml", withPort("b-old", "{}"))}
	set := render.Manifests{parse(t, "first.yaml", withPort("first", "{containerPort: 53}")), parse(t, "second.yaml", withPort("second", "{containerPort: 80}")),
		parse(t, "third.yaml", withPort("third", "{containerPort: 443, protocol: UDP}"))}
	scan, err := manifestdir.New(dir).Scan()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, change := range scan.Plan(set, owned) {
		got = append(got, change.File)
	}
	if want := "first.yaml b-old.yaml second.yaml third.yaml a-old.yaml"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestTheFolderItselfIsNeverMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, filepath.Dir(file), "file", "")
	for name, path := range map[string]string{"missing": filepath.Join(t.TempDir(), "missing"), "a file": file} {
		_, err := manifestdir.New(path).Scan()
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCarryReportsTheFileSystemsError(t *testing.T) {
	dir := manifestdir.New(filepath.Join(t.TempDir(), "missing"))
	manifest := parse(t, "etcd.yaml", pod("etcd", "a"))
	err := dir.Carry(manifestdir.Change{Action: manifestdir.Add, File: "etcd.yaml", New: &manifest}, 1)
	var write *manifestdir.WriteError
	if !errors.As(err, &write) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
