package history_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perch-gitops/perch/render"
	"github.com/perch-gitops/perch/sync/history"
)

func open(t *testing.T, dir string) *history.Store {
	t.Helper()
	store, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() }) //nolint:errcheck // some tests close it before
	return store
}

func revision(t *testing.T, images ...string) history.Revision {
	t.Helper()
	var r history.Revision
	for i, image := range images {
		name := fmt.Sprintf("pod-%d", i)
		data := fmt.Sprintf("# comment\napiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: kube-system}\nspec: {containers: [{name: a, image: %s}]}\n", name, image)
		manifest, err := render.Parse(name+".yaml", []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		r.Manifests = append(r.Manifests, manifest)
	}
	r.Origin = history.Origin{Digest: r.Manifests.Digest(), Commit: "c0ffee", Subject: "a subject", Time: time.Unix(1, 0).UTC()}
	return r
}

func TestTheStateSurvivesANewProcess(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	state := store.State()
	state.Attempt = 7
	state.InFlight = &history.Flight{To: history.Origin{Digest: "d"}, Back: &history.TurnBack{Reason: "r", Blame: true}}
	state.Reject(history.Rejection{Origin: history.Origin{Digest: "x"}, Reason: "crashes"})
	if err := store.Save(state); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir).State()
	if again.Attempt != 7 || !again.InFlight.TurnedBack() || again.Rejection("x").Reason != "crashes" || again.Rejection("y") != nil {
		t.Errorf("%+v", again)
	}
}

func TestOneAgentANode(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	if _, err := history.Open(dir); !errors.Is(err, history.ErrLocked) {
		t.Errorf("a second one: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestAStateThatCannotBeReadIsNotForgotten(t *testing.T) {
	for name, content := range map[string]string{
		"truncated":        `{"apiVersion": "perch/v1alp`,
		"empty":            ``,
		"a newer version":  `{"apiVersion": "perch/v2", "kind": "State"}`,
		"of another thing": `{"apiVersion": "perch/v1alpha1", "kind": "Fleet"}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "state.json")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := history.Open(dir)
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "move the file away") {
				t.Errorf("%v", err)
			}
			if kept, _ := os.ReadFile(path); string(kept) != content {
				t.Error("the file was changed")
			}
		})
	}
}

func TestAStagedRevisionIsReadBackByteForByte(t *testing.T) {
	store := open(t, t.TempDir())
	for _, r := range []history.Revision{revision(t, "a:1", "b:1"), revision(t)} {
		if err := store.Stage(r); err != nil {
			t.Fatal(err)
		}
		got, err := store.Load(r.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if got.Origin != r.Origin || len(got.Manifests) != len(r.Manifests) {
			t.Errorf("%+v", got)
		}
		for i := range got.Manifests {
			if string(got.Manifests[i].Data) != string(r.Manifests[i].Data) {
				t.Errorf("%s differs", got.Manifests[i].File)
			}
		}
	}
}

func TestARevisionThatTheDiskDamagedIsNoticedAndStagedAgain(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"a changed manifest": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "pod-0.yaml"), []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: pod-0, namespace: kube-system}\n"), 0o600)
		},
		"a truncated manifest": func(dir string) error { return os.Truncate(filepath.Join(dir, "pod-0.yaml"), 20) },
		"a missing manifest":   func(dir string) error { return os.Remove(filepath.Join(dir, "pod-0.yaml")) },
		"a truncated meta":     func(dir string) error { return os.Truncate(filepath.Join(dir, "meta.json"), 20) },
		"a missing meta":       func(dir string) error { return os.Remove(filepath.Join(dir, "meta.json")) },
		"a path in meta": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "meta.json"), []byte(`{"files":["../../state.json"]}`), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store, r := open(t, dir), revision(t, "a:1")
			if err := store.Stage(r); err != nil {
				t.Fatal(err)
			}
			if err := damage(filepath.Join(dir, "revisions", r.Digest)); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Load(r.Digest); err == nil {
				t.Fatal("loaded a damaged revision")
			}
			if err := store.Stage(r); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Load(r.Digest); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTenRevisionsStayAndThoseInUseBesides(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	first := revision(t, "image:0")
	for i := range 15 {
		r := revision(t, fmt.Sprintf("image:%d", i))
		if err := store.Stage(r); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(time.Duration(i-100) * time.Hour)
		if err := os.Chtimes(filepath.Join(dir, "revisions", r.Digest), old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Save(history.State{Confirmed: &first.Origin}); err != nil {
		t.Fatal(err)
	}
	if err := store.Prune(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "revisions"))
	if err != nil || len(entries) != 11 {
		t.Errorf("%d revisions, %v", len(entries), err)
	}
	for _, image := range []string{"image:0", "image:14", "image:5"} {
		if _, err := store.Load(revision(t, image).Digest); err != nil {
			t.Errorf("%s: %v", image, err)
		}
	}
	if _, err := store.Load(revision(t, "image:4").Digest); err == nil {
		t.Error("image:4, the newest of those to go, is still there")
	}
}

func TestAHalfStagedRevisionIsSweptAtTheNextStart(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	half := filepath.Join(dir, "revisions", ".staging-abc")
	if err := os.MkdirAll(half, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestRejectionsAreBoundedAndNewestLast(t *testing.T) {
	var state history.State
	for i := range 500 {
		state.Reject(history.Rejection{Origin: history.Origin{Digest: fmt.Sprint(i % 300)}})
	}
	if n := len(state.Rejected); n != 200 || state.Rejected[n-1].Digest != "199" {
		t.Errorf("%d, last %s", n, state.Rejected[n-1].Digest)
	}
}

func TestTheLastSyncIsAdvisory(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	if last, err := history.ReadLastSync(dir); last != nil || err != nil {
		t.Errorf("%v, %v before the first", last, err)
	}
	want := history.LastSync{Time: time.Unix(5, 0).UTC(), Outcome: "Failed", Error: "no route"}
	if err := store.SaveLastSync(want); err != nil {
		t.Fatal(err)
	}
	if last, err := history.ReadLastSync(dir); err != nil || *last != want {
		t.Errorf("%v, %v", last, err)
	}
	if err := os.Truncate(filepath.Join(dir, "last-sync.json"), 5); err != nil {
		t.Fatal(err)
	}
	if last, err := history.ReadLastSync(dir); last != nil || err != nil {
		t.Errorf("%v, %v of a torn record", last, err)
	}
}
