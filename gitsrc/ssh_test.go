package gitsrc_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/perch-gitops/perch/gitsrc"
	"golang.org/x/crypto/ssh"
)

func TestSSHTellsWhatIsWrong(t *testing.T) {
	d := startSSHD(t)
	r := newRepo(t)
	r.commit("a.yaml", "one\n")

	s, _ := source(t, d.url("/nowhere/it's.git"), func(c *gitsrc.Config) { c.Auth = d.auth })
	fetchError(t, s, "/nowhere/it's.git", "does not appear to be a git repository")

	otherKey, _ := newKey(t)
	s, _ = source(t, d.url(r.dir), func(c *gitsrc.Config) {
		c.Auth = func() (transport.AuthMethod, error) {
			other := *d
			other.hostKey = otherKey.PublicKey()
			return other.auth()
		}
	})
	fetchError(t, s, "host key mismatch")
}

func TestSSHUsesTheAgentAndKnownHostsByDefault(t *testing.T) {
	d := startSSHD(t)
	r := newRepo(t)
	want := r.commit("a.yaml", "one\n")
	t.Setenv("SSH_AUTH_SOCK", startAgent(t, d.key))
	hosts := filepath.Join(t.TempDir(), "known_hosts")
	t.Setenv("SSH_KNOWN_HOSTS", hosts)

	write(t, hosts, "# nobody is known\n")
	s, _ := source(t, d.url(r.dir))
	fetchError(t, s, "key is unknown", "add it to /etc/ssh/ssh_known_hosts") // no trust on first use

	host, port, _ := net.SplitHostPort(d.addr)
	write(t, hosts, fmt.Sprintf("[%s]:%s %s", host, port, ssh.MarshalAuthorizedKey(d.hostKey)))
	wantCommit(t, fetch(t, s), want)

	other, _ := newKey(t)
	write(t, hosts, fmt.Sprintf("[%s]:%s %s", host, port, ssh.MarshalAuthorizedKey(other.PublicKey())))
	fetchError(t, s, "is not the known one")

	t.Setenv("SSH_AUTH_SOCK", "")
	fetchError(t, s, "no ssh credentials")
}

func TestAnSSHAgentThatSaysNothingEndsWithinTheTimeout(t *testing.T) {
	d := startSSHD(t)
	dir, err := os.MkdirTemp("", "agent") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	defer l.Close()
	t.Setenv("SSH_AUTH_SOCK", l.Addr().String())
	hosts := filepath.Join(dir, "known_hosts")
	t.Setenv("SSH_KNOWN_HOSTS", hosts)
	host, port, _ := net.SplitHostPort(d.addr)
	write(t, hosts, fmt.Sprintf("[%s]:%s %s", host, port, ssh.MarshalAuthorizedKey(d.hostKey)))
	s, _ := source(t, d.url("/x"), func(c *gitsrc.Config) { c.Timeout = short })
	start := time.Now()
	fetchError(t, s, "list the refs: not done within")
	if took := time.Since(start); took > 3*short {
		t.Errorf("it took %s", took)
	}
}
