package gitsrc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/perch-gitops/perch/gitsrc"
)

const short = 500 * time.Millisecond

// listen accepts connections and hands each to serve, until the test ends.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			go serve(conn)
		}
	}()
	return l.Addr().String()
}

// trickle sends text a byte at a time, and then the last byte for ever.
func trickle(text string) func(net.Conn) {
	return func(conn net.Conn) {
		for i := 0; ; i++ {
			if _, err := conn.Write([]byte{text[min(i, len(text)-1)]}); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func TestSlowServersEndWithinTheTimeout(t *testing.T) {
	silent := func(net.Conn) {}
	key, _ := newKey(t)
	auth := (&sshd{user: "git", client: key, hostKey: key.PublicKey()}).auth
	cases := map[string]struct {
		scheme string
		serve  func(net.Conn)
		auth   func() (transport.AuthMethod, error)
	}{
		"an HTTP server that says nothing":       {"http", silent, nil},
		"a TLS server that says nothing":         {"https", silent, nil},
		"an HTTP server that trickles headers":   {"http", trickle("HTTP/1.1 200 OK\r\nX: yyyy"), nil},
		"an HTTP server that trickles the refs":  {"http", trickleBody("200 OK"), nil},
		"an HTTP server that trickles an error":  {"http", trickleBody("500 Oops"), nil},
		"an SSH server that says nothing":        {"ssh", silent, auth},
		"an SSH server that trickles its banner": {"ssh", trickle("SSH-2.0-x"), auth},
	}
	before := runtime.NumGoroutine()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			url := tc.scheme + "://" + listen(t, tc.serve) + "/fleet.git"
			s, _ := source(t, url, func(c *gitsrc.Config) { c.Timeout = short; c.Auth = tc.auth })
			start := time.Now()
			err := fetchError(t, s, "fetch "+url+" main: list the refs:")
			if took := time.Since(start); took > 2*short {
				t.Errorf("it took %s: %v", took, err)
			}
		})
	}
	noGoroutinesLeak(t, before)
}

func trickleBody(status string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 "+status+"\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n\r\n")
		trickle("001e# service=git-upload-pack\n0000ffff")(conn)
	}
}

func TestAPackThatTricklesEndsWithinTheTimeout(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "one\n")
	real := serve(t, r)
	before := runtime.NumGoroutine()
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet {
			real.Config.Handler.ServeHTTP(w, req)
			return
		}
		_, _ = io.WriteString(w, "0008NAK\n")
		for req.Context().Err() == nil {
			_, _ = io.WriteString(w, "0006\x02.")
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	}))
	s, _ := source(t, slow.URL+"/fleet/.git", func(c *gitsrc.Config) { c.Timeout = short })
	start := time.Now()
	err := fetchError(t, s, "download: not done within 500ms")
	if took := time.Since(start); took > 3*short || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it took %s: %v", took, err)
	}
	slow.Close()
	noGoroutinesLeak(t, before)
}

func TestAStoppedFetchReturnsAtOnce(t *testing.T) {
	key, _ := newKey(t)
	auth := (&sshd{user: "git", client: key, hostKey: key.PublicKey()}).auth
	for scheme, auth := range map[string]func() (transport.AuthMethod, error){"http": nil, "ssh": auth} {
		t.Run(scheme, func(t *testing.T) {
			s, _ := source(t, scheme+"://"+listen(t, func(net.Conn) {})+"/x", func(c *gitsrc.Config) { c.Auth = auth })
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(100*time.Millisecond, cancel)
			start := time.Now()
			_, err := s.Fetch(ctx)
			if took := time.Since(start); took > time.Second || !errors.Is(err, context.Canceled) {
				t.Errorf("it took %s: %v", took, err)
			}
		})
	}
	t.Run("local", func(t *testing.T) {
		r := newRepo(t)
		r.commit("a.yaml", "one\n")
		s, _ := source(t, r.dir)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := s.Fetch(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a fetch with an ended context says %v", err)
		}
	})
}

func TestAFetchLeavesNoGoroutine(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "one\n")
	srv, d := serve(t, r), startSSHD(t)
	overHTTP, _ := source(t, srv.url())
	overSSH, _ := source(t, d.url(r.dir), func(c *gitsrc.Config) { c.Auth = d.auth })
	before := runtime.NumGoroutine()
	for range 3 {
		fetch(t, overHTTP)
		fetch(t, overSSH)
		r.commit("a.yaml", r.blobless(0))
	}
	noGoroutinesLeak(t, before)
}

func noGoroutinesLeak(t *testing.T, before int) {
	t.Helper()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var ours []string
	for _, g := range strings.Split(string(stacks), "\n\n") {
		if strings.Contains(g, "gitsrc.") || strings.Contains(g, "x/crypto/ssh") {
			ours = append(ours, g)
		}
	}
	t.Errorf("%d goroutines became %d:\n%s", before, runtime.NumGoroutine(), strings.Join(ours, "\n\n"))
}
