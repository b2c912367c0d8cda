package standard_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/local"
	"github.com/gatewright/gate/strategy/standard"
)

// table is every part that has to do with accounts, without any account.
type table struct{}

func (table) Subject(context.Context, string) (*gate.Principal, error) {
	return nil, gate.ErrNotAuthenticated
}

func (table) ByLogin(context.Context, string) (*local.Account, error) {
	return nil, gate.ErrNotAuthenticated
}
func (table) ReplaceHash(context.Context, string, string, string) error { return nil }
func (table) Verify(context.Context, string, string) (ok, rehash bool, err error) {
	return false, false, nil
}
func (table) Hash(context.Context, string) (string, error) { return "", nil }
func (table) Burn(context.Context, string) error           { return nil }

func parts(t *testing.T) standard.Parts {
	t.Helper()
	svc, err := gate.New(gate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return standard.Parts{Service: svc, Subjects: table{}, Users: table{}, Hasher: table{}, Realm: "orders"}
}

func TestNew(t *testing.T) {
	p := parts(t)
	for _, kind := range standard.Kinds() {
		st, err := standard.New(kind.Name, p)
		if err != nil {
			t.Errorf("%s: %v", kind.Name, err)
			continue
		}
		if err := p.Service.Register(kind.Name, st); err != nil {
			t.Error(err)
		}
		if kind.Summary == "" {
			t.Errorf("%s: no summary", kind.Name)
		}
	}
	if got, want := len(p.Service.Strategies()), len(standard.Kinds()); got != want {
		t.Errorf("%d strategies, want %d", got, want)
	}
}

// TestNew_refuses takes one part away at a time.
func TestNew_refuses(t *testing.T) {
	for _, tt := range []struct {
		kind string
		take func(*standard.Parts)
	}{
		{"jwt", func(p *standard.Parts) { p.Service = nil }},
		{"jwt", func(p *standard.Parts) { p.Subjects = nil }},
		{"local", func(p *standard.Parts) { p.Users = nil }},
		{"local", func(p *standard.Parts) { p.Hasher = nil }},
		{"basic", func(p *standard.Parts) { p.Users = nil }},
		{"basic", func(p *standard.Parts) { p.Hasher = nil }},
		{"nope", func(*standard.Parts) {}},
	} {
		p := parts(t)
		tt.take(&p)
		if st, err := standard.New(tt.kind, p); err == nil || st != nil {
			t.Errorf("%s: %v %v", tt.kind, st, err)
		}
	}
}

func Example() {
	for _, kind := range standard.Kinds() {
		fmt.Printf("%-6s%s\n", kind.Name, kind.Summary)
	}
	// Output:
	// jwt   access tokens of this service (Authorization: Bearer)
	// local login name and password in the body of a login
	// basic login name and password with every request (Authorization: Basic)
}
