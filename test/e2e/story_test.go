//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// story is what a node goes through, told once for a control plane and once for a kubelet without any API.
type story struct {
	pods          []string                    // by wave
	first, second string                      // the Pods that the upgrade changes, in order
	upgrade       func(*rig)                  // to newer images and another flag
	badFlag       func(*rig)                  // second gets a flag that it does not know
	fix           func(*rig)                  // and then another one, that it knows
	both          func(*rig)                  // a good change of the first and the second Pod
	badImage      func(*rig)                  // an image that nobody has, for a Pod of the last wave
	remember      func(context.Context) error // writes something
	recall        func(context.Context) error // reads it
}

func (s story) tell(r *rig) {
	r.sub("Bootstrap", s.bootstraps)
	r.sub("Upgrade", s.upgrades)
	r.sub("BadFlag", s.takesABadFlagBack)
	r.sub("BadImage", s.takesABadImageBack)
	r.sub("BadManifests", s.refusesBadManifests)
	r.sub("CrashForward", s.finishesForwardAfterACrash)
	r.sub("CrashBack", s.finishesTheWayBackAfterACrash)
}

// bootstraps brings everything up on a node that runs nothing.
func (s story) bootstraps(r *rig) {
	if files := r.manifests(); len(files) != 0 {
		r.Fatalf("staticPodPath is not empty: %v", files)
	}
	r.start()
	commit := r.git.push("the first revision")
	r.tl.Add("test   pushed %.12s", commit)
	r.until(5*time.Minute, "the first revision is confirmed", func() bool { return r.confirmed(commit) })
	s.answers(r)
	if err := s.remember(r.Context()); err != nil {
		r.Fatal(err)
	}
	r.until(2*time.Minute, "the kubelet's Pods API answers", func() bool { _, err := r.n.Pods(r.Context()); return err == nil })
	if got := len(r.pods()); got != len(s.pods) {
		r.Errorf("%d Pods, want %d", got, len(s.pods))
	}
}

// answers checks from outside that the node serves what was written to it.
func (s story) answers(r *rig) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
	defer cancel()
	if !r.n.Standalone {
		if err := r.n.APIServerReady(ctx); err != nil {
			r.Errorf("the API server does not answer: %v", err)
		}
	}
}

// upgrades changes two Pods, one after the other, and no other.
func (s story) upgrades(r *rig) {
	before := r.pods()
	s.upgrade(r)
	r.start()
	commit := r.git.push("upgrade")
	r.tl.Add("test   pushed %.12s", commit)
	r.until(5*time.Minute, "the upgrade is confirmed", func() bool { return r.confirmed(commit) })
	after := r.pods()
	for _, name := range s.pods {
		changes := name == s.first || name == s.second
		if same := before[name].UID == after[name].UID; same == changes {
			r.Errorf("Pod %s: same UID %v, although its content changes %v", name, same, changes)
		}
	}
	ready := readySince(after[s.first])
	if written := r.modified(s.second); written.Before(ready) {
		r.Errorf("%s was written at %s, before %s was ready at %s", s.second, written, s.first, ready)
	}
	for _, name := range []string{s.first, s.second} {
		if digest := after[name].Annotations["perch/digest"]; !strings.Contains(r.manifests()[name+".yaml"], digest) {
			r.Errorf("Pod %s runs digest %s, the file has another", name, digest)
		}
	}
	s.answers(r)
	if err := s.recall(r.Context()); err != nil {
		r.Errorf("what was written before the upgrade is lost: %v", err)
	}
}

// takesABadFlagBack is the common bad day: it crash-loops, comes back, is not tried again, and the fix goes through.
func (s story) takesABadFlagBack(r *rig) {
	before, good := r.pods(), r.status().Confirmed
	s.badFlag(r)
	r.start()
	commit := r.git.push("a flag that does not exist")
	r.tl.Add("test   pushed %.12s", commit)
	r.until(4*time.Minute, "the bad flag is condemned", func() bool { return r.rejected(commit) })
	s.answers(r)
	if err := s.recall(r.Context()); err != nil {
		r.Error(err)
	}
	now := r.status()
	if *now.Confirmed != *good {
		r.Errorf("confirmed is %v, was %v", now.Confirmed, good)
	}
	if reason := now.Rejected[0].Reason; !strings.Contains(reason, s.second) || !strings.Contains(reason, "crashes") {
		r.Errorf("reason %q", reason)
	}
	taken := r.pods()
	for _, name := range s.pods {
		if name != s.second && taken[name].UID != before[name].UID {
			r.Errorf("Pod %s restarted", name)
		}
	}
	s.leavesItAlone(r)
	s.fix(r)
	fix := r.git.push("the fix")
	r.until(4*time.Minute, "the fix is confirmed", func() bool { return r.confirmed(fix) })
	if r.pods()[s.second].UID == taken[s.second].UID {
		r.Error("the fix did not reach the Pod")
	}
}

// leavesItAlone watches some polls go by after a revision was condemned.
func (s story) leavesItAlone(r *rig) {
	files, asked := r.manifests(), r.git.requests.Load()
	r.until(time.Minute, "three more polls", func() bool { return r.git.requests.Load() >= asked+3 })
	if !maps.Equal(files, r.manifests()) {
		r.Error("a condemned revision was tried again")
	}
	if last := r.status().LastSync; last.Outcome != "Refused" {
		r.Errorf("the last sync says %s", last.Outcome)
	}
}

// takesABadImageBack says by exit codes what became of it.
func (s story) takesABadImageBack(r *rig) {
	s.badImage(r)
	commit := r.git.push("an image that nobody has")
	r.tl.Add("test   pushed %.12s", commit)
	begun := time.Now()
	if code, said := r.once(); code != 3 {
		r.Fatalf("exit code %d, want 3: %s", code, said)
	}
	r.tl.Add("test   taken back within %s", time.Since(begun).Round(time.Second/10))
	if !r.rejected(commit) || !strings.Contains(r.status().Rejected[len(r.status().Rejected)-1].Reason, "ImagePullBackOff") {
		r.Errorf("status %+v", r.status())
	}
	if code, said := r.once(); code != 4 {
		r.Errorf("exit code %d the second time, want 4: %s", code, said)
	}
	s.answers(r)
	r.git.revert()
	if code, said := r.once(); code != 0 {
		r.Errorf("exit code %d after the revert, want 0: %s", code, said)
	}
}

// refusesBadManifests pushes what must never reach the kubelet.
func (s story) refusesBadManifests(r *rig) {
	var hits atomic.Int64
	remote := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer remote.Close()
	overlay := "overlays/extra"
	pod := "apiVersion: v1\nkind: Pod\nmetadata:\n  name: extra\n  namespace: kube-system\nspec:\n  containers:\n  - name: extra\n    image: perch.test/app:1\n"
	for _, c := range []struct{ name, pod, resources, want string }{
		{"a ConfigMap volume", pod + "  volumes:\n  - name: c\n    configMap:\n      name: c\n", "pod.yaml", "spec.volumes"},
		{"Kind for kind", strings.Replace(pod, "kind: Pod", "Kind: Pod", 1), "pod.yaml", "pod.yaml line 2"},
		{"an unknown field", pod + "  hostNetwrok: true\n", "pod.yaml", "spec.hostNetwrok"},
		{"a duplicate key", pod + "    image: perch.test/app:2\n", "pod.yaml", "pod.yaml line 10"},
		{"a remote base", pod, remote.URL + "/base.yaml", "kustomization.yaml line 2"},
		{"an overlay that renders nothing", pod, "", "renders no"},
	} {
		r.tl.Add("test   push %s", c.name)
		r.put(overlay+"/pod.yaml", c.pod)
		r.put(overlay+"/kustomization.yaml", "resources:\n- "+c.resources+"\n")
		if c.resources == "" {
			r.put(overlay+"/kustomization.yaml", "resources: []\n")
		}
		r.edit("perch.yaml", "overlays:\n", "overlays:\n- path: "+overlay+"\n  nodeSelector: {}\n")
		r.git.push(c.name)
		files, pods := r.manifests(), r.pods()
		code, said := r.once()
		if code != 1 || !strings.Contains(said, c.want) || !strings.Contains(said, overlay) || !strings.Contains(said, "nothing was changed") {
			r.Errorf("%s: exit code %d, want 1 and %q: %s", c.name, code, c.want, said)
		}
		if !maps.Equal(files, r.manifests()) || fmt.Sprint(uids(pods)) != fmt.Sprint(uids(r.pods())) {
			r.Errorf("%s: the node was touched", c.name)
		}
		r.git.revert()
	}
	if hits.Load() != 0 {
		r.Errorf("the remote base was asked %d times", hits.Load())
	}
	if code, said := r.once(); code != 0 {
		r.Errorf("exit code %d at the end: %s", code, said)
	}
}

func (r *rig) put(file, content string) {
	r.Helper()
	path := filepath.Join(r.git.tree, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		r.Fatal(err)
	}
}
