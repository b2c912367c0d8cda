package crud

import (
	"context"
	"slices"
	"strconv"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// A harvest is the rows of a branch, with where those of each key are.
type harvest struct {
	rows  *Rows
	spans map[any]span
}

// span is the rows that belong to one key.
type span struct {
	from, to int
	total    int64
}

// A crop is a harvest as the rows have it that lead to it.
type crop struct {
	as      string
	refused error // instead of rows
	many    bool
	rows    *Rows
	spans   []span // of each row
	hidden  []bool // rows of which the caller may not read the key; nil if there are none
}

// load reads the branches, one statement for each of them and each below, however
// many rows there are.
func (r *engine) load(ctx context.Context, c caller, rows []record, fields scope, branches []*branch) (crops, error) {
	if len(branches) == 0 {
		return nil, nil
	}
	all := make(crops, len(branches))
	for i, br := range branches {
		if br.refused != nil {
			all[i] = &crop{as: br.as, refused: br.refused}
			continue
		}
		cr := &crop{as: br.as, many: br.rel.Many, spans: make([]span, len(rows))}
		all[i] = cr
		keys, values := r.keys(rows, fields, br.rel, cr)
		h, err := br.rel.to.gather(ctx, c, br, keys)
		if err != nil {
			return nil, err
		}
		cr.rows = h.rows
		for i, key := range values {
			if key != nil {
				cr.spans[i] = h.spans[key]
			}
		}
	}
	return all, nil
}

// keys returns the keys of rows, each once, and that of each row: nil where there
// is none, or the caller may not read it.
func (r *engine) keys(rows []record, fields scope, rel *relation, cr *crop) (*query.Keys, []any) {
	keys := &query.Keys{Kind: rel.kind, Field: rel.far, Through: rel.Through}
	values := make([]any, len(rows))
	seen := make(map[any]bool, len(rows))
	for i := range rows {
		if set := r.shown(rows[i], model.Fields(rel.near), &fields); !set.Has(rel.near) {
			if cr.hidden == nil {
				cr.hidden = make([]bool, len(rows))
			}
			cr.hidden[i] = true
			continue
		}
		key := r.value(rows[i], rel.near)
		if key == nil {
			continue
		}
		values[i] = key
		if seen[key] {
			continue
		}
		seen[key] = true
		switch key := key.(type) {
		case int64:
			keys.Numbers = append(keys.Numbers, key)
		case string:
			keys.Texts = append(keys.Texts, key)
		}
	}
	return keys, values
}

// gather implements relative.
func (r *engine) gather(ctx context.Context, c caller, br *branch, keys *query.Keys) (*harvest, error) {
	h := &harvest{rows: &Rows{Limit: br.plan.Limit, Skip: br.plan.Skip, enc: r, making: makingOf(ctx), set: br.plan.Select}, spans: map[any]span{}}
	if br.plan.NoTotal {
		h.rows.Total = -1 // of each page
	}
	var list []record
	if len(keys.Texts)+len(keys.Numbers) > 0 {
		var err error
		if list, err = r.belonging(ctx, br, keys, h.spans); err != nil {
			return nil, r.answer(err)
		}
	}
	h.rows.rows, h.rows.len = list, len(list)
	if len(br.fields.grants) > 0 {
		h.rows.sets = make([]model.FieldSet, len(list))
		for i := range list {
			h.rows.sets[i] = r.shown(list[i], br.plan.Select, &br.fields)
		}
	}
	var err error
	h.rows.crops, err = r.load(ctx, c, list, br.fields, br.below)
	return h, err
}

// belonging reads the rows that belong to keys, and notes where those of each are.
func (r *engine) belonging(ctx context.Context, br *branch, keys *query.Keys, spans map[any]span) ([]record, error) {
	s := r.statement()
	defer r.recycle(s)
	if br.rel.Many {
		r.compile.Pages(s, keys, br.plan, br.filter, br.fetch)
	} else {
		r.compile.Owned(s, keys, br.filter, br.fetch)
	}
	rows, err := r.query(ctx, s)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var text string
	var number, total, place int64
	key := model.Cell{Field: &model.Field{Column: "key", Required: true}, P: &text}
	if keys.Kind == model.Serial {
		key.P = &number
	}
	dest := []any{&key}
	if br.rel.Many {
		dest = append(dest, &total, &place)
	}
	in := r.scanner(br.fetch)
	in.dest = append(dest, in.dest...)
	var list []record
	for rows.Next() {
		if list, err = in.scan(rows, list); err != nil {
			return nil, err
		}
		if in.bytes() > br.budget.bytes && !authz.IsSystem(ctx) {
			return nil, answerTooLarge()
		}
		if err := in.count(ctx); err != nil {
			return nil, err
		}
		value := any(text)
		if keys.Kind == model.Serial {
			value = number
		}
		at, known := spans[value]
		if !known {
			at = span{from: len(list) - 1, to: len(list) - 1, total: total}
		}
		if br.rel.Many && (place <= int64(br.plan.Skip) || br.plan.Limit == 0) {
			list = list[:len(list)-1] // the first row, which came with the total alone
		} else {
			at.to = len(list)
		}
		spans[value] = at
	}
	br.budget.bytes -= in.bytes()
	return list, rows.Err()
}

// crops are what was included with a row, or the rows of a page.
type crops []*crop

// One answers the row that a relation to one leads to, under the name that it was
// included by; false when there is none that the caller may get. The error says
// that the caller may not follow the relation, and is for the answer of
// [query.Include] in a lenient query, or of this row. It panics for a name that was
// not asked for.
func (r Row) One(as string) (Row, bool, error) {
	cr := r.crops.named(as, false)
	if err := cr.refusal(r.at); err != nil {
		return Row{}, false, err
	}
	if s := cr.spans[r.at]; s.from < s.to {
		return cr.rows.At(s.from), true, nil
	}
	return Row{}, false, nil
}

// Many answers the page of rows that a relation to many leads to, as [Row.One] does
// the one row.
func (r Row) Many(as string) (*Rows, error) {
	cr := r.crops.named(as, true)
	if err := cr.refusal(r.at); err != nil {
		return nil, err
	}
	return cr.page(r.at), nil
}

func (c crops) named(as string, many bool) *crop {
	i := slices.IndexFunc(c, func(cr *crop) bool { return cr.as == as })
	if i < 0 || c[i].refused == nil && c[i].many != many {
		panic("crud: the relation " + as + " was not included, or leads to another number of rows")
	}
	return c[i]
}

// refusal returns why the i-th row does not have the relation.
func (cr *crop) refusal(i int) error {
	if cr.refused == nil && cr.hidden != nil && cr.hidden[i] {
		return forbidden("")
	}
	return cr.refused
}

// page returns the rows that belong to the i-th row.
func (cr *crop) page(i int) *Rows {
	s, rows := cr.spans[i], *cr.rows
	rows.off, rows.len = cr.rows.off+s.from, s.to-s.from
	if rows.Total >= 0 {
		rows.Total = s.total
	}
	return &rows
}

// append appends what was included with the i-th row as members of its object. A
// relation that the caller may not follow is left out. A row is there again with each
// that leads to it, so it ends beyond [MaxAnswer].
func (c crops) append(dst []byte, i int) []byte {
	for _, cr := range c {
		if cr.refusal(i) != nil {
			continue
		}
		if cr.rows.full(dst) {
			break
		}
		dst = dst[:len(dst)-1]
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(model.AppendString(dst, cr.as), ':')
		switch s := cr.spans[i]; {
		case cr.many:
			dst = cr.page(i).appendPage(dst)
		case s.from < s.to:
			dst = cr.rows.AppendRow(dst, s.from)
		default:
			dst = append(dst, "null"...)
		}
		dst = append(dst, '}')
	}
	return dst
}

// appendPage appends the page in the form of a page of its own.
func (r *Rows) appendPage(dst []byte) []byte {
	dst = strconv.AppendInt(append(dst, `{"total":`...), r.Total, 10)
	dst = strconv.AppendInt(append(dst, `,"limit":`...), int64(r.Limit), 10)
	dst = strconv.AppendInt(append(dst, `,"skip":`...), int64(r.Skip), 10)
	dst = append(dst, `,"data":[`...)
	for i := 0; i < r.len && !r.full(dst); i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = r.AppendRow(dst, i)
	}
	return append(dst, "]}"...)
}

// loadOne is load for one row, with a bound on the time.
func (r *engine) loadOne(ctx context.Context, c caller, row record, fields scope, branches []*branch) (crops, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	return r.load(ctx, c, []record{row}, fields, branches)
}
