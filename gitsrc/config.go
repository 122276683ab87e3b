package gitsrc

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// DefaultTimeout bounds each network step when Config.Timeout is zero.
const DefaultTimeout = 2 * time.Minute

// Config says which branch of which repository, and where to keep it.
type Config struct {
	// URL is https, http, ssh://, scp-like (git@host:path), file:// or an
	// absolute local path.
	URL string
	// Ref is a branch: "main" or "refs/heads/main".
	Ref string
	// Dir is the cache, a bare repository that may be deleted at any time. Its
	// neighbour Dir+".new" is used while cloning. A folder that is not ours is
	// never removed: it is an error.
	Dir string
	// Timeout bounds each network step: connecting and listing the refs is one,
	// downloading is another. Zero means DefaultTimeout.
	Timeout time.Duration
	// Limits that are zero mean their defaults.
	Limits Limits
	// Verify refuses a commit by returning an error. It is asked on every Fetch,
	// also about a commit that it accepted before, because what it trusts may
	// have changed. Parents can be read through c. Nil accepts all.
	Verify func(ctx context.Context, c *object.Commit) error
	// Auth returns the credentials, and is asked for each connection so that
	// they can be renewed. They must be an AuthMethod of go-git's transport/http
	// or transport/ssh, whichever the URL needs. For SSH, set HostKeyAlgorithms
	// along with HostKeyCallback: without it the server may offer a key of a type
	// that the callback does not know. Nil means the user and password in the URL
	// for HTTP, and the SSH agent with the known_hosts files for SSH.
	Auth func() (transport.AuthMethod, error)
}

// Validate reports every mistake that can be seen without the network.
func (c Config) Validate() error {
	var errs []error
	if _, err := parseAddress(c.URL); err != nil {
		errs = append(errs, err)
	}
	if _, err := branch(c.Ref); err != nil {
		errs = append(errs, err)
	}
	if !filepath.IsAbs(c.Dir) || filepath.Clean(c.Dir) == "/" {
		errs = append(errs, fmt.Errorf("cache folder %q: must be an absolute path, and not /", c.Dir))
	}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("timeout %s: must not be negative", c.Timeout))
	}
	if err := c.Limits.validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// branch returns the full name of a branch, by the rules of git
// check-ref-format and git branch.
func branch(ref string) (plumbing.ReferenceName, error) {
	if ref == "" {
		return "", errors.New("ref: is empty; name a branch, such as main")
	}
	name := plumbing.ReferenceName(ref)
	if !strings.HasPrefix(ref, "refs/") {
		name = plumbing.NewBranchReferenceName(ref)
	}
	if !name.IsBranch() {
		return "", fmt.Errorf("ref %q: is not a branch; write main or refs/heads/main", ref)
	}
	short := name.Short()
	if short == "HEAD" || short == "@" || name.Validate() != nil {
		return "", fmt.Errorf("ref %q: git does not allow this name for a branch", ref)
	}
	return name, nil
}
