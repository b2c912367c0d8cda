package seed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/runtime/seed"
	"github.com/gatewright/gate/runtime/server"
)

func replace(s, old, with string) string { return strings.ReplaceAll(s, old, with) }

// seedRows runs the command and returns the names of what it made.
func (p *process) seedRows(t testing.TB, args ...string) (names []string, err error) {
	t.Helper()
	var out bytes.Buffer
	err = p.Command(t.Context(), "seed", server.Call{Args: args, Stdout: &out})
	for line := range strings.Lines(out.String()) {
		var said struct{ Name string }
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if said.Name != "" {
			names = append(names, said.Name)
		}
	}
	return names, err
}

// rows returns all rows of an entity, as the service sees them.
func (p *process) rows(t testing.TB, entity string, include ...string) []map[string]any {
	t.Helper()
	q := &query.Query{Limit: 100}
	for _, name := range include {
		q.Include = append(q.Include, query.Include{Relation: name, As: name})
	}
	rows, err := p.entities[entity].FindRows(authz.System(t.Context()), q)
	if err != nil {
		t.Fatal(err)
	}
	var list []map[string]any
	dec := json.NewDecoder(bytes.NewReader(rows.AppendJSON(nil)))
	dec.UseNumber()
	if err := dec.Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

func by(t testing.TB, list []map[string]any, field, value string) map[string]any {
	t.Helper()
	i := slices.IndexFunc(list, func(row map[string]any) bool { return row[field] == value })
	if i < 0 {
		t.Fatalf("no row with the %s %q in %v", field, value, list)
	}
	return list[i]
}

// TestRows makes rows of every kind, once: a second run, and one with more rows,
// adds what is new and brings nothing back that somebody deleted.
func TestRows(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.open(quickRows)
		made, err := p.seedRows(t)
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"acme", "ada", "bob", "child", "eve", "first", "paper", "printers"}; !cmp.Equal(slices.Sorted(slices.Values(made)), want) {
			t.Errorf("made %v", made)
		}
		acme := p.rows(t, "Firm")[0]["id"]
		people := p.rows(t, "Person")
		ada, topics := by(t, people, "email", "ada@acme.example"), p.rows(t, "Topic")
		printers := by(t, topics, "name", "Printers")
		if ada["firmId"] != acme || ada["topicId"] != printers["id"] || printers["leadId"] != ada["id"] {
			t.Errorf("ada is %v, printers %v", ada, printers)
		}
		if printers["fee"] != json.Number("12345678901234.5678") {
			t.Errorf("the fee is %v", printers["fee"])
		}
		tickets := p.rows(t, "Ticket", "tags")
		first, child := by(t, tickets, "title", "It burns"), by(t, tickets, "title", "It burns again")
		if child["parentId"] != first["id"] || total(first) != "1" || total(child) != "2" {
			t.Errorf("first is %v, child %v", first, child)
		}

		if _, err := p.entities["Ticket"].RemoveRow(authz.System(t.Context()), child["id"].(json.Number).String(), nil); err != nil {
			t.Fatal(err)
		}
		if made, err = p.seedRows(t); err != nil || made != nil {
			t.Errorf("again: %v, %v", made, err)
		}
		again := d.open(quickRows + "  bolt: {name: Bolt}\n")
		if made, err = again.seedRows(t); err != nil || !cmp.Equal(made, []string{"bolt"}) {
			t.Errorf("with one more: %v, %v", made, err)
		}
		if n := len(again.rows(t, "Ticket")); n != 1 {
			t.Errorf("%d tickets", n)
		}
	})
}

// TestRenamed: what was made for an entity under its name of before is never made again
// either, whatever became of it.
func TestRenamed(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.open(quickRows)
		if _, err := p.seedRows(t); err != nil {
			t.Fatal(err)
		}
		if _, err := p.app.DB.Write().ExecContext(t.Context(), `UPDATE gate_seeds SET entity = 'Case' WHERE entity = 'Ticket'`); err != nil {
			t.Fatal(err)
		}
		child := by(t, p.rows(t, "Ticket"), "title", "It burns again")
		if _, err := p.entities["Ticket"].RemoveRow(authz.System(t.Context()), child["id"].(json.Number).String(), nil); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if made, err := p.seedRows(t); err != nil || made != nil {
				t.Errorf("again: %v, %v", made, err)
			}
		}
		var n int
		err := p.app.DB.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM gate_seeds WHERE entity = 'Case'`).Scan(&n)
		if err != nil || n > 0 {
			t.Errorf("%d rows are noted under the name of before, %v", n, err)
		}
	})
}

func total(row map[string]any) string {
	page, _ := row["tags"].(map[string]any)
	n, _ := page["total"].(json.Number)
	return n.String()
}

// TestPasswords: the one of a variable, one that is made and written for its owner
// alone, and one that fits nobody. None of them is said where others read it.
func TestPasswords(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.open(deskRows)
		var out, talk bytes.Buffer
		if err := p.Command(t.Context(), "seed", server.Call{Stdout: &out, Stderr: &talk, Terminal: true}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(".gate/seed.json")
		if err != nil {
			t.Fatal(err)
		}
		var file map[string]map[string]string
		if err := json.Unmarshal(data, &file); err != nil {
			t.Fatal(err)
		}
		if names := slices.Collect(maps.Keys(file)); !cmp.Equal(names, []string{"bob"}) || file["bob"]["email"] != "bob@acme.example" {
			t.Errorf("the file has %s", data)
		}
		if info, err := os.Stat(".gate/seed.json"); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file is %v, %v", info.Mode(), err)
		}
		made := file["bob"]["password"]
		if len(made) < 20 || !strings.Contains(talk.String(), made) || strings.Contains(out.String(), made) {
			t.Errorf("said to a person: %s\nto a program: %s", &talk, &out)
		}
		if left, err := filepath.Glob(".gate/seed.json.*"); err != nil || left != nil {
			t.Errorf("drafts are left: %v, %v", left, err)
		}
		for login, want := range map[string][2]string{
			"ada@acme.example": {"battery-staple-eleven", made}, "bob@acme.example": {made, "generated"}, "eve@acme.example": {"", "none"},
		} {
			if ok := p.logsIn(t, login, want[0]); ok != (want[0] != "") {
				t.Errorf("%s with its own: %t", login, ok)
			}
			if p.logsIn(t, login, want[1]) {
				t.Errorf("%s with %q", login, want[1])
			}
		}
		if _, err := d.open(deskRows + "\n").seedRows(t); err != nil {
			t.Fatal(err)
		}
		if again, err := os.ReadFile(".gate/seed.json"); err != nil || !bytes.Equal(again, data) {
			t.Errorf("a second run changed the file: %s", again)
		}
	})
}

// logsIn reports whether a password opens an account.
func (p *process) logsIn(t testing.TB, login, password string) bool {
	t.Helper()
	status, _ := post(t, p.Handler(), "/api/authentication", map[string]string{"strategy": "local", "email": login, "password": password})
	return status == 201
}

// TestNothingIsKept: what goes wrong anywhere undoes all of the run, passwords
// included, and says in which row of the file it was.
func TestNothingIsKept(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for _, tt := range []struct {
			name, rows, want string
			settings         []string
			hook             func(context.Context, *process, *seed.Run) error
			before           func(context.Context, *line) error
		}{
			{name: "no variable", settings: []string{}, want: "seed.yaml:6:3: Person ada: the variable ADA_PASSWORD is not set"},
			{name: "weak", settings: []string{"ADA_PASSWORD=ada@acme"}, want: "seed.yaml:6:3: Person ada: "},
			{name: "hook", hook: func(context.Context, *process, *seed.Run) error { return errors.New("no luck") }, want: "no luck"},
			{name: "hook of a row", before: func(context.Context, *line) error { return errors.New("not this one") }, want: "seed.yaml:4:3: Ticket first: not this one"},
			{
				name: "pair across tenants", want: "points to a row that does not exist",
				rows: strings.Replace(deskRows, "Firm:\n", "  foreign: {firm: bolt, name: Foreign, tagged: [first]}\nFirm:\n  bolt: {name: Bolt}\n", 1),
			},
			{
				name: "key across tenants", want: "Topic foreign: ",
				rows: strings.Replace(deskRows, "Firm:\n", "  foreign: {firm: bolt, name: Foreign, lead: bob}\nFirm:\n  bolt: {name: Bolt}\n", 1),
			},
		} {
			t.Run(tt.name, func(t *testing.T) {
				if tt.rows == "" {
					tt.rows = deskRows
				}
				d.settings, d.hook, d.before = tt.settings, tt.hook, tt.before
				p := d.open(tt.rows)
				if made, err := p.seedRows(t); err == nil || !strings.Contains(err.Error(), tt.want) || made != nil {
					t.Errorf("made %v, %v", made, err)
				}
				for name := range p.entities {
					if rows := p.rows(t, name); len(rows) > 0 {
						t.Errorf("%s: %v", name, rows)
					}
				}
				if left, err := filepath.Glob(".gate/*"); err != nil || left != nil {
					t.Errorf("left %v, %v", left, err)
				}
			})
		}
	})
}

// TestAdministrators: outside of development nobody gets more rights than everybody
// has, unless the command says so.
func TestAdministrators(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		rows := strings.Replace(quickRows, "bob@acme.example, password: none", "bob@acme.example, password: none, roles: [member, boss]", 1)
		p := d.open(rows)
		_, err := p.seedRows(t)
		if err == nil || !strings.Contains(err.Error(), "seed.yaml:7:3: Person bob with the roles boss") || !strings.Contains(err.Error(), "--administrators") {
			t.Errorf("got %v", err)
		}
		if len(p.rows(t, "Firm")) != 0 {
			t.Error("rows were made")
		}
		if made, err := p.seedRows(t, "--administrators"); err != nil || len(made) != 8 {
			t.Errorf("made %v, %v", made, err)
		}
		if _, err := p.seedRows(t); err != nil {
			t.Errorf("what is there is not asked about: %v", err)
		}
	})
}

// TestReplicas lets processes seed at the same time: every row is there once.
func TestReplicas(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		const replicas = 4
		open := make([]*process, replicas)
		for i := range open {
			open[i] = d.open(quickRows)
		}
		counts := make([]int, replicas)
		errs := make([]error, replicas)
		var wait sync.WaitGroup
		for i, p := range open {
			wait.Go(func() {
				var made []string
				made, errs[i] = p.seedRows(t)
				counts[i] = len(made)
			})
		}
		wait.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		slices.Sort(counts)
		if !cmp.Equal(counts, []int{0, 0, 0, 8}) {
			t.Errorf("made %v rows", counts)
		}
	})
}

// TestHook runs code of the service's own: once, in the transaction, with the ids
// of what stands in the file.
func TestHook(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.hook = func(ctx context.Context, p *process, r *seed.Run) error {
			acme, ok := r.ID("Firm", "acme")
			if _, none := r.ID("Firm", "bolt"); !ok || none {
				return errors.New("no ids")
			}
			return r.Once(ctx, "more tickets", func(ctx context.Context) error {
				if _, inTx := crud.Tx(ctx, p.app.DB); !inTx {
					return errors.New("no transaction")
				}
				_, err := p.entities["Ticket"].CreateRow(ctx, []byte(`{"firmId":"`+acme+`","title":"By code"}`), nil)
				return err
			})
		}
		p := d.open(quickRows)
		for range 2 {
			if _, err := p.seedRows(t); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(p.rows(t, "Ticket")); n != 3 {
			t.Errorf("%d tickets", n)
		}
	})
}

// TestUnused: a database that others have filled is left alone where that is asked
// for, and one that seeds have filled is not.
func TestUnused(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.open(quickRows)
		if _, err := p.entities["Firm"].CreateRow(authz.System(t.Context()), []byte(`{"name":"Mine"}`), nil); err != nil {
			t.Fatal(err)
		}
		if made, err := p.seedRows(t, "--if-unused"); err != nil || made != nil {
			t.Errorf("made %v, %v", made, err)
		}
		if made, err := p.seedRows(t); err != nil || len(made) != 8 {
			t.Errorf("made %v, %v", made, err)
		}
		if made, err := d.open(quickRows+"  bolt: {name: Bolt}\n").seedRows(t, "--if-unused"); err != nil || len(made) != 1 {
			t.Errorf("made %v, %v", made, err)
		}
		for _, args := range [][]string{{"now"}, {"--all"}} {
			if _, err := p.seedRows(t, args...); !errors.Is(err, server.ErrUsage) {
				t.Errorf("%v: %v", args, err)
			}
		}
	})
}
