package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const lastSyncFile = "last-sync.json"

// LastSync is what the last look at Git came to.
type LastSync struct {
	Time    time.Time `json:"time"`
	Outcome string    `json:"outcome"`
	Commit  string    `json:"commit"`
	Error   string    `json:"error"`
}

// SaveLastSync replaces the record by a rename but without fsync: a poll every few seconds must not make an etcd disk
// wait, and a record lost with the power costs nobody anything.
func (s *Store) SaveLastSync(last LastSync) error {
	data, err := json.Marshal(last)
	if err != nil {
		return fmt.Errorf("encode last sync: %w", err)
	}
	path := filepath.Join(s.dir, lastSyncFile)
	temporary := path + ".new"
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		return fmt.Errorf("save last sync: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("save last sync: %w", err)
	}
	return nil
}

// ReadLastSync returns the record, or nil if there is none or the power went while it was written.
func ReadLastSync(dir string) (*LastSync, error) {
	data, err := os.ReadFile(filepath.Join(dir, lastSyncFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read last sync: %w", err)
	}
	var last LastSync
	if json.Unmarshal(data, &last) != nil {
		return nil, nil
	}
	return &last, nil
}
