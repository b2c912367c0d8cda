// Package server runs a generated service: it reads the settings, opens and
// migrates the database, puts the service's entities behind HTTP, listens, and
// stops in good order.
//
// # Life of a request
//
// Every request passes the same edge: it gets an identifier and its client's
// address, every answer the headers that keep browsers from guessing; paths with
// a second meaning are not found; bodies are bounded. Then the mux, the guard of
// the route, and the handler, which asks package crud, where the rules are.
// Whatever nobody takes is answered in the same words as any other error. A
// panic is a 500 with an identifier; what it was about is in the log.
//
// # Log
//
// One JSON object a line on standard error. At info there is one line "request"
// for each request, without its query string. When the service can be reached
// there is the line
//
//	{"time":…,"level":"INFO","msg":"listening","addr":"127.0.0.1:3000"}
//
// with the address that was really taken. Secrets are kept out by their type, by
// the name of what is logged, and by what they look like.
//
// # Development
//
// A build with the tag "gatedev" has a start page under "/", for loopback only,
// and ends when its standard input does; both only while GATE_DEV is set, which
// "gate dev" does. A build without the tag refuses to start with GATE_DEV.
package server
