package gen

import "errors"

// Hash is hash, for manifests that tests forge.
var Hash = hash

// Comment is comment, for fuzzing.
var Comment = comment

var errStopped = errors.New("stopped")

// ApplyUntil applies files, and stops after that many writes as a crash would.
func ApplyUntil(dir string, files Files, writes int) error {
	a := applier{report: &Report{}, carried: map[string][]byte{}, before: func() error {
		if writes--; writes < 0 {
			return errStopped
		}
		return nil
	}}
	return a.apply(dir, files)
}
