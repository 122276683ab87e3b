package gitsrc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"
)

// sshSession is a conversation over SSH. go-git's own cannot be used: its
// handshake knows no deadline, so a server that accepts and says nothing holds
// it, and its goroutines, forever.
type sshSession struct {
	conn    net.Conn
	client  *ssh.Client
	session *ssh.Session
	in      io.WriteCloser
	out     io.ReadCloser
	stderr  *firstBytes
}

func dialSSH(ctx context.Context, endpoint *transport.Endpoint, auth transport.AuthMethod, m *meter) (_ *sshSession, err error) {
	addr := sshAddr(endpoint)
	config, done, err := sshConfig(ctx, endpoint.User, addr, auth)
	if err != nil {
		return nil, err
	}
	defer done()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &sshSession{conn: conn, stderr: &firstBytes{}}
	defer s.closeWhenDone(ctx)()
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	c, channels, requests, err := ssh.NewClientConn(conn, addr, config)
	if err != nil {
		return nil, hintHostKey(err, addr)
	}
	s.client = ssh.NewClient(c, channels, requests)
	return s, s.start(endpoint.Path, m)
}

// start runs git-upload-pack on the server.
func (s *sshSession) start(path string, m *meter) (err error) {
	if s.session, err = s.client.NewSession(); err != nil {
		return err
	}
	if s.in, err = s.session.StdinPipe(); err != nil {
		return err
	}
	out, err := s.session.StdoutPipe()
	if err != nil {
		return err
	}
	s.out = meteredReader{io.NopCloser(out), m}
	s.session.Stderr = s.stderr
	return s.session.Start(transport.UploadPackServiceName + " " + shellQuote(path))
}

func (s *sshSession) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	defer s.closeWhenDone(ctx)()
	refs := packp.NewAdvRefs()
	switch err := refs.Decode(s.out); {
	case errors.Is(err, packp.ErrEmptyAdvRefs):
		return nil, transport.ErrEmptyRemoteRepository
	case err != nil:
		return nil, s.said(err)
	case refs.IsEmpty():
		return nil, transport.ErrEmptyRemoteRepository
	}
	transport.FilterUnsupportedCapabilities(refs.Capabilities)
	return refs, nil
}

func (s *sshSession) UploadPack(ctx context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	stop := s.closeWhenDone(ctx)
	resp := packp.NewUploadPackResponse(req)
	err := s.ask(req)
	if err == nil {
		err = resp.Decode(stopper{s.out, stop})
	}
	if err != nil {
		defer stop()
		return nil, s.said(err)
	}
	return resp, nil
}

func (s *sshSession) ask(req *packp.UploadPackRequest) error {
	if err := req.UploadRequest.Encode(s.in); err != nil {
		return err
	}
	if err := req.UploadHaves.Encode(s.in, true); err != nil {
		return err
	}
	if _, err := io.WriteString(s.in, "0009done\n"); err != nil {
		return err
	}
	return s.in.Close()
}

func (s *sshSession) Close() error {
	if s.client != nil {
		return s.client.Close() // ends the session and the connection
	}
	return s.conn.Close()
}

// closeWhenDone ends the connection when ctx ends before stop is called. SSH
// itself knows no contexts: this is what unblocks its reads and writes.
func (s *sshSession) closeWhenDone(ctx context.Context) (stop func()) {
	cancel := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	return func() { cancel() }
}

// said adds what the server wrote to its stderr, where git servers explain why
// they hung up.
func (s *sshSession) said(err error) error {
	_ = s.session.Close()
	_ = s.session.Wait() // until all of stderr is here
	if text := s.stderr.String(); text != "" {
		return fmt.Errorf("%w: the server says: %s", err, text)
	}
	return err
}

func sshAddr(endpoint *transport.Endpoint) string {
	port := endpoint.Port
	if port == 0 {
		port = gitssh.DefaultPort
	}
	return net.JoinHostPort(strings.Trim(endpoint.Host, "[]"), strconv.Itoa(port))
}
