package gitsrc_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// sshd is OpenSSH's server on loopback, with keys of its own.
type sshd struct {
	addr    string
	user    string
	client  ssh.Signer
	key     ed25519.PrivateKey // the client's
	hostKey ssh.PublicKey
}

func startSSHD(t *testing.T) *sshd {
	t.Helper()
	binary, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		t.Fatal("there is no /usr/sbin/sshd: install the package openssh-server")
	}
	if os.Geteuid() == 0 {
		_ = os.MkdirAll("/run/sshd", 0o755) // its privilege separation folder
	}
	dir := t.TempDir()
	d := &sshd{addr: freeAddr(t)}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	d.user = me.Username
	hostSigner, hostKey := newKey(t)
	d.hostKey = hostSigner.PublicKey()
	d.client, d.key = newKey(t)
	block, err := ssh.MarshalPrivateKey(hostKey, "")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "host"), string(pem.EncodeToMemory(block)))
	write(t, filepath.Join(dir, "authorized"), string(ssh.MarshalAuthorizedKey(d.client.PublicKey())))
	host, port, _ := net.SplitHostPort(d.addr)
	write(t, filepath.Join(dir, "config"), fmt.Sprintf(`
ListenAddress %s
Port %s
HostKey %s/host
AuthorizedKeysFile %s/authorized
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
`, host, port, dir, dir))
	cmd := exec.Command(binary, "-D", "-e", "-f", filepath.Join(dir, "config"))
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	d.waitFor(t, &log)
	return d
}

// waitFor waits until the server listens.
func (d *sshd) waitFor(t *testing.T, log fmt.Stringer) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", d.addr)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("sshd does not listen: %s", log)
		}
	}
}

func (d *sshd) url(dir string) string { return "ssh://" + d.user + "@" + d.addr + dir }

func (d *sshd) auth() (transport.AuthMethod, error) {
	return &gitssh.PublicKeys{User: d.user, Signer: d.client, HostKeyCallbackHelper: gitssh.HostKeyCallbackHelper{
		HostKeyCallback:   ssh.FixedHostKey(d.hostKey),
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
	}}, nil
}

func newKey(t *testing.T) (ssh.Signer, ed25519.PrivateKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, private
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startAgent serves one key over the protocol of ssh-agent.
func startAgent(t *testing.T, key ed25519.PrivateKey) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); os.RemoveAll(dir) })
	keyring := agent.NewKeyring()
	if err := keyring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(keyring, conn); conn.Close() }()
		}
	}()
	return socket
}
