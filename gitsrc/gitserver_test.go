package gitsrc_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perch-gitops/perch/gitsrc"
)

// server is git http-backend behind a real HTTP server.
type server struct {
	*httptest.Server
	requests, packs, bytes atomic.Int64
}

// serve serves a repository over smart HTTP. Its URL is url().
func serve(t testing.TB, r *repo) *server {
	t.Helper()
	execPath := r.git("--exec-path")
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s.requests.Add(1)
		if req.Method == http.MethodPost {
			s.packs.Add(1)
		}
		backend := cgi.Handler{
			Path: filepath.Join(execPath, "git-http-backend"),
			Env: append([]string{
				"GIT_PROJECT_ROOT=" + filepath.Dir(r.dir), "GIT_HTTP_EXPORT_ALL=1",
				"GIT_PROTOCOL=" + req.Header.Get("Git-Protocol"),
			}, gitEnv...),
			Stderr: io.Discard,
			Logger: log.New(io.Discard, "", 0),
		}
		backend.ServeHTTP(&countedWriter{w, &s.bytes}, req)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) url() string { return s.URL + "/fleet/.git" }

type countedWriter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (w *countedWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.n.Add(int64(n))
	return n, err
}

// source makes a Source for main of url, with its cache in a new folder. The
// functions change the configuration.
func source(t testing.TB, url string, change ...func(*gitsrc.Config)) (*gitsrc.Source, gitsrc.Config) {
	t.Helper()
	cfg := gitsrc.Config{URL: url, Ref: "main", Dir: filepath.Join(t.TempDir(), "git"), Timeout: time.Minute}
	for _, c := range change {
		c(&cfg)
	}
	s, err := gitsrc.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s, cfg
}

func fetch(t testing.TB, s *gitsrc.Source) *gitsrc.Commit {
	t.Helper()
	c, err := s.Fetch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fetchError fetches and expects an error that says all of these.
func fetchError(t testing.TB, s *gitsrc.Source, says ...string) error {
	t.Helper()
	c, err := s.Fetch(context.Background())
	if err == nil {
		t.Fatalf("fetch returned %s, and should have failed", c)
	}
	errorSays(t, err, says...)
	return err
}

func errorSays(t testing.TB, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("there is no error; it should say %q", says)
	}
	for _, want := range says {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
}

func wantCommit(t testing.TB, c *gitsrc.Commit, hash string) {
	t.Helper()
	if c.Hash != hash {
		t.Fatalf("commit is %s, want %s", c.Hash, hash)
	}
}
