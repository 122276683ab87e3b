// Package manifestdir is the only writer of the kubelet's staticPodPath.
//
// Files change there by rename(2) and unlink(2) alone, one at a time; the folder itself is never emptied, moved or
// replaced. Files that no revision names are never touched. A foreign file that would shadow one of ours in the kubelet's
// eyes is an error, found before anything is written.
package manifestdir

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/perch-gitops/perch/internal/durable"
	"github.com/perch-gitops/perch/render"
)

// Dir is a staticPodPath. One goroutine uses it.
type Dir struct {
	path   string
	parsed map[string]render.Manifest // by file, as the last scan found them: a poll parses only what has changed
}

// New returns the folder at an absolute path. It is looked at only when it is used: a mount may come late.
func New(path string) *Dir { return &Dir{path: path} }

// Path is where the folder lies.
func (d *Dir) Path() string { return d.path }

// WriteError is a change that the file system refused. The manifest has its old content or its new one, whole.
type WriteError struct{ err error }

func (e *WriteError) Error() string { return e.err.Error() }

// Unwrap returns the file system's error.
func (e *WriteError) Unwrap() error { return e.err }

// Carry carries out one change and returns once it is on the disk. A manifest that is written says, by its annotations,
// which content it is and which attempt wrote it.
func (d *Dir) Carry(change Change, attempt int) error {
	path := filepath.Join(d.path, change.File)
	var err error
	if change.Action == Remove {
		err = durable.Remove(path)
	} else {
		err = durable.WriteFile(path, change.New.Bytes(attempt))
	}
	if err != nil {
		return &WriteError{fmt.Errorf("%s manifest %s: %w", change.Action, path, err)}
	}
	return nil
}

// Sweep removes the temporary files that a killed Carry of one of these files left behind. The kubelet never read them:
// their names start with a dot.
func (d *Dir) Sweep(files ...string) error {
	if err := durable.Sweep(d.path, files...); err != nil {
		return fmt.Errorf("tidy %s: %w", d.path, err)
	}
	return nil
}

// check makes sure that the folder is there. perch does not make it: where it is missing, the kubelet has stopped every
// static Pod or will, and a mount that is late would then hide what was written.
func (d *Dir) check() error {
	info, err := os.Stat(d.path)
	if err != nil {
		return fmt.Errorf("read staticPodPath: %w; nothing was changed; create the folder or mount it, as the kubelet's configuration says", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("read staticPodPath: %s is not a folder; nothing was changed; perch needs a folder, so set the kubelet's staticPodPath to one", d.path)
	}
	return nil
}
