//go:build e2e

package e2e

import (
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// gitServer is a real smart-HTTP server, git http-backend, and a clone to push from.
type gitServer struct {
	t        *testing.T
	url      string
	tree     string
	away     atomic.Bool // answers nothing but 503
	requests atomic.Int64
}

func startGit(t *testing.T) *gitServer {
	t.Helper()
	root := t.TempDir()
	g := &gitServer{t: t, tree: filepath.Join(root, "clone")}
	backend := &cgi.Handler{
		Path: "/usr/lib/git-core/git-http-backend",
		Env:  []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.requests.Add(1)
		if g.away.Load() {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		handler := *backend
		handler.Env = append([]string{"GIT_PROTOCOL=" + r.Header.Get("Git-Protocol")}, backend.Env...)
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	g.url = server.URL + "/fleet.git"
	bare := filepath.Join(root, "fleet.git")
	g.run(root, "init", "-q", "--bare", "-b", "main", bare)
	g.run(root, "clone", "-q", bare, g.tree)
	return g
}

// push commits all that has changed in the clone and returns the commit.
func (g *gitServer) push(subject string) string {
	g.t.Helper()
	g.run(g.tree, "add", "-A")
	g.run(g.tree, "commit", "-q", "-m", subject)
	g.run(g.tree, "push", "-q", "origin", "HEAD:main")
	return g.run(g.tree, "rev-parse", "HEAD")
}

// revert takes the last commit back, by another commit.
func (g *gitServer) revert() string {
	g.t.Helper()
	g.run(g.tree, "revert", "--no-edit", "HEAD")
	g.run(g.tree, "push", "-q", "origin", "HEAD:main")
	return g.run(g.tree, "rev-parse", "HEAD")
}

func (g *gitServer) run(dir string, args ...string) string {
	g.t.Helper()
	command := exec.Command("git", append([]string{"-c", "user.name=tester", "-c", "user.email=tester@example.com"}, args...)...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	if err != nil {
		g.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}
