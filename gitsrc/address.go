package gitsrc

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// address is a repository URL, taken apart once.
type address struct {
	shown    string   // without the password, for people and for the cache's marker
	secrets  []string // what must not appear in any error
	local    string   // the folder, for a local repository
	endpoint transport.Endpoint
	basic    *githttp.BasicAuth // the user and password in an HTTP URL
}

// scpLike is git's short form for SSH: [user@]host:path.
var scpLike = regexp.MustCompile(`^(?:[^@/:\s]+@)?([^@/:\s]+):([^\s]+)$`)

func parseAddress(raw string) (address, error) {
	switch {
	case raw == "":
		return address{}, errors.New("url: is empty; name a repository, such as https://git.example.com/fleet.git")
	case strings.ContainsFunc(raw, isControl), strings.HasPrefix(raw, "-"):
		return address{}, fmt.Errorf("url %q: starts with a dash or holds control characters", redact(raw))
	case filepath.IsAbs(raw):
		return address{shown: filepath.Clean(raw), local: filepath.Clean(raw)}, nil
	case strings.Contains(raw, "://"):
		return parseURL(raw)
	}
	match := scpLike.FindStringSubmatch(raw)
	if match == nil || strings.HasPrefix(match[1], "-") {
		return address{}, fmt.Errorf("url %q: is neither a URL nor git@host:path; a local repository needs its absolute path", redact(raw))
	}
	endpoint, err := transport.NewEndpoint(raw)
	if err != nil {
		return address{}, fmt.Errorf("url %q: %w", redact(raw), err)
	}
	return address{shown: raw, endpoint: *endpoint}, nil
}

func parseURL(raw string) (address, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// url.Error repeats the URL with its password.
		return address{}, fmt.Errorf("url %q: cannot be parsed", redact(raw))
	}
	refuse := func(why string) (address, error) { return address{}, fmt.Errorf("url %q: %s", redact(raw), why) }
	switch u.Scheme {
	case "file":
		if (u.Host != "" && u.Host != "localhost") || !filepath.IsAbs(u.Path) {
			return refuse("file:// needs an absolute path on this machine")
		}
		return address{shown: "file://" + filepath.Clean(u.Path), local: filepath.Clean(u.Path)}, nil
	case "http", "https", "ssh":
	default:
		return refuse(fmt.Sprintf("scheme %q is not one of https, http, ssh, file", u.Scheme))
	}
	if u.Hostname() == "" || strings.HasPrefix(u.Hostname(), "-") {
		return refuse("has no usable host")
	}
	if u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return refuse("has a ? or # part, which repositories do not have")
	}
	endpoint, err := transport.NewEndpoint(raw)
	if err != nil {
		return refuse("cannot be parsed")
	}
	a := address{shown: u.Redacted(), endpoint: *endpoint}
	if endpoint.Password != "" {
		a.secrets = []string{endpoint.Password, url.PathEscape(endpoint.Password), url.QueryEscape(endpoint.Password)}
	}
	if u.Scheme != "ssh" && (endpoint.User != "" || endpoint.Password != "") {
		a.basic = &githttp.BasicAuth{Username: endpoint.User, Password: endpoint.Password}
		// Credentials travel as a header alone, so that no request URL, and no
		// error that quotes one, ever holds them.
		a.endpoint.User, a.endpoint.Password = "", ""
	}
	return a, nil
}

var passwordInURL = regexp.MustCompile(`(://[^/@:]*):[^/]*@`)

// redact hides the password of a URL that may not even parse.
func redact(raw string) string {
	return passwordInURL.ReplaceAllString(raw, "$1:xxxxx@")
}

func isControl(r rune) bool {
	return r < 0x20 || (r >= 0x7f && r < 0xa0)
}
