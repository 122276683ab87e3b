package render

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// perch render DIR gives a folder on disk, as an os.Root.
func TestAFolderOnDiskIsATree(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, "tree", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("o/kustomization.yaml", "resources: [p.yaml]\n")
	write("o/p.yaml", pod("p"))
	root, err := os.OpenRoot(filepath.Join(dir, "tree"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if ms, err := overlays(t, root.FS(), "o"); err != nil || len(ms) != 1 {
		t.Fatalf("got %d, %v", len(ms), err)
	}
	outside := filepath.Join(dir, "outside.yaml")
	if err := os.WriteFile(outside, []byte(pod("secret")), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{outside, "p.yaml"} {
		link := filepath.Join(dir, "tree/o/link.yaml")
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		write("o/kustomization.yaml", "resources: [link.yaml]\n")
		if _, err := overlays(t, root.FS(), "o"); err == nil || !strings.Contains(err.Error(), `"o/link.yaml" is a symbolic link`) {
			t.Errorf("%s: got %v", target, err)
		}
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheRootOfTheTreeCanBeAnOverlay(t *testing.T) {
	ms, err := overlays(t, treeOf("-- kustomization.yaml --\nresources: [p.yaml, more_pods]\n-- p.yaml --\n"+pod("p")+
		"-- more_pods/Kustomization --\nresources: [q-r.yaml]\n-- more_pods/q-r.yaml --\n"+pod("q")), ".")
	if err != nil || len(ms) != 2 || ms[1].origin != "more_pods/q-r.yaml" {
		t.Errorf("got %+v, %v", ms, err)
	}
}

func TestAFileNameThatKustomizeCannotTakeIsSaid(t *testing.T) {
	_, err := overlays(t, treeOf("-- o/kustomization.yaml --\nresources: [a b.yaml]\n-- o/a b.yaml --\n"+pod("p")), "o")
	if err == nil || !strings.Contains(err.Error(), `o/a b.yaml: kustomize takes no file of this name`) {
		t.Errorf("got %v", err)
	}
}

func TestAListInAResourceFileIsItsPods(t *testing.T) {
	list := "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(pod("p")), "\n", "\n  ") + "\n- " + strings.ReplaceAll(strings.TrimSpace(pod("q")), "\n", "\n  ") + "\n"
	ms, err := overlays(t, treeOf("-- o/kustomization.yaml --\nresources: [l.yaml]\n-- o/l.yaml --\n"+list), "o")
	if err != nil || len(ms) != 2 {
		t.Errorf("got %+v, %v", ms, err)
	}
}

func TestTheEnvironmentDoesNotLeakIn(t *testing.T) {
	t.Setenv("PERCH_SECRET", "leaked")
	tree := treeOf(one("configMapGenerator: [{name: c, envs: [env], options: {annotations: {config.kubernetes.io/local-config: \"true\"}}}]\n"+
		"replacements:\n- source: {kind: ConfigMap, name: c, fieldPath: data.PERCH_SECRET}\n  targets: [{select: {kind: Pod}, fieldPaths: [spec.containers.0.workingDir], options: {create: true}}]",
		"-- o/env --\nPERCH_SECRET\n"))
	ms, err := overlays(t, tree, "o")
	if err == nil && strings.Contains(string(ms[0].Data), "leaked") {
		t.Errorf("it does:\n%s", ms[0].Data)
	}
}

// A build must not depend on what was built before it.
func TestBuildsDoNotShareState(t *testing.T) {
	tree := treeFile(t, "testdata/control-plane.txtar")
	alone, err := overlays(t, tree, "overlays/proxy")
	if err != nil {
		t.Fatal(err)
	}
	together, err := overlays(t, tree, "overlays/cp", "overlays/proxy")
	if err != nil {
		t.Fatal(err)
	}
	if alone[0].Digest != together[0].Digest {
		t.Error("another overlay changed this one")
	}
}

// What somebody else of this process taught kustomize about Pods must not matter either.
func TestASchemaThatIsLeftBehindDoesNotMatter(t *testing.T) {
	tree := treeOf(one("patches: [{path: add.yaml}]", "-- o/add.yaml --\n"+strings.ReplaceAll(pod("p"), "name: c", "name: d")))
	before, err := overlays(t, tree, "o")
	if err != nil {
		t.Fatal(err)
	}
	defer openapi.ResetOpenAPI()
	if err := openapi.AddSchema([]byte(`{"definitions": {"io.k8s.api.core.v1.Pod": {"type": "object",
		"x-kubernetes-group-version-kind": [{"group": "", "kind": "Pod", "version": "v1"}],
		"properties": {"spec": {"type": "object", "properties": {"containers": {"type": "array", "items": {"type": "object"}}}}}}}}`)); err != nil {
		t.Fatal(err)
	}
	after, err := overlays(t, tree, "o")
	if err != nil || after.Digest() != before.Digest() || len(after[0].Pod.Spec.Containers) != 2 {
		t.Errorf("it does: %v\n%s", err, after[0].Data)
	}
}

func BenchmarkOverlays(b *testing.B) {
	data, err := os.ReadFile("testdata/control-plane.txtar")
	if err != nil {
		b.Fatal(err)
	}
	tree := treeOf(string(data))
	for b.Loop() {
		if _, err := Overlays(b.Context(), tree, []string{"overlays/cp", "overlays/proxy"}, "cp-1"); err != nil {
			b.Fatal(err)
		}
	}
}
