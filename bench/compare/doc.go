// Command compare measures this module beside the libraries that people use for
// the same, on the same tokens and in the same run:
//
//	go run .            # one table of ratios, ours = 1.00
//	go test -bench .    # the same and more, with allocations
//	go test -fuzz FuzzDifferential
//
// It is a module of its own, so that the code of others stays out of the go.sum
// of those who use this one.
package main
