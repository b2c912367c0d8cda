package crud

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// Ceilings of what one request writes beside its own rows.
const (
	MaxNested      = 100 // rows that are created, connected and disconnected
	MaxNestedDepth = 3   // bodies inside each other
)

// A verb is what a body does to a row that a relation leads to.
type verb uint8

const (
	disconnect verb = iota + 1
	connect
	create
)

var verbs = [...]string{disconnect: "disconnect", connect: "connect", create: "create"}

// A nested is a row that a body connects, disconnects or creates.
type nested struct {
	rel  *relation
	verb verb
	path string          // items.create[2], for messages
	far  any             // its id; nil for create
	body json.RawMessage // of create
}

// nesting is where in a request a body stands.
type nesting struct {
	depth int
	rows  *int // that bodies of the request have named so far
}

func outermost() nesting { return nesting{rows: new(int)} }

// verbs lists what a body can do to the rows of a relation. A row keeps its own
// key: null is how it leads nowhere.
func (rel *relation) verbs() []verb {
	if rel.Key != "" {
		return []verb{connect, create}
	}
	return []verb{connect, disconnect, create}
}

func (rel *relation) verb(name string) (verb, bool) {
	for _, v := range rel.verbs() {
		if verbs[v] == name {
			return v, true
		}
	}
	return 0, false
}

// spelling names the verbs of a relation.
func (rel *relation) spelling() string {
	var names []string
	for _, v := range rel.verbs() {
		names = append(names, verbs[v])
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// nestings reads what a body says about the rows that a relation leads to: {"create":
// [{…}], "connect": [{"id": …}], "disconnect": [{"id": …}]}, without the lists where
// it leads to one. Nothing else can be done to other rows.
func (r *engine) nestings(ch *change, rel *relation, raw json.RawMessage, writable model.FieldSet, at nesting) model.Problems {
	ch.Links = append(ch.Links, rel.Name)
	if rel.Key != "" {
		ch.led.Add(rel.near)
		if !writable.Has(rel.near) {
			p := r.unwritable(rel.near)
			p.Field = rel.Name
			return model.Problems{p}
		}
	}
	members, err := model.Members(raw)
	if err != nil {
		return model.Problems{{Field: rel.Name, Code: model.CodeType, Message: "must be an object with " + rel.spelling()}}
	}
	if at.depth >= MaxNestedDepth && len(members) > 0 {
		return model.Problems{{Field: rel.Name, Code: model.CodeLimit, Message: "rows are written at most " + strconv.Itoa(MaxNestedDepth) + " deep inside each other"}}
	}
	var problems model.Problems
	for _, m := range members {
		list, found := rel.rows(m, at)
		problems = append(problems, found...)
		for _, n := range list {
			r.keep(ch, n, at)
		}
	}
	if rel.Key != "" && len(problems) == 0 && len(members) != 1 {
		problems.Add(rel.Name, model.CodeFormat, "must have one of "+rel.spelling())
	}
	return problems
}

// rows reads the rows of one verb.
func (rel *relation) rows(m model.Member, at nesting) ([]nested, model.Problems) {
	path := rel.Name + "." + m.Key
	v, ok := rel.verb(m.Key)
	if !ok {
		return nil, model.Problems{{Field: path, Code: model.CodeUnknown, Message: "is not among " + rel.spelling()}}
	}
	rows := []json.RawMessage{m.Value}
	long := rel.Many && strictjson.Longer(m.Value, MaxNested)
	if rel.Many && !long {
		if rows = nil; json.Unmarshal(m.Value, &rows) != nil || rows == nil {
			return nil, model.Problems{{Field: path, Code: model.CodeType, Message: "must be a list"}}
		}
	}
	if *at.rows += len(rows); long || *at.rows > MaxNested {
		return nil, model.Problems{{
			Field: path, Code: model.CodeLimit,
			Message: "is too much: one request creates, connects and disconnects at most " + strconv.Itoa(MaxNested) + " other rows",
		}}
	}
	var list []nested
	var problems model.Problems
	for i, row := range rows {
		n := nested{rel: rel, verb: v, path: path, body: row}
		if rel.Many {
			n.path += "[" + strconv.Itoa(i) + "]"
		}
		if v != create {
			var problem model.Problem
			if n.far, problem, ok = rel.farID(row); !ok {
				problem.Field = n.path
				problems = append(problems, problem)
				continue
			}
		}
		list = append(list, n)
	}
	return list, problems
}

// keep notes what is to be done to a row. To connect the row that a key of this one
// leads to is to set the key.
func (r *engine) keep(ch *change, n nested, at nesting) {
	ch.at = at
	switch {
	case n.rel.Key != "" && n.verb == connect:
		field, p := r.field(ch.Row, n.rel.near)
		field.Store(p, n.far)
		ch.Set.Add(n.rel.near)
	case n.rel.Through != nil && !n.rel.elsewhere() && n.verb != create:
		ch.pairs = append(ch.pairs, pairing{n.rel, n.far, n.path, n.verb == disconnect})
	default:
		ch.nested = append(ch.nested, n)
	}
}

// links reports whether a change is one of other rows, too.
func (c *change) links() bool { return len(c.pairs)+len(c.nested) > 0 }

// mayNest answers 401 and 403 for what a change would do to other rows, before
// anything is read.
func (r *engine) mayNest(c caller, ch *change) error {
	for _, n := range ch.nested {
		if err := n.rel.to.mayBe(c, n.verb); err != nil {
			return inPath(n.path, err)
		}
	}
	return nil
}

// mayBe implements relative.
func (r *engine) mayBe(c caller, v verb) error {
	if v != create {
		return r.may(c, authz.Update)
	}
	if err := r.may(c, authz.Create); err != nil {
		return err
	}
	if r.entity.Find(model.Password) != model.NoField { // to hash many in one request is an attack
		return &gate.Error{
			Status: http.StatusBadRequest, Message: "The query is wrong",
			Errors: model.Problems{{Code: model.CodeLimit, Message: r.entity.Plural + " are created one by one, by requests of their own"}},
		}
	}
	return nil
}

// nestKeys creates the rows to which keys of a row will point, and sets the keys.
// It returns these.
func (r *engine) nestKeys(ctx context.Context, c caller, ch *change) (model.FieldSet, error) {
	var made model.FieldSet
	for _, n := range ch.nested {
		if n.rel.Key == "" {
			continue
		}
		id, err := n.rel.to.bear(ctx, c, n.body, ch.at.deeper(), model.NoField, nil)
		if err != nil {
			return made, inPath(n.path, err)
		}
		field, p := r.field(ch.Row, n.rel.near)
		field.Store(p, id)
		made.Add(n.rel.near)
	}
	ch.Set, ch.sent = ch.Set.Union(made), ch.sent.Union(made)
	return made, nil
}

func (n nesting) deeper() nesting { return nesting{n.depth + 1, n.rows} }

// nest does what a change says about rows that lead to its own, which is written by
// now: each is changed as if it were changed by itself, by the same caller. Those
// that others may change at the same time are taken in an order.
func (r *engine) nest(ctx context.Context, t *transaction, c caller, ch *change) error {
	pairs := slices.Clone(ch.pairs)
	list := slices.Clone(ch.nested)
	sort.SliceStable(list, func(i, j int) bool { // of slices, each type would bring a copy of its own
		a, b := list[i], list[j]
		by := cmp.Or(cmp.Compare(a.verb, b.verb), cmp.Compare(a.rel.Name, b.rel.Name))
		if by == 0 && a.verb != create {
			by = order(a.far, b.far)
		}
		return by < 0
	})
	key := r.value(ch.Row, r.entity.IDField())
	for _, n := range list {
		far, err := n.far, error(nil)
		switch {
		case n.rel.Key != "":
			continue
		case n.rel.elsewhere():
			far, err = n.elsewhere(ctx, c, ch.at, key)
		case n.verb == disconnect:
			err = n.rel.to.release(ctx, c, n.far, n.rel.far, key)
		case n.verb == connect:
			err = n.rel.to.point(ctx, c, n.far, n.rel.far, key)
		case n.rel.Through == nil:
			far, err = n.rel.to.bear(ctx, c, n.body, ch.at.deeper(), n.rel.far, key)
		default:
			far, err = n.rel.to.bear(ctx, c, n.body, ch.at.deeper(), model.NoField, nil)
			pairs = append(pairs, pairing{n.rel, far, n.path, false})
		}
		if err != nil {
			return inPath(n.path, err)
		}
		ch.linked = append(ch.linked, Linked{n.rel, far})
	}
	for _, p := range ch.pairs {
		ch.linked = append(ch.linked, Linked{p.rel, p.far})
	}
	return r.pair(ctx, t, c, ch.Row, pairs)
}

// bear implements relative.
func (r *engine) bear(ctx context.Context, c caller, body json.RawMessage, at nesting, key model.FieldID, value any) (any, error) {
	if err := r.mayBe(c, create); err != nil {
		return nil, err
	}
	d, err := r.create(ctx, c, r.within(c, body, at, key, value), asPart)
	if err != nil {
		return nil, err
	}
	return r.value(d.Row, r.entity.IDField()), nil
}

// within is the input of a JSON object that stands inside of the row to which key
// will point. The key is set as if it had been sent.
func (r *engine) within(c caller, body json.RawMessage, at nesting, key model.FieldID, value any) input {
	return func(writable model.FieldSet, id string) (*change, model.Problems, error) {
		ch, problems, err := r.fromJSON(body, at)(writable, id)
		if err != nil || key == model.NoField {
			return ch, problems, err
		}
		field, p := r.field(ch.Row, key)
		switch {
		case ch.Set.Has(key) || ch.led.Has(key):
			problems.Add(field.Name, model.CodeReadOnly, "is set to the row that this one belongs to")
		case writable.Has(key):
			field.Store(p, value)
			ch.Set.Add(key)
		case key != r.entity.OwnerField() || !c.is(r.rules.holder, value): // which the service sets to the same
			problems = append(problems, r.unwritable(key))
		}
		return ch, problems, nil
	}
}

// point implements relative.
func (r *engine) point(ctx context.Context, c caller, id any, key model.FieldID, value any) error {
	_, err := r.update(ctx, c, text(id), r.keyed(key, value), false, asPart)
	return err
}

// release implements relative.
func (r *engine) release(ctx context.Context, c caller, id any, key model.FieldID, value any) error {
	filter, err := r.rules.reach(c, authz.Update)
	if err != nil {
		return err
	}
	row, err := r.reachable(ctx, c, text(id), id, filter, query.ForChange)
	if err != nil {
		return r.answer(err)
	}
	fields := r.rules.fieldsFor(c, authz.Update, filter) // before it is said what the key is
	if err := refused(r.beyond(row, model.Fields(key), &fields)); err != nil || text(r.value(row, key)) != text(value) {
		return err // nil: as it is to be
	}
	return r.point(ctx, c, id, key, nil)
}

// keyed is the input of one key.
func (r *engine) keyed(key model.FieldID, value any) input {
	return func(writable model.FieldSet, _ string) (*change, model.Problems, error) {
		ch := r.newChange()
		field, p := r.field(ch.Row, key)
		switch {
		case !writable.Has(key):
			return ch, model.Problems{r.unwritable(key)}, nil
		case value == nil && field.Required:
			return ch, model.Problems{{Field: field.Name, Code: model.CodeRequired, Message: "must not be null"}}, nil
		}
		field.Store(p, value)
		ch.Set.Add(key)
		return ch, nil, nil
	}
}

// inPath says of an answer for which row of a body it is. One out of sight is
// refused in the words for one that does not exist.
func inPath(path string, err error) error {
	e, ok := errors.AsType[*gate.Error](err)
	if !ok {
		return err
	}
	at := *e
	problems, listed := e.Errors.(model.Problems)
	switch {
	case listed:
		at.Errors = prefixed(path, problems)
	case e.Status == http.StatusNotFound:
		return refused(model.Problems{noSuchRow(path)})
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		at.Errors = model.Problems{{Field: path, Code: model.CodeForbidden, Message: cmp.Or(e.Message, "needs a right that you do not have")}}
	}
	return &at
}

// prefixed returns problems whose fields stand below a path.
func prefixed(path string, problems model.Problems) model.Problems {
	out := slices.Clone(problems)
	for i := range out {
		out[i].Field = strings.TrimSuffix(path+"."+out[i].Field, ".")
	}
	return out
}
