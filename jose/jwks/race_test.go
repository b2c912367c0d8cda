//go:build race

package jwks_test

// maxAllocated bounds what a hostile answer may cost, in bytes: the race detector
// allocates too.
const maxAllocated = 2 << 20
