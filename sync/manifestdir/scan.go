package manifestdir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/perch-gitops/perch/render"
)

// maxFileSize is the kubelet's own limit for a manifest (pkg/kubelet/config, maxConfigLength): 10 MiB.
const maxFileSize = 10 << 20

// Scan is what the kubelet sees in the folder at one moment.
type Scan struct {
	dir       string
	manifests map[string]render.Manifest // by file, those that define a Pod
	others    map[string]error           // by file, those that do not, and why
}

// Scan reads every file that the kubelet reads: each entry whose name does not start with a dot, through symlinks, but
// no FIFO, which would block the reader.
func (d *Dir) Scan() (Scan, error) {
	scan := Scan{dir: d.path, manifests: map[string]render.Manifest{}, others: map[string]error{}}
	if err := d.check(); err != nil {
		return scan, err
	}
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return scan, fmt.Errorf("read staticPodPath: %w", err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		manifest, err := d.read(entry.Name())
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone since, or a dangling link: the kubelet skips both
			if entry.Type()&fs.ModeSymlink != 0 {
				scan.others[entry.Name()] = err
			}
		case err != nil:
			scan.others[entry.Name()] = err
		default:
			scan.manifests[entry.Name()] = manifest
		}
	}
	d.parsed = scan.manifests
	return scan, nil
}

func (d *Dir) read(name string) (render.Manifest, error) {
	path := filepath.Join(d.path, name)
	info, err := os.Stat(path)
	if err != nil {
		return render.Manifest{}, err
	}
	if !info.Mode().IsRegular() {
		return render.Manifest{}, fmt.Errorf("not a regular file (%s)", info.Mode().Type())
	}
	file, err := os.Open(path)
	if err != nil {
		return render.Manifest{}, err
	}
	defer file.Close() //nolint:errcheck // opened for reading: nothing is lost
	data, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err != nil {
		return render.Manifest{}, err
	}
	if known, ok := d.parsed[name]; ok && bytes.Equal(known.Data, data) {
		return known, nil
	}
	return render.Parse(name, data)
}

// Of returns the manifests that are in place for a set, as they are on the disk, with their stamps.
func (s Scan) Of(set render.Manifests) render.Manifests {
	var found render.Manifests
	for _, manifest := range set {
		if onDisk, ok := s.manifests[manifest.File]; ok {
			found = append(found, onDisk)
		}
	}
	return found
}

// HoldsMoreThan reports whether the folder defines a Pod that is not of a set.
func (s Scan) HoldsMoreThan(set render.Manifests) bool {
	for file := range s.manifests {
		if !has(set, file) {
			return true
		}
	}
	return false
}

// HighestAttempt returns the highest perch/attempt on a file; 0 if there is none.
func (s Scan) HighestAttempt() int {
	highest := 0
	for _, manifest := range s.manifests {
		highest = max(highest, manifest.Stamp.Attempt)
	}
	return highest
}

// Conflicts returns what keeps a set from being installed: foreign files that define a Pod of the set, and foreign
// things in the place of one of its files. Files of owned are ours, whatever somebody has made of them since.
func (s Scan) Conflicts(set, owned render.Manifests) error {
	ours := map[string]bool{}
	for _, manifest := range owned {
		ours[manifest.File] = true
	}
	var problems []error
	for _, manifest := range set {
		problems = append(problems, s.blocked(manifest, ours[manifest.File]), s.shadowed(manifest))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("%w\nnothing was changed; move the files named above out of %s", err, s.dir)
	}
	return nil
}

// blocked says what stands where a manifest is to go, if perch may not replace it.
func (s Scan) blocked(manifest render.Manifest, owned bool) error {
	path := filepath.Join(s.dir, manifest.File)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is in the way of Pod %s: perch replaces regular files only, this is %s", path, manifest.String(), info.Mode().Type())
	}
	found, isPod := s.manifests[manifest.File]
	switch {
	case owned || isPod && found.String() == manifest.String():
		return nil
	case isPod:
		return fmt.Errorf("%s is in the way of Pod %s: it defines Pod %s", path, manifest.String(), found.String())
	default:
		return fmt.Errorf("%s is in the way of Pod %s: it is no manifest of a Pod (%w)", path, manifest.String(), s.others[manifest.File])
	}
}

// shadowed names foreign files that define the same Pod: at every relist the kubelet takes the file whose name sorts
// last, so an etcd.yaml.bak beats etcd.yaml.
func (s Scan) shadowed(manifest render.Manifest) error {
	var problems []error
	for file, other := range s.manifests {
		if file != manifest.File && other.String() == manifest.String() {
			problems = append(problems, fmt.Errorf("%s defines Pod %s as well: with two files for one Pod the kubelet picks one by its name",
				filepath.Join(s.dir, file), manifest.String()))
		}
	}
	return errors.Join(problems...)
}
