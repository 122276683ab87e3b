package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/gofrs/flock"

	"github.com/perch-gitops/perch/internal/durable"
)

const (
	apiVersion = "perch/v1alpha1"
	stateKind  = "State"
	stateFile  = "state.json"
)

// ErrLocked means that another agent works on this node.
var ErrLocked = errors.New("another perch is at work on this node")

// Store keeps the state of one node. One goroutine uses it.
type Store struct {
	dir   string
	lock  *flock.Flock
	state State
}

// Open takes the node's lock and reads its state. It fails with ErrLocked while another process holds the lock, and
// refuses a state.json that it cannot read rather than forget what the node is doing.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(filepath.Join(dir, revisionsDir), 0o700); err != nil {
		return nil, fmt.Errorf("make state folder: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock state folder %s: %w", dir, err)
	case !locked:
		return nil, fmt.Errorf("lock state folder %s: %w", dir, ErrLocked)
	}
	store, err := open(dir)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	store.lock = lock
	return store, nil
}

func open(dir string) (*Store, error) {
	state, err := Read(dir)
	if err != nil {
		return nil, err
	}
	store := &Store{dir: dir, state: state}
	if err := durable.Sweep(dir, stateFile); err != nil {
		return nil, fmt.Errorf("tidy state folder: %w", err)
	}
	return store, store.sweepRevisions()
}

// Close gives the lock back.
func (s *Store) Close() error { return s.lock.Unlock() }

// State returns what the node remembers. The caller changes its copy and saves it.
func (s *Store) State() State {
	state := s.state
	state.Rejected, state.Deferred = slices.Clone(s.state.Rejected), slices.Clone(s.state.Deferred)
	if flight := s.state.InFlight; flight != nil {
		copied := flight.Clone()
		state.InFlight = &copied
	}
	return state
}

// Save makes the state durable; on an error the old state still holds, on disk and here.
func (s *Store) Save(state State) error {
	state.APIVersion, state.Kind = apiVersion, stateKind
	data, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	if err := durable.WriteFile(filepath.Join(s.dir, stateFile), append(data, '\n')); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	s.state = state
	return nil
}

// Read returns the state of a node without its lock, for those who only look. A node without one has the empty state.
func Read(dir string) (State, error) {
	path := filepath.Join(dir, stateFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("read state: %w", err)
	}
	var state State
	if err := json.Unmarshal(data, &state); err != nil {
		return State{}, damaged(path, err)
	}
	if state.APIVersion != apiVersion || state.Kind != stateKind {
		return State{}, damaged(path, fmt.Errorf("it is %q %q, this perch reads %q %q", state.APIVersion, state.Kind, apiVersion, stateKind))
	}
	return state, nil
}

func damaged(path string, err error) error {
	return fmt.Errorf("read state %s: %w; nothing was changed on this node; "+
		"move the file away and start again: perch then takes the manifests that are in place for good ones, so look at them first", path, err)
}

// View returns the state of a node without its lock, for those who only look while an agent may be at work. It is not
// saved through.
func View(dir string) (*Store, error) {
	state, err := Read(dir)
	return &Store{dir: dir, state: state}, err
}
