package gitsrc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/go-git/go-git/v5/plumbing/transport"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"
)

// sshConfig takes the credentials as they are, or by default the keys of the
// SSH agent and the host keys of the known_hosts files. A host that is in
// neither is refused: there is no trust on first use.
func sshConfig(ctx context.Context, user, addr string, auth transport.AuthMethod) (*ssh.ClientConfig, func(), error) {
	none := func() {}
	if auth != nil {
		method, ok := auth.(gitssh.AuthMethod)
		if !ok {
			return nil, none, fmt.Errorf("credentials %q are not for ssh", auth.Name())
		}
		config, err := method.ClientConfig()
		return config, none, err
	}
	if user == "" {
		user = gitssh.DefaultUsername
	}
	socket := os.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return nil, none, errors.New("no ssh credentials: none are configured and SSH_AUTH_SOCK names no agent")
	}
	hosts, err := gitssh.NewKnownHostsDb()
	if err != nil {
		return nil, none, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, none, fmt.Errorf("ask the ssh agent: %w", err)
	}
	// An agent may wait for a person, or for ever.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	return &ssh.ClientConfig{
		User:              user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeysCallback(agent.NewClient(conn).Signers)},
		HostKeyCallback:   hosts.HostKeyCallback(),
		HostKeyAlgorithms: hosts.HostKeyAlgorithms(addr),
	}, func() { stop(); _ = conn.Close() }, nil
}

// hintHostKey tells an unknown host from one whose key changed.
func hintHostKey(err error, addr string) error {
	var key *knownhosts.KeyError
	if !errors.As(err, &key) {
		return err
	}
	if len(key.Want) == 0 {
		return fmt.Errorf("%w; check the key of %s and add it to /etc/ssh/ssh_known_hosts", err, addr)
	}
	return fmt.Errorf("%w; the key of %s is not the known one: it was replaced, or somebody is in between", err, addr)
}
