package durable_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/perch-gitops/perch/internal/durable"
)

func TestWriteFileReplacesTheContentAndLeavesNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "etcd.yaml")
	for _, content := range []string{"one", "two"} {
		if err := durable.WriteFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Fatalf("got %q, %v; want %q", got, err, content)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if names := list(t, dir); !slices.Equal(names, []string{"etcd.yaml"}) {
		t.Errorf("the folder holds %v", names)
	}
}

func TestWriteFileThatFailsKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "etcd.yaml")
	if err := os.MkdirAll(filepath.Join(target, "inside"), 0o700); err != nil { // a rename over a folder fails
		t.Fatal(err)
	}
	if err := durable.WriteFile(target, []byte("x")); err == nil {
		t.Fatal("no error")
	}
	if names := list(t, dir); !slices.Equal(names, []string{"etcd.yaml"}) {
		t.Errorf("the folder holds %v", names)
	}
}

func TestSweepRemovesOnlyOurTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".etcd.yaml4027308122", ".etcd.yaml.swp", ".etcd.yaml", ".other.yaml123", "etcd.yaml1"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := durable.Sweep(dir, "etcd.yaml"); err != nil {
		t.Fatal(err)
	}
	want := []string{".etcd.yaml", ".etcd.yaml.swp", ".other.yaml123", "etcd.yaml1"}
	if names := list(t, dir); !slices.Equal(names, want) {
		t.Errorf("left %v, want %v", names, want)
	}
}

func TestRemovingWhatIsGoneIsNoError(t *testing.T) {
	if err := durable.Remove(filepath.Join(t.TempDir(), "gone")); err != nil {
		t.Error(err)
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
