package crud_test

import (
	"context"
	"fmt"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store/sqlite"
)

// Note is what a generator writes: a struct, its fields, and where they are.
type Note struct {
	ID   int64
	Text string
	By   *string
}

const (
	NoteID model.FieldID = iota
	NoteText
	NoteBy
)

func (n *Note) pointer(f model.FieldID) any {
	switch f {
	case NoteID:
		return &n.ID
	case NoteText:
		return &n.Text
	case NoteBy:
		return &n.By
	}
	return nil
}

func Example() {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, ":memory:", sqlite.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	if _, err := db.Exec(ctx, "CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL, by_name TEXT)"); err != nil {
		fmt.Println(err)
		return
	}
	policy, err := authz.NewPolicy([]authz.Role{{Name: "editor", Permissions: []string{"create:notes"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	notes, err := crud.New(db, policy, &model.Entity{
		Name: "Note", Plural: "Notes", Path: "notes", Table: "notes",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true},
			{Name: "text", Column: "text", Type: model.Text, Required: true, MaxLength: 20},
			{Name: "by", Column: "by_name", Type: model.Text, View: []string{"editor"}},
		},
		Allow: model.Allow{View: []string{"public"}, List: []string{"public"}, Create: []string{"create:notes"}},
	}, (*Note).pointer)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := crud.Link(notes); err != nil {
		fmt.Println(err)
		return
	}

	_, err = notes.CreateRow(ctx, []byte(`{"text":"hello"}`), nil)
	fmt.Println("nobody:", err)

	editor := gate.ContextWithPrincipal(ctx, &gate.Principal{Subject: "1", Roles: []string{"editor"}})
	row, err := notes.CreateRow(editor, []byte(`{"text":"hello","by":"Ann"}`), nil)
	fmt.Printf("editor: %s %v\n", row.AppendJSON(nil), err)

	rows, err := notes.FindRows(ctx, &query.Query{})
	fmt.Printf("nobody: %s %v\n", rows.AppendJSON(nil), err)
	// Output:
	// nobody: 401
	// editor: {"id":1,"text":"hello","by":"Ann"} <nil>
	// nobody: [{"id":1,"text":"hello"}] <nil>
}
