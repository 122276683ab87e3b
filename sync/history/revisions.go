package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/perch-gitops/perch/internal/durable"
	"github.com/perch-gitops/perch/render"
)

const (
	revisionsDir  = "revisions"
	metaFile      = "meta.json"
	unfinished    = ".staging-" // prefix of a revision folder that is being written
	keepRevisions = 10
)

type meta struct {
	Origin
	Files []string `json:"files"`
}

// Stage writes a revision to its folder, durably, where the kubelet does not look. One that is there is left alone if it
// is whole, and written again if the disk has damaged it.
func (s *Store) Stage(revision Revision) error {
	if _, err := s.Load(revision.Digest); err == nil {
		return nil
	}
	staging := filepath.Join(s.dir, revisionsDir, unfinished+revision.Digest)
	if err := os.RemoveAll(staging); err != nil {
		return fmt.Errorf("stage revision: %w", err)
	}
	if err := writeRevision(staging, revision); err != nil {
		return errors.Join(fmt.Errorf("stage revision %s: %w", revision.Short(), err), os.RemoveAll(staging))
	}
	final := s.revisionPath(revision.Digest)
	if err := os.RemoveAll(final); err != nil {
		return fmt.Errorf("stage revision: %w", err)
	}
	if err := os.Rename(staging, final); err != nil {
		return fmt.Errorf("stage revision: %w", err)
	}
	return durable.SyncDir(filepath.Dir(final))
}

func writeRevision(dir string, revision Revision) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	m := meta{Origin: revision.Origin, Files: []string{}}
	for _, manifest := range revision.Manifests {
		if err := durable.WriteFile(filepath.Join(dir, manifest.File), manifest.Data); err != nil {
			return err
		}
		m.Files = append(m.Files, manifest.File)
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(dir, metaFile), append(data, '\n'))
}

// Load reads a staged revision back and proves by its digest that it is the one that was staged.
func (s *Store) Load(digest string) (Revision, error) {
	dir := s.revisionPath(digest)
	data, err := os.ReadFile(filepath.Join(dir, metaFile))
	if err != nil {
		return Revision{}, fmt.Errorf("load revision: %w", err)
	}
	var m meta
	if err := json.Unmarshal(data, &m); err != nil {
		return Revision{}, fmt.Errorf("load revision: decode %s: %w", filepath.Join(dir, metaFile), err)
	}
	revision := Revision{Origin: m.Origin}
	for _, file := range m.Files {
		manifest, err := readManifest(dir, file)
		if err != nil {
			return Revision{}, fmt.Errorf("load revision: %w", err)
		}
		revision.Manifests = append(revision.Manifests, manifest)
	}
	if got := revision.Manifests.Digest(); got != digest || m.Digest != digest {
		return Revision{}, fmt.Errorf("load revision: %s holds other manifests than were stored there (digest %s): the disk has damaged them", dir, shorten(got))
	}
	return revision, nil
}

func readManifest(dir, file string) (render.Manifest, error) {
	if !filepath.IsLocal(file) || file != filepath.Base(file) {
		return render.Manifest{}, fmt.Errorf("%s names the file %q", filepath.Join(dir, metaFile), file)
	}
	data, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return render.Manifest{}, err
	}
	return render.Parse(file, data)
}

// Prune removes the oldest revisions beyond the newest ten, never one that the state still names.
func (s *Store) Prune() error {
	root := filepath.Join(s.dir, revisionsDir)
	entries, err := os.ReadDir(root)
	if err != nil {
		return fmt.Errorf("prune revisions: %w", err)
	}
	type aged struct {
		name string
		when int64
	}
	var old []aged
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || s.inUse(entry.Name()) {
			continue
		}
		old = append(old, aged{entry.Name(), info.ModTime().UnixNano()})
	}
	slices.SortFunc(old, func(a, b aged) int { return int(min(1, max(-1, b.when-a.when))) })
	for _, revision := range old[min(len(old), keepRevisions):] {
		if err := os.RemoveAll(filepath.Join(root, revision.name)); err != nil {
			return fmt.Errorf("prune revisions: %w", err)
		}
	}
	return nil
}

func (s *Store) inUse(digest string) bool {
	if s.state.Confirmed != nil && s.state.Confirmed.Digest == digest {
		return true
	}
	flight := s.state.InFlight
	return flight != nil && (flight.From.Digest == digest || flight.To.Digest == digest || slices.Contains(flight.Left, digest))
}

// sweepRevisions removes the folders of revisions that a killed Stage left half written.
func (s *Store) sweepRevisions() error {
	root := filepath.Join(s.dir, revisionsDir)
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("tidy revisions: %w", err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), unfinished) {
			if err := os.RemoveAll(filepath.Join(root, entry.Name())); err != nil {
				return fmt.Errorf("tidy revisions: %w", err)
			}
		}
	}
	return nil
}

func (s *Store) revisionPath(digest string) string {
	return filepath.Join(s.dir, revisionsDir, digest)
}
