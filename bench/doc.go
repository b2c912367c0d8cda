// Command bench measures the budgets of a generated service, each as a ratio to
// its floor in the same run on the same machine:
//
//	go run ./bench [-run name] [-seconds n]
//
// It builds examples/restaurant and the bare handler in bench/bare, a program of
// net/http and database/sql alone, puts both on the same SQLite file, and loads
// them in turns from this process over loopback. Load is bounded in connections
// and time. Micro-benchmarks stand in their packages: go test -bench . ./jose.
//
// Further commands: bench/shop, a service of five entities on both databases and
// beside other products; bench/gen, what designs of 5 to 200 entities cost;
// bench/idp, the identity provider; bench/million, requests and migrations on a table
// with a million rows; bench/idle, ten thousand connections that ask for nothing.
package main
