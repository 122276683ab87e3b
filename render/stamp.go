package render

import "strconv"

// Stamp is what perch's two annotations say on a file, a Pod or a sandbox; zero where there are none.
type Stamp struct {
	Digest  string // as written: compare with Manifest.Digest to see whether the file was edited since
	Attempt int
}

// StampOf reads the two annotations; what is missing or garbage is zero.
func StampOf(annotations map[string]string) Stamp {
	stamp := Stamp{Digest: annotations[DigestAnnotation]}
	if attempt, err := strconv.ParseUint(annotations[AttemptAnnotation], 10, 31); err == nil {
		stamp.Attempt = int(attempt)
	}
	return stamp
}
