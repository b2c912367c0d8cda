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
	Name     string           // for the table
	Not      string           // why it is not measured on this database; it ends then
	Addr     string           // where it listens
	Asks     map[string][]Ask // what to ask it, by what is measured
	SameRows bool             // it has the rows under the ids of the service, so that answers are the same
	Notes    []string         // what whoever reads the table has to know
}

// An Ask is a request to a peer.
type Ask struct {
	Method, Path string
	Body         string   // JSON; empty means none
	Status       int      // of the answer that counts
	Header       []string // "Name: value"
}

// BuildPeer builds the program in a folder to a file, after what "go generate" makes
// for it. All this happens in a copy below work, so that nothing is left in the checkout.
func BuildPeer(dir, work, bin string) error {
	if err := os.CopyFS(work, os.DirFS(dir)); err != nil {
		return err
	}
	if err := goTool(work, "generate", "."); err != nil {
		return err
	}
	return goTool(work, "build", "-trimpath", "-buildvcs=false", "-tags=generated", "-ldflags=-s -w", "-o", bin, ".")
}

// A Site is where a peer has its rows.
type Site struct {
	Dir      string // a folder for its data, with rows.json, the rows as the service has them
	Rows     int
	Database string // sqlite or postgres
	Address  string // of an empty database, for postgres
}

// StartPeer starts a peer. One that cannot be measured there says why and is nil.
func StartPeer(bin string, s Site) (*Program, *What, error) {
	p, err := Start(bin, s.Dir, strconv.Itoa(s.Rows), s.Database, s.Address)
	if err != nil {
		return nil, nil, err
	}
	var w What
	if err := json.Unmarshal([]byte(p.Addr), &w); err != nil {
		p.Stop()
		return nil, nil, fmt.Errorf("%s says %q in place of what it is: %w", filepath.Base(bin), p.Addr, err)
	}
	if w.Not != "" {
		p.Stop()
		return nil, &w, nil
	}
	p.Addr = w.Addr
	return p, &w, nil
}
