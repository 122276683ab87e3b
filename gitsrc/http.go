package gitsrc

import (
	"net"
	"net/http"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// httpSession is a conversation over HTTP. go-git's own does the talking; it
// follows redirects for the first question only, never from https to http, and
// sends no credentials to any other host than the one in the URL.
type httpSession struct {
	transport.UploadPackSession
	transport *http.Transport
}

func newHTTPSession(endpoint *transport.Endpoint, auth transport.AuthMethod, timeout time.Duration, m *meter) (*httpSession, error) {
	// Not http.DefaultTransport: it has no limit on the wait for an answer, and
	// its connections are shared with the rest of the process. The context's
	// deadline is the outer bound; these say which part was slow.
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: min(timeout, 30*time.Second)}).DialContext,
		TLSHandshakeTimeout:    min(timeout, 30*time.Second),
		ResponseHeaderTimeout:  timeout,
		IdleConnTimeout:        timeout,
		MaxResponseHeaderBytes: 1 << 20,
		ForceAttemptHTTP2:      true,
	}
	client := githttp.NewClient(&http.Client{Transport: meteredTransport{t, m}})
	s, err := client.NewUploadPackSession(endpoint, auth)
	if err != nil {
		return nil, err
	}
	return &httpSession{s, t}, nil
}

// Close ends the connections, so that nothing of a poll outlives it.
func (s *httpSession) Close() error {
	err := s.UploadPackSession.Close()
	s.transport.CloseIdleConnections()
	return err
}

// meteredTransport counts the bytes of all answers, errors included, after
// decompression.
type meteredTransport struct {
	http.RoundTripper
	meter *meter
}

func (t meteredTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(req)
	if err == nil {
		resp.Body = meteredReader{resp.Body, t.meter}
	}
	return resp, err
}
