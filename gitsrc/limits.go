package gitsrc

import "fmt"

// Limits bounds what one repository may cost this node. A field that is zero
// means its default. Files, TotalBytes and FileBytes count over all reads of
// one Commit's FS; a file that is read twice counts once.
type Limits struct {
	FileBytes     int64 // bytes in one file
	Files         int64 // different files read of one commit
	TotalBytes    int64 // bytes in all files read of one commit
	Depth         int64 // names in a path: "a/b/c" has 3
	PathBytes     int64 // bytes in a path
	FolderEntries int64 // entries in one folder
	FetchBytes    int64 // bytes that one fetch downloads, and bytes in any one object of it
	RefListBytes  int64 // bytes in the list of refs, which every poll downloads
}

// The defaults are far above what a repository of manifests needs and far
// below what would hurt a small node.
const (
	DefaultFileBytes     = 1 << 20   // 1 MiB
	DefaultFiles         = 10_000    // files
	DefaultTotalBytes    = 64 << 20  // 64 MiB
	DefaultDepth         = 32        // names
	DefaultPathBytes     = 1024      // bytes
	DefaultFolderEntries = 10_000    // entries
	DefaultFetchBytes    = 256 << 20 // 256 MiB
	DefaultRefListBytes  = 16 << 20  // 16 MiB, about 250,000 refs
)

// LimitError says that the repository is larger than Limits allow. Path is
// the file or folder, and empty when the limit is on a fetch.
type LimitError struct {
	What  string // what was counted, with its unit: "bytes in one file"
	Path  string
	Limit int64
}

func (e *LimitError) Error() string {
	where := ""
	if e.Path != "" {
		where = fmt.Sprintf("%q: ", e.Path)
	}
	return fmt.Sprintf("%stoo many %s: the limit is %d; make the repository smaller there", where, e.What, e.Limit)
}

func (l Limits) withDefaults() Limits {
	for _, f := range l.fields() {
		if *f.value == 0 {
			*f.value = f.def
		}
	}
	return l
}

func (l Limits) validate() error {
	for _, f := range l.fields() {
		if *f.value < 0 {
			return fmt.Errorf("limit %s: %d is negative", f.name, *f.value)
		}
	}
	return nil
}

type limitField struct {
	name  string
	value *int64
	def   int64
}

func (l *Limits) fields() []limitField {
	return []limitField{
		{"FileBytes", &l.FileBytes, DefaultFileBytes},
		{"Files", &l.Files, DefaultFiles},
		{"TotalBytes", &l.TotalBytes, DefaultTotalBytes},
		{"Depth", &l.Depth, DefaultDepth},
		{"PathBytes", &l.PathBytes, DefaultPathBytes},
		{"FolderEntries", &l.FolderEntries, DefaultFolderEntries},
		{"FetchBytes", &l.FetchBytes, DefaultFetchBytes},
		{"RefListBytes", &l.RefListBytes, DefaultRefListBytes},
	}
}
