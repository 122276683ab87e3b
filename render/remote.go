package render

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// remotePatterns are the forms that kustomize takes for something to fetch
// (api/internal/loader IsRemoteFile, api/internal/git NewRepoSpecFromURL), and some that
// other versions of it did or may. No path in a repository needs to look like them.
var remotePatterns = []*regexp.Regexp{
	regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`),                   // https://…, ssh://…, file://…, http:…, git::…, host:path
	regexp.MustCompile(`://`),                                         // a scheme further on
	regexp.MustCompile(`^[^/]*@[^/]*:`),                               // git@host:org/repo
	regexp.MustCompile(`(?i)^([^/@]*@)?github\.com[/:]`),              // github.com/org/repo
	regexp.MustCompile(`[?&](ref|version|submodules|timeout|depth)=`), // org/repo?ref=v1
	regexp.MustCompile(`[^/.]//`),                                     // org/repo//path
	regexp.MustCompile(`\.git(/|$|\?)`),                               // org/repo.git/path
	regexp.MustCompile(`(^|/)_git/`),                                  // org/project/_git/repo
}

const vendor = ": perch renders without network; copy (vendor) it into the repository and name it by a relative path"

// refuse says why a path in a kustomization is not one of a file in the repository; empty if it may be.
func refuse(p string) string {
	for _, re := range remotePatterns {
		if re.MatchString(p) {
			return fmt.Sprintf("%q is remote", p) + vendor
		}
	}
	switch {
	case p == "":
		return "is empty"
	case path.IsAbs(p):
		return fmt.Sprintf("%q is absolute: must be relative to the folder of this file", p)
	case strings.ContainsAny(p, "\\\x00\n\r"):
		return fmt.Sprintf("%q is no slash-separated path", p)
	}
	return ""
}

// hint adds to a "no such file" what a path like bitbucket.org/org/repo wants to be.
func hint(p string) string {
	first, rest, _ := strings.Cut(p, "/")
	if i := strings.LastIndexByte(first, '.'); rest != "" && i > 0 && i < len(first)-1 {
		return "; if it is remote" + vendor
	}
	return ""
}

// inert writes a path so that kustomize cannot take it for anything to fetch, whatever
// it is: it begins with ./ or ../, which rules out a scheme, a user and a host, and is
// clean, which rules out the "//" and the query forms that need a host in front.
func inert(p string) string {
	p = path.Clean(p)
	if p == ".." || strings.HasPrefix(p, "../") {
		return p
	}
	return "./" + strings.TrimPrefix(p, "/")
}
