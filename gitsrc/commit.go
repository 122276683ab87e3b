package gitsrc

import (
	"io/fs"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/object"
)

const (
	maxSubject = 200 // bytes
	maxAuthor  = 200 // bytes
)

// Commit is one commit of the branch and the files in it.
type Commit struct {
	Hash    string    // 40 hexadecimal digits
	Author  string    // "Name <email>", safe to print, at most 200 bytes
	Subject string    // the message's first line, safe to print, at most 200 bytes
	Time    time.Time // when it was committed, by the committer's clock

	branch string
	files  *tree
}

func newCommit(branch string, o *object.Commit, c *cache, limits Limits) *Commit {
	subject, _, _ := strings.Cut(strings.TrimLeft(o.Message, "\r\n\t "), "\n")
	return &Commit{
		Hash:    o.Hash.String(),
		Author:  clean(o.Author.Name+" <"+o.Author.Email+">", maxAuthor),
		Subject: clean(subject, maxSubject),
		Time:    o.Committer.When,
		branch:  branch,
		files:   newTree(c, o, limits),
	}
}

// String names the commit as logs do: "main@sha1:0123456789ab".
func (c *Commit) String() string { return c.branch + "@sha1:" + c.Hash[:12] }

// FS returns the commit's files. It implements fs.ReadFileFS, fs.ReadDirFS and
// fs.StatFS, and reads from the object store only what is asked for: opening a
// file reads that file and the folders on its path, listing a folder reads no
// file.
//
// Symbolic links, submodules and names that are not plain are refused when
// they are opened; ReadDir shows links as fs.ModeSymlink and submodules as
// fs.ModeIrregular, and fails on a folder with a name that is not plain.
//
// Errors are *fs.PathError. They wrap a *LimitError when a limit is exceeded,
// and ErrDamagedCache when the cache has to be fetched again. The limits count
// over all calls of FS. It is valid until the Source's next Fetch.
func (c *Commit) FS() fs.FS { return c.files }
