package crud

import (
	"context"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// A Service is a [Resource] without the type of its rows: bodies come as JSON,
// rows append themselves as JSON, with the fields that the caller may read and
// no others. The selections of changes name fields; nil selects all.
//
// Resources alone are services: what stands in for one embeds it, and gets the methods
// that a later version adds.
type Service interface {
	// sealed keeps others from writing out all methods, which the next one would break.
	sealed()
	// InTx is [InTx] on the database of the rows.
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// Entity returns the description of the entity.
	Entity() *model.Entity
	// May returns what the caller may do with the rows, false if that is nothing.
	May(ctx context.Context) (May, bool)
	// FindRows answers a page of the rows that the caller may list.
	FindRows(ctx context.Context, q *query.Query) (*Rows, error)
	// GetRow answers one row, with the relations that are asked for.
	GetRow(ctx context.Context, id string, sel *query.Selection) (Row, error)
	// FindRelated answers a page of the rows that a relation to many leads to, from
	// a row that the caller may get.
	FindRelated(ctx context.Context, id, relation string, q *query.Query) (*Rows, error)
	// CreateRelated makes a row of a JSON object, whose key points to a row that the
	// caller may get. Rows that are found by pairs are made by themselves.
	CreateRelated(ctx context.Context, id, relation string, body []byte, sel []string, opts ...Option) (Row, error)
	// CreateRow makes a row of a JSON object.
	CreateRow(ctx context.Context, body []byte, sel []string, opts ...Option) (Row, error)
	// CreateRows makes rows of a JSON array of 1 to [MaxBulk] objects: all of
	// them or none.
	CreateRows(ctx context.Context, body []byte, sel []string, opts ...Option) (*Rows, error)
	// UpdateRow replaces a row: fields that a JSON object does not name get
	// their default. The field that counts changes is not written: a row that is
	// another version than the object says is 412, here and in PatchRow.
	UpdateRow(ctx context.Context, id string, body []byte, sel []string, opts ...Option) (Row, error)
	// PatchRow changes the fields of a row that a JSON object names.
	PatchRow(ctx context.Context, id string, body []byte, sel []string, opts ...Option) (Row, error)
	// PatchRows changes rows that a query chooses by its conditions, all of them or
	// none, each as PatchRow does: of those that the caller may list, get and change,
	// at most [MaxBulk]. A query without conditions is refused. Options hold for each row.
	PatchRows(ctx context.Context, q *query.Query, body []byte, sel []string, opts ...Option) (*Rows, error)
	// RemoveRows deletes rows that a query chooses, as PatchRows changes them, and
	// answers them as they were.
	RemoveRows(ctx context.Context, q *query.Query, sel []string, opts ...Option) (*Rows, error)
	// RemoveRow deletes a row and answers it as it was.
	RemoveRow(ctx context.Context, id string, sel []string, opts ...Option) (Row, error)
	// OpenFile answers a file of a row to those who may get the row and read the
	// field. To all others, and where there is none, it is 404.
	OpenFile(ctx context.Context, id, field string) (*Download, error)
	// StageFile reads a file for a row from somebody who may change it and the field,
	// and checks it. [Staged.Close] forgets it.
	StageFile(ctx context.Context, id, field string, up Upload) (*Staged, error)
	// KeepFile makes what was staged the file of a row, in place of the one before,
	// by the rules of a change.
	KeepFile(ctx context.Context, id, field string, file *Staged, opts ...Option) (Row, error)
	// RemoveFile removes the file of a row, if there is one, by the rules of a change.
	RemoveFile(ctx context.Context, id, field string, opts ...Option) (Row, error)
	// RestoreRow brings back a row that was deleted, for those who may delete it, if
	// deleted rows are kept; else it is 404. [IfVersion] is about the version in which it
	// was deleted.
	RestoreRow(ctx context.Context, id string, sel []string, opts ...Option) (Row, error)
}

func (r *engine) sealed() {}

// A Row is one row to be answered. It belongs to one request.
type Row struct {
	ID  string // empty in a row of a page
	enc *engine
	row record
	set model.FieldSet

	crops crops
	at    int // which row of the crops it is

	version int64  // 0: none that the caller may know
	shape   uint64 // of all fields
}

// Entity returns the description of the entity that the row is one of.
func (r Row) Entity() *model.Entity { return r.enc.Entity() }

// Fields returns the fields that AppendJSON appends.
func (r Row) Fields() model.FieldSet { return r.set }

// AppendJSON appends the row as a JSON object. Relations that were included are
// members of it: a row or null, or a page {total, limit, skip, data}.
func (r Row) AppendJSON(dst []byte) []byte {
	return r.crops.append(r.enc.append(dst, r.row, r.set), r.at)
}

// Key returns the id of the row, whether it is answered or not.
func (r Row) Key() string { return r.enc.id(r.row) }

// Copy returns a copy of the row as the struct of its resource, a pointer to it. Fields
// that are not answered have their zero value there.
func (r Row) Copy() any {
	own := r.enc.form.clone(r.row)
	r.enc.clear(own, r.set)
	return own.at
}

// Has reports whether the field is answered: the caller selected it, and may
// read it in this row.
func (r Row) Has(f model.FieldID) bool { return r.set.Has(f) }

// AppendField appends the value of one field as JSON. It panics for a field that
// is not answered: what the caller may not read cannot get out this way either.
func (r Row) AppendField(dst []byte, f model.FieldID) []byte {
	if !r.set.Has(f) {
		panic("crud: a field that is not answered")
	}
	field, p := r.enc.field(r.row, f)
	return field.AppendJSON(dst, p)
}

// Rows is a page of rows to be answered. It belongs to one request.
type Rows struct {
	Total int64 // how many rows there are, on all pages; -1 if [query.Query] says NoTotal
	Limit int   // the size of the page
	Skip  int   // how many come before it

	// Paged says that the query has a cursor, and Next and Previous are where the
	// pages behind and before this one are; empty where there is none.
	Paged          bool
	Next, Previous string

	enc    *engine
	making *making // for which they were read; may be nil
	rows   []record
	off    int // of the first row in rows, sets and crops
	len    int
	set    model.FieldSet
	sets   []model.FieldSet // one for each row when they differ
	crops  crops
}

// full reports whether nothing more is appended to a text.
func (r *Rows) full(dst []byte) bool {
	return len(dst) > freeAnswer && (len(dst) > MaxAnswer || !r.making.writes(len(dst)))
}

// Len returns the number of rows on the page.
func (r *Rows) Len() int { return r.len }

// At returns the i-th row.
func (r *Rows) At(i int) Row {
	return Row{enc: r.enc, row: r.rows[r.off+i], set: r.shown(i), crops: r.crops, at: r.off + i}
}

// AppendRow appends the i-th row as a JSON object.
func (r *Rows) AppendRow(dst []byte, i int) []byte {
	return r.crops.append(r.enc.append(dst, r.rows[r.off+i], r.shown(i)), r.off+i)
}

// shown returns the fields of the i-th row that are answered.
func (r *Rows) shown(i int) model.FieldSet {
	if r.sets != nil {
		return r.sets[r.off+i]
	}
	return r.set
}

// AppendJSON appends all rows as a JSON array.
func (r *Rows) AppendJSON(dst []byte) []byte {
	dst = append(dst, '[')
	for i := range r.len {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = r.AppendRow(dst, i)
	}
	return append(dst, ']')
}

func (r *engine) append(dst []byte, row record, set model.FieldSet) []byte {
	dst = append(dst, '{')
	first := true
	for f := range set.All() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		field := &r.entity.Fields[f]
		dst = field.AppendKey(dst)
		dst = field.AppendJSON(dst, r.form.pointer(row, f))
	}
	return append(dst, '}')
}

// clear takes out of a row what is not in set.
func (r *engine) clear(row record, set model.FieldSet) {
	for f := range r.entity.All().Without(set).All() {
		field, p := r.field(row, f)
		field.Clear(p)
	}
}

// answerRow makes the answer of one row: what is selected of the fields that the
// caller may read.
func (r *engine) answerRow(row record, shown, selected model.FieldSet) Row {
	return r.tag(Row{ID: r.id(row), enc: r, row: row, set: shown.Intersect(selected)}, row, shown)
}
