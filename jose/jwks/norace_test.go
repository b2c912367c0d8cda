//go:build !race

package jwks_test

// maxAllocated bounds what a hostile answer may cost, in bytes.
const maxAllocated = 1 << 20
