package gitsrc_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/perch-gitops/perch/gitsrc"
)

func TestURLs(t *testing.T) {
	cases := map[string]string{ // the URL, and what its error says; "" for none
		"https://git.example.com/fleet.git":    "",
		"https://ada:pw@git.example.com/fleet": "",
		"http://[::1]:8080/fleet.git":          "",
		"ssh://git@git.example.com:2222/fleet": "",
		"git@git.example.com:team/fleet.git":   "",
		"git.example.com:fleet":                "",
		"/srv/git/fleet.git":                   "",
		"file:///srv/git/fleet.git":            "",
		"":                                     "url: is empty",
		"fleet.git":                            "absolute path",
		"./fleet.git":                          "absolute path",
		"git://git.example.com/fleet.git":      `scheme "git" is not one of https, http, ssh, file`,
		"ext::sh -c touch% /tmp/x":             "neither a URL",
		"ext://sh":                             `scheme "ext"`,
		"file://host/fleet":                    "absolute path on this machine",
		"https:///fleet.git":                   "no usable host",
		"ssh://-oProxyCommand=x/fleet":         "no usable host",
		"-oProxyCommand=x:fleet":               "starts with a dash",
		"https://h/fleet?x=1":                  "? or #",
		"https://h/\nfleet":                    "control characters",
		"https://ada:hunter2@h:port/fleet":     "https://ada:xxxxx@h:port/fleet",
		"gopher://ada:hunter2@h/fleet":         "gopher://ada:xxxxx@h/fleet",
	}
	for url, says := range cases {
		t.Run(url, func(t *testing.T) {
			err := gitsrc.Config{URL: url, Ref: "main", Dir: "/var/lib/perch/git"}.Validate()
			if says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			errorSays(t, err, says)
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func TestRefsAreJudgedLikeGitDoes(t *testing.T) {
	for _, ref := range []string{
		"main", "team/main", "release-1.2", "v1", "ü", "a@b", "refs/heads/main",
		"", "HEAD", "@", "-x", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[b", `a\b`, "a.lock", "a.lock/b",
		".a", "a/.b", "a.", "/a", "a/", "a//b", "a@{1}", "a\x01", "a\x7f",
	} {
		t.Run(ref, func(t *testing.T) {
			short := strings.TrimPrefix(ref, "refs/heads/")
			git := exec.Command(gitBinary, "check-ref-format", "--branch", short).Run() == nil && short != "@" && short != "HEAD"
			err := gitsrc.Config{URL: "/x", Ref: ref, Dir: "/x"}.Validate()
			if (err == nil) != git {
				t.Errorf("git allows it: %t; we say %v", git, err)
			}
			if err != nil && !strings.Contains(err.Error(), "ref") {
				t.Errorf("the error does not name the ref: %v", err)
			}
		})
	}
	errorSays(t, gitsrc.Config{URL: "/x", Ref: "refs/tags/v1", Dir: "/x"}.Validate(), "is not a branch")
}

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	_, err := gitsrc.New(gitsrc.Config{Dir: "relative", Timeout: -1, Limits: gitsrc.Limits{Files: -5}})
	errorSays(t, err, "url", "ref", `cache folder "relative"`, "timeout", "limit Files")
	errorSays(t, gitsrc.Config{URL: "/x", Ref: "main", Dir: "/"}.Validate(), `cache folder "/"`)
}
