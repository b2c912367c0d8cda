package program

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// What is what a peer says of itself on its first line of output, as JSON.
type What struct {
	Name string           // for the table
	Addr string           // where it listens
	Asks map[string][]Ask // what to ask it, by what is measured
}

// An Ask is a request to a peer.
type Ask struct {
	Method, Path string
	Body         string   // JSON; empty means none
	Status       int      // of the answer that counts
	Header       []string // "Name: value"
}

// Peer builds a program, after what "go generate" makes for it, and starts it with
// a folder for its data and how many rows it is to have.
func Peer(dir, data string, rows int) (*Program, *What, error) {
	bin := filepath.Join(data, "peer")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, nil, err
	}
	if err := goTool(dir, "generate", "."); err != nil {
		return nil, nil, err
	}
	if err := goTool(dir, "build", "-trimpath", "-buildvcs=false", "-tags=generated", "-ldflags=-s -w", "-o", bin, "."); err != nil {
		return nil, nil, err
	}
	p, err := Start(bin, data, strconv.Itoa(rows))
	if err != nil {
		return nil, nil, err
	}
	var w What
	if err := json.Unmarshal([]byte(p.Addr), &w); err != nil {
		p.Stop()
		return nil, nil, fmt.Errorf("it says %q in place of what it is: %w", p.Addr, err)
	}
	p.Addr = w.Addr
	return p, &w, nil
}
