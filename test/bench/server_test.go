//go:build bench

package bench

import (
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// server is git http-backend behind a real HTTP server on the loopback. What it uses counts for nobody.
type server struct {
	url   string
	bytes atomic.Int64 // on the wire, headers included, both ways
}

func serve(b testing.TB, r *repository) *server {
	b.Helper()
	backend := filepath.Join(git(b, r.bare, "--exec-path"), "git-http-backend")
	s := &server{}
	h := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		handler := cgi.Handler{Path: backend, Env: []string{
			"GIT_PROJECT_ROOT=" + filepath.Dir(r.bare), "GIT_HTTP_EXPORT_ALL=1",
			"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_PROTOCOL=" + req.Header.Get("Git-Protocol"), // without it a modern client would be spoken to as an old one
		}}
		handler.ServeHTTP(w, req)
	}))
	h.Listener = countedListener{h.Listener, &s.bytes}
	h.Start()
	b.Cleanup(h.Close)
	s.url = h.URL + "/" + filepath.Base(r.bare)
	return s
}

type countedListener struct {
	net.Listener
	bytes *atomic.Int64
}

func (l countedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countedConn{c, l.bytes}, nil
}

type countedConn struct {
	net.Conn
	bytes *atomic.Int64
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

func (c countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.bytes.Add(int64(n))
	return n, err
}
