// Package migration turns the difference between two versions of a design into
// SQL, and keeps the last version as a snapshot next to the migrations.
//
// It knows what is stored and how, not what the fields mean: maximum lengths,
// enum values and patterns are checked by the service, so that a change of them
// needs no migration. Of enums it knows the values, too: rows are left with one
// that is none any more, unless it gets another name.
package migration

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"reflect"
	"strings"

	"github.com/gatewright/gate/design"
)

// snapshotFormat is the version of the snapshot.
const snapshotFormat = 1

// A Schema is the tables of a service as they stand after a migration.
type Schema struct {
	Format   int             `json:"format"`
	Database design.Database `json:"database"`
	Enums    bool            `json:"enums,omitempty"` // whether Values of columns are known, which they are not in old snapshots
	Tables   []*Table        `json:"tables"`
}

// A Table holds the rows of an entity, or with Join the pairs of a relation, or with
// Files what files of rows hold.
type Table struct {
	Name    string    `json:"name"`
	Join    bool      `json:"join,omitempty"`
	Files   bool      `json:"files,omitempty"`
	Columns []*Column `json:"columns"`
	Indexes []Index   `json:"indexes,omitempty"` // of several columns, or asked for
	Search  []string  `json:"search,omitempty"`  // the columns that are searched
	Deleted string    `json:"deleted,omitempty"` // the column that says that a row is there no more: what is unique is so among the others

	pos    design.Position
	entity *design.Entity // nil for pairs and files, and in a snapshot
	link   *design.Link   // of pairs
	of     *design.Entity // of files
}

// An Index is over columns of a table, beside those that [Column] brings.
type Index struct {
	Columns []string `json:"columns"`
	Unique  bool     `json:"unique,omitempty"`
	Fold    []string `json:"fold,omitempty"` // those of Columns where letters of either case are the same
}

// A Column holds the values of a field. The first column of a table is its
// primary key; of pairs, all columns are, and of files the first two.
type Column struct {
	Name       string `json:"name"`
	Kind       Kind   `json:"kind"`
	Precision  int    `json:"precision,omitempty"`
	Scale      int    `json:"scale,omitempty"`
	Null       bool   `json:"null,omitempty"`
	Unique     Unique `json:"unique,omitempty"`
	References string `json:"references,omitempty"` // a table
	OnDelete   string `json:"onDelete,omitempty"`   // NO ACTION, CASCADE, SET NULL

	// Values are those of an enum; none in a snapshot of before they were kept.
	Values []string `json:"values,omitempty"`

	fill any // the value for rows that are there already: nil, or as design.Field.Default
	pos  design.Position
	path string // of the field in gate.yaml

	field *design.Field // nil in pairs, and in a snapshot
}

// same reports whether the database keeps c as it keeps o, which knows no values of
// enums.
func (c *Column) same(o *Column) bool {
	stored := func(c Column) Column {
		c.Values, c.fill, c.pos, c.path, c.field = nil, nil, design.Position{}, "", nil
		return c
	}
	return reflect.DeepEqual(stored(*c), stored(*o))
}

// A Kind is a way to store values. Fields of different types may be stored in
// the same way; a password and a text are not, so that neither becomes the other.
type Kind string

// The kinds of columns.
const (
	Text     Kind = "text"
	Password Kind = "password"
	Integer  Kind = "integer"
	Decimal  Kind = "decimal"
	Float    Kind = "float"
	Boolean  Kind = "boolean"
	Date     Kind = "date"
	DateTime Kind = "datetime"
	JSON     Kind = "json"
	Roles    Kind = "roles"
	List     Kind = "list" // of texts
	Geo      Kind = "geo"
	File     Kind = "file"  // what is known of it
	Bytes    Kind = "bytes" // what it holds
	UUID     Kind = "uuid"
	Serial   Kind = "serial"
)

// Unique says how the values of a column differ from each other.
type Unique string

// The ways to be unique. The zero value is none.
const (
	Exact Unique = "exact"
	Fold  Unique = "fold" // letters of either case are the same
)

// FromDesign returns the schema that d asks for.
func FromDesign(d *design.Design) (*Schema, error) {
	s := &Schema{Format: snapshotFormat, Database: d.Service.Database, Enums: true}
	for _, e := range d.Entities {
		t := &Table{Name: e.Table, Search: searched(e), pos: e.Pos, entity: e}
		if e.SoftDelete != nil {
			t.Deleted = e.SoftDelete.Column
		}
		for _, f := range e.Fields {
			if f.Computed != nil {
				continue
			}
			c, err := column(f)
			if err != nil {
				return nil, err
			}
			c.path = "entities." + e.Name + ".fields." + f.Name
			if f.Type == design.ID {
				t.Columns = append([]*Column{c}, t.Columns...)
				continue
			}
			t.Columns = append(t.Columns, c)
		}
		for _, x := range e.Unique {
			t.Indexes = append(t.Indexes, index(x, true))
		}
		for _, x := range e.Indexes {
			t.Indexes = append(t.Indexes, index(x, false))
		}
		s.Tables = append(s.Tables, t)
		s.files(e)
	}
	return s, s.joins(d)
}

func index(x *design.Index, unique bool) Index {
	out := Index{Unique: unique}
	for _, f := range x.Fields {
		out.Columns = append(out.Columns, f.Column)
		if f.FoldsCase() {
			out.Fold = append(out.Fold, f.Column)
		}
	}
	return out
}

func column(f *design.Field) (*Column, error) {
	c := &Column{
		Name: f.Column, Kind: kinds(f.Type), Null: !f.Required,
		fill: f.Default, pos: f.Pos, field: f,
	}
	switch f.Type {
	case design.ID:
		c.Kind, c.Null = idKind(f.ID), false
		return c, nil
	case design.ToOne:
		to := f.Relation.Entity
		id := to.IDField()
		if id == nil {
			return nil, fmt.Errorf("entity %s has no id", to.Name)
		}
		c.Kind = keyKind(id.ID)
		c.References, c.OnDelete = to.Table, onDelete(f.Relation.OnDelete)
	case design.Decimal:
		c.Precision, c.Scale = f.Precision, f.Scale
	case design.CreatedAt, design.UpdatedAt:
		c.Null, c.fill = false, "now"
	case design.Roles:
		c.fill = "[]"
	}
	if c.Kind == "" {
		return nil, fmt.Errorf("field %s: type %s is not stored", f.Name, f.Type)
	}
	for _, v := range f.Values {
		c.Values = append(c.Values, v.Name)
	}
	if f.Unique {
		c.Unique = Exact
		if f.FoldsCase() {
			c.Unique = Fold
		}
	}
	return c, nil
}

func kinds(t design.Type) Kind {
	switch t {
	case design.Text, design.LongText, design.Email, design.URL, design.Enum, design.Username:
		return Text
	case design.Int:
		return Integer
	case design.CreatedAt, design.UpdatedAt:
		return DateTime
	case design.MultiEnum:
		return List
	case design.Geo, design.File, design.Password, design.Decimal, design.Float, design.Boolean, design.Date, design.DateTime, design.JSON, design.Roles:
		return Kind(t)
	}
	return ""
}

func idKind(k design.IDKind) Kind {
	switch k {
	case design.UUID:
		return UUID
	case design.Serial:
		return Serial
	}
	return Text
}

func onDelete(o design.OnDelete) string {
	switch o {
	case design.Cascade:
		return "CASCADE"
	case design.SetNull:
		return "SET NULL"
	}
	return "RESTRICT"
}

// Parse reads a snapshot. A nil one is an empty schema.
func Parse(db design.Database, snapshot []byte) (*Schema, error) {
	if snapshot == nil {
		return &Schema{Format: snapshotFormat, Database: db}, nil
	}
	var s Schema
	if err := json.Unmarshal(snapshot, &s); err != nil {
		return nil, fmt.Errorf("reading the snapshot of the schema: %w", err)
	}
	if s.Format != snapshotFormat || s.Database != db {
		return nil, fmt.Errorf("the snapshot of the schema has format %d for %q, not %d for %q", s.Format, s.Database, snapshotFormat, db)
	}
	return &s, nil
}

// Snapshot returns s as [Parse] reads it.
func (s *Schema) Snapshot() ([]byte, error) {
	b, err := json.MarshalIndent(s, "", "\t")
	return append(b, '\n'), err
}

func (s *Schema) table(name string) *Table {
	for _, t := range s.Tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}

func (t *Table) column(name string) *Column {
	for _, c := range t.Columns {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// IndexName returns the name of the index of an entity, within the 63 bytes that
// PostgreSQL looks at: it says which fields a refused row has in common with
// another.
func IndexName(table string, columns []string, unique bool) string {
	suffix := "idx"
	if unique {
		suffix = "key"
	}
	return hashed(table+"_"+strings.Join(columns, "_"), table+"("+strings.Join(columns, ",")+")", suffix)
}

// indexName is that for a single column.
func indexName(table, column, suffix string) string {
	name := table + "_" + column + "_" + suffix
	if len(name) <= 63 {
		return name
	}
	return hashed(name, name, suffix)
}

func hashed(name, whole, suffix string) string {
	h := fnv.New32a()
	h.Write([]byte(whole))
	return fmt.Sprintf("%s_%08x_%s", name[:min(len(name), 63-10-len(suffix))], h.Sum32(), suffix)
}
