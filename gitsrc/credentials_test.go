package gitsrc_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/perch-gitops/perch/gitsrc"
)

// seen collects the Authorization headers that reach a server.
type seen struct {
	mu      sync.Mutex
	headers []string
}

func (s *seen) wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s.mu.Lock()
		s.headers = append(s.headers, req.Header.Get("Authorization"))
		s.mu.Unlock()
		h.ServeHTTP(w, req)
	})
}

func (s *seen) with() (n int) {
	for _, h := range s.headers {
		if h != "" {
			n++
		}
	}
	return n
}

func TestARedirectCarriesNoCredentialsToAnotherHost(t *testing.T) {
	r := newRepo(t)
	want := r.commit("a.yaml", "one\n")
	real := serve(t, r)
	for _, how := range []string{"in the URL", "from Auth"} {
		t.Run("credentials "+how, func(t *testing.T) {
			var here, there seen
			target := httptest.NewServer(there.wrap(real.Config.Handler))
			defer target.Close()
			front := httptest.NewServer(here.wrap(http.RedirectHandler("", 0)))
			front.Config.Handler = here.wrap(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				http.Redirect(w, req, target.URL+req.URL.String(), http.StatusFound)
			}))
			defer front.Close()
			url := front.URL + "/fleet/.git"
			s, _ := source(t, strings.Replace(url, "://", "://ada:hunter2@", 1))
			if how == "from Auth" {
				s, _ = source(t, url, func(c *gitsrc.Config) {
					c.Auth = func() (transport.AuthMethod, error) {
						return &githttp.BasicAuth{Username: "ada", Password: "hunter2"}, nil
					}
				})
			}
			wantCommit(t, fetch(t, s), want)
			if here.with() != len(here.headers) || here.with() == 0 {
				t.Errorf("the named host got credentials %d times in %d requests", here.with(), len(here.headers))
			}
			if there.with() != 0 || len(there.headers) != 2 {
				t.Errorf("another host got credentials %d times in %d requests", there.with(), len(there.headers))
			}
		})
	}
}

func TestErrorsNeverShowThePassword(t *testing.T) {
	const password = "hunter2/ü"
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, p, _ := req.BasicAuth()
		http.Error(w, "wrong password "+p+"\x1b[31m"+strings.Repeat("<p>", 5000), http.StatusForbidden)
	}))
	defer echo.Close()
	for name, url := range map[string]string{"a host that is gone": gone.URL, "a server that repeats it": echo.URL} {
		t.Run(name, func(t *testing.T) {
			url := strings.Replace(url, "://", "://ada:hunter2%2F%C3%BC@", 1) + "/fleet.git"
			s, _ := source(t, url)
			err := fetchError(t, s, "http://ada:xxxxx@127.0.0.1")
			for _, secret := range []string{password, "hunter2", "\x1b"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows %q: %v", secret, err)
				}
			}
			if len(err.Error()) > 2000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestTheCacheDoesNotHoldThePassword(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "one\n")
	url := strings.Replace(serve(t, r).url(), "://", "://ada:hunter2@", 1)
	s, cfg := source(t, url)
	fetch(t, s)
	if marker := string(read(t, cfg.Dir+"/perch-cache")); strings.Contains(marker, "hunter2") {
		t.Errorf("the marker says %q", marker)
	}
}
