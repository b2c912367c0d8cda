// Package hashcost lets tests hash passwords in no time. Those of a whole service hash
// hundreds, and a quarter of their time went there.
package hashcost

import (
	"flag"
	"sync/atomic"
)

var lowered atomic.Bool

// Lower makes new hashes of this program cheap. It panics in what is no binary of tests.
func Lower() {
	if flag.Lookup("test.v") == nil {
		panic("hashcost: only tests may hash passwords cheaply")
	}
	lowered.Store(true)
}

// Lowered reports whether [Lower] was called.
func Lowered() bool { return lowered.Load() }
