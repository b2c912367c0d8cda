package migration

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/postgres"
	"ariga.io/atlas/sql/schema"
	"ariga.io/atlas/sql/sqlite"

	"github.com/gatewright/gate/design"
)

// structure plans the statements that lead from one schema to another, without
// a thought for the rows. using gives the expressions by which PostgreSQL
// converts the columns named "table.column".
func structure(from, to *Schema, using map[string]string) ([]statement, error) {
	a := atlas{db: to.Database}
	have, err := a.schema(from)
	if err != nil {
		return nil, err
	}
	want, err := a.schema(to)
	if err != nil {
		return nil, err
	}
	diff, plan := sqlite.DefaultDiff, sqlite.DefaultPlan
	if a.db == design.Postgres {
		diff, plan = postgres.DefaultDiff, postgres.DefaultPlan
	}
	changes, err := diff.SchemaDiff(have, want)
	if err != nil {
		return nil, fmt.Errorf("comparing the schemas: %w", err)
	}
	convert(changes, using)
	if a.db == design.SQLite {
		replaceIndexes(changes)
	}
	p, err := plan.PlanChanges(context.Background(), "", changes, func(o *migrate.PlanOptions) {
		o.SchemaQualifier, o.Indent = new(string), "\t"
	})
	if err != nil {
		return nil, fmt.Errorf("planning the migration: %w", err)
	}
	return a.statements(p), nil
}

// convert tells the changes of column types how to convert the values.
func convert(changes []schema.Change, using map[string]string) {
	for _, c := range changes {
		m, ok := c.(*schema.ModifyTable)
		if !ok {
			continue
		}
		for _, c := range m.Changes {
			if c, ok := c.(*schema.ModifyColumn); ok && using[m.T.Name+"."+c.To.Name] != "" {
				c.Extra = append(c.Extra, &postgres.ConvertUsing{X: using[m.T.Name+"."+c.To.Name]})
			}
		}
	}
}

// replaceIndexes drops an index that is another from now on and makes it again, for
// which the library would copy the whole table on SQLite.
func replaceIndexes(changes []schema.Change) {
	for _, c := range changes {
		m, ok := c.(*schema.ModifyTable)
		if !ok {
			continue
		}
		var changed []schema.Change
		for _, c := range m.Changes {
			if x, ok := c.(*schema.ModifyIndex); ok {
				changed = append(changed, &schema.DropIndex{I: x.From}, &schema.AddIndex{I: x.To})
				continue
			}
			changed = append(changed, c)
		}
		m.Changes = changed
	}
}

// atlas builds the in-memory schemas of the library for one database.
//
// Default values go through it as tokens, because its two dialects quote in
// different ways and take a value that looks quoted for one that is.
type atlas struct {
	db       design.Database
	literals []string // token, SQL, token, SQL, …
}

func (a *atlas) schema(s *Schema) (*schema.Schema, error) {
	out := schema.New("")
	if a.db == design.Postgres {
		out.Name = "public"
	}
	tables := map[string]*schema.Table{}
	for _, t := range s.Tables {
		table := schema.NewTable(t.Name)
		for _, c := range t.Columns {
			column, err := a.column(t, c)
			if err != nil {
				return nil, err
			}
			table.AddColumns(column)
		}
		switch {
		case t.Files:
			table.SetPrimaryKey(schema.NewPrimaryKey(table.Columns[:2]...))
		case t.Join:
			table.SetPrimaryKey(schema.NewPrimaryKey(table.Columns...))
		case len(table.Columns) > 0:
			table.SetPrimaryKey(schema.NewPrimaryKey(table.Columns[0]))
		}
		tables[t.Name] = table
		out.AddTables(table)
	}
	for _, t := range s.Tables {
		if err := a.indexes(tables, t); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *atlas) column(t *Table, c *Column) (*schema.Column, error) {
	typ := sqliteType(c)
	if a.db == design.Postgres {
		typ = postgresType(c)
	}
	if typ == nil {
		return nil, fmt.Errorf("column %s.%s: unknown kind %q", t.Name, c.Name, c.Kind)
	}
	column := schema.NewColumn(c.Name).SetType(typ).SetNull(c.Null)
	switch {
	case c.Kind == Serial && a.db == design.Postgres:
		column.AddAttrs(&postgres.Identity{Generation: "BY DEFAULT", Sequence: &postgres.Sequence{Start: 1, Increment: 1}})
	case c.Kind == Serial:
		column.AddAttrs(&sqlite.AutoIncrement{})
	case c.Kind == Text && a.db == design.Postgres:
		column.AddAttrs(&schema.Collation{V: "C"}) // text compares by code point
	}
	if c.fill != nil {
		def, constant, err := literal(a.db, c, c.fill)
		if err != nil {
			return nil, err
		}
		token := fmt.Sprintf("gate default %s.%s", t.Name, c.Name)
		quoted := "'" + token + "'"
		switch {
		case !constant:
			column.Default = &schema.RawExpr{X: quoted}
		case numeric(typ):
			column.Default = &schema.Literal{V: quoted}
		default:
			column.Default = &schema.Literal{V: token}
		}
		a.literals = append(a.literals, quoted, def)
	}
	return column, nil
}

// numeric reports whether the library prints a default of that type as it is.
func numeric(t schema.Type) bool {
	switch t.(type) {
	case *schema.BoolType, *schema.DecimalType, *schema.IntegerType, *schema.FloatType:
		return true
	}
	return false
}

func (a *atlas) indexes(tables map[string]*schema.Table, t *Table) error {
	table := tables[t.Name]
	defer a.amongThere(table, t)
	for i, c := range t.Columns {
		column := table.Columns[i]
		switch c.Unique {
		case Exact:
			table.AddIndexes(schema.NewUniqueIndex(indexName(t.Name, c.Name, "key")).AddColumns(column))
		case Fold:
			table.AddIndexes(schema.NewUniqueIndex(indexName(t.Name, c.Name, "key")).AddParts(a.folded(c.Name)))
		}
		if c.References == "" {
			continue
		}
		to := tables[c.References]
		if to == nil {
			return fmt.Errorf("column %s.%s points to table %s, which does not exist", t.Name, c.Name, c.References)
		}
		table.AddForeignKeys(schema.NewForeignKey(indexName(t.Name, c.Name, "fkey")).
			AddColumns(column).SetRefTable(to).AddRefColumns(to.Columns[0]).
			SetOnDelete(schema.ReferenceOption(c.OnDelete)))
		if c.Unique == "" && (!t.Join || i > 0) { // the primary key begins with the first
			table.AddIndexes(schema.NewIndex(indexName(t.Name, c.Name, "idx")).AddColumns(column))
		}
	}
	for _, x := range t.Indexes {
		index := schema.NewIndex(IndexName(t.Name, x.Columns, x.Unique)).SetUnique(x.Unique)
		for _, name := range x.Columns {
			column, ok := table.Column(name)
			if !ok {
				return fmt.Errorf("table %s: an index over column %s, which does not exist", t.Name, name)
			}
			if slices.Contains(x.Fold, name) {
				index.AddParts(a.folded(name))
				continue
			}
			index.AddColumns(column)
		}
		table.AddIndexes(index)
	}
	return nil
}

// amongThere makes the unique indexes of a table ones of the rows that were not
// deleted.
func (a *atlas) amongThere(table *schema.Table, t *Table) {
	if t.Deleted == "" {
		return
	}
	for _, x := range table.Indexes {
		there := fmt.Sprintf("(%q IS NULL)", t.Deleted)
		switch {
		case !x.Unique:
		case a.db == design.Postgres:
			x.AddAttrs(&postgres.IndexPredicate{P: there})
		default:
			x.AddAttrs(&sqlite.IndexPredicate{P: there})
		}
	}
}

// folded is a column in letters of one case.
func (a *atlas) folded(column string) *schema.IndexPart {
	expression := fmt.Sprintf("(%q COLLATE NOCASE)", column)
	if a.db == design.Postgres {
		expression = fmt.Sprintf(`(lower(%q COLLATE "C"))`, column)
	}
	return schema.NewExprPart(&schema.RawExpr{X: expression})
}

func sqliteType(c *Column) schema.Type {
	switch c.Kind {
	case Text, Password, Date, DateTime, JSON, Roles, List, Geo, File, UUID:
		return &schema.StringType{T: "text"}
	case Integer, Serial, Boolean, Decimal: // a decimal is scaled to a whole number
		return &schema.IntegerType{T: "integer"}
	case Float:
		return &schema.FloatType{T: "real"}
	case Bytes:
		return &schema.BinaryType{T: "blob"}
	}
	return nil
}

func postgresType(c *Column) schema.Type {
	switch c.Kind {
	case Text, Password:
		return &schema.StringType{T: "text"}
	case Integer, Serial:
		return &schema.IntegerType{T: "bigint"}
	case Decimal:
		return &schema.DecimalType{T: "numeric", Precision: c.Precision, Scale: c.Scale}
	case Float:
		return &schema.FloatType{T: "double precision", Precision: 53}
	case Boolean:
		return &schema.BoolType{T: "boolean"}
	case Date:
		return &schema.TimeType{T: "date"}
	case DateTime:
		return &schema.TimeType{T: "timestamptz"}
	case JSON, Roles, List, Geo, File:
		return &schema.JSONType{T: "jsonb"}
	case UUID:
		return &schema.UUIDType{T: "uuid"}
	case Bytes:
		return &schema.BinaryType{T: "bytea"}
	}
	return nil
}

// A statement is one SQL statement of a migration.
type statement struct {
	comment, sql string
}

func (a *atlas) statements(p *migrate.Plan) []statement {
	literals := strings.NewReplacer(a.literals...) // in one pass: a value may look like a token
	var out []statement
	for _, c := range p.Changes {
		if strings.HasPrefix(c.Cmd, "PRAGMA ") {
			continue // the runner does that, outside the transaction where it works
		}
		if m, ok := c.Source.(*schema.ModifyTable); ok && a.db == design.SQLite && strings.HasPrefix(c.Cmd, "DROP TABLE") && counts(m.T) {
			out = append(out, keepSequence(m.T.Name)...)
		}
		sql := strings.ReplaceAll(c.Cmd, "`", `"`) // as the standard quotes names
		out = append(out, statement{c.Comment, literals.Replace(sql)})
	}
	return out
}

// counts reports whether SQLite hands out the keys of t.
func counts(t *schema.Table) bool {
	for _, attr := range t.Columns[0].Attrs {
		if _, ok := attr.(*sqlite.AutoIncrement); ok {
			return true
		}
	}
	return false
}

// keepSequence carries the counter of a table over to its rebuilt form, so that
// the number of a row that was deleted is not given to another.
func keepSequence(table string) []statement {
	return []statement{
		{"keep counting where the old table stood", fmt.Sprintf("DELETE FROM sqlite_sequence WHERE name = 'new_%s'", table)},
		{"", fmt.Sprintf("INSERT INTO sqlite_sequence (name, seq) SELECT 'new_%[1]s', seq FROM sqlite_sequence WHERE name = '%[1]s'", table)},
	}
}
