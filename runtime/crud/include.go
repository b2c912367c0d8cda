package crud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// A relation is a link of an entity, with the resource at its other end.
type relation struct {
	*model.Link

	to   relative
	near model.FieldID // the field of this entity whose value is the key
	far  model.FieldID // the field of the other that has it, too; NoField through pairs
	kind model.IDKind  // of the key
}

// relative is a resource as the relations that lead to it see it.
type relative interface {
	target
	// branch judges and resolves what is asked of the rows that a relation leads
	// to, from at most rows rows. It asks nothing of the database.
	branch(c caller, rel *relation, ask *query.Include, b *budget, from place) (*branch, error)
	// relative returns what the caller may know of the rows that a relation leads
	// to, for a condition on them.
	relative(c caller, rel *relation, path string) (*query.Relative, error)
	// gather reads the rows of a branch that belong to the keys.
	gather(ctx context.Context, c caller, br *branch, keys *query.Keys) (*harvest, error)

	// findBelonging answers a page of the rows that belong to the key.
	findBelonging(ctx context.Context, c caller, rel *relation, key any, q *query.Query) (*Rows, error)
	// createBelonging makes a row that belongs to the key.
	createBelonging(ctx context.Context, c caller, rel *relation, key any, body []byte, sel []string, opts ...Option) (Row, error)

	// sight answers [Linked.Sight].
	sight(ctx context.Context, rel *relation, id any) (func(ctx context.Context) bool, error)

	// may answers 401 and 403 to who may not do that to any row.
	may(c caller, action authz.Action) error
	// mayBe is may for what a body does to other rows.
	mayBe(c caller, v verb) error
	// bear creates a row of a JSON object, whose key, if there is one, has that
	// value, and returns its id.
	bear(ctx context.Context, c caller, body json.RawMessage, at nesting, key model.FieldID, value any) (any, error)
	// bearTied creates a row of a JSON object, whose relation leads to the row with the
	// id far, and returns its id.
	bearTied(ctx context.Context, c caller, body json.RawMessage, at nesting, name string, far any) (any, error)
	// point changes the key of the row with that id.
	point(ctx context.Context, c caller, id any, key model.FieldID, value any) error
	// release makes the key of the row with that id null, if it has that value.
	release(ctx context.Context, c caller, id any, key model.FieldID, value any) error
	// tie changes the row with that id, so that its relation leads to the row with
	// the id far; untie so that it does not.
	tie(ctx context.Context, c caller, id any, name string, far any) error
	untie(ctx context.Context, c caller, id any, name string, far any) error
}

// A branch is an include that was found right.
type branch struct {
	rel     *relation
	as      string
	refused error // instead of rows, when that is what the answer says

	filter  query.Filter
	fields  scope
	plan    *query.Plan
	fetch   model.FieldSet
	below   []*branch
	budget  *budget
	include string // its path, for messages
}

// place is where in a query an include stands.
type place struct {
	path    string // of the rows that it leads from: items.tags
	depth   int
	rows    int // that it leads from, at most
	lenient bool
}

// budget is what is left for a query of all that it may ask for.
type budget struct{ rows, includes, bytes int }

// included is includes for the rows of a question, of which there are at most rows.
func (r *engine) included(c caller, asked []query.Include, fields scope, rows int, lenient bool) ([]*branch, error) {
	if len(asked) == 0 {
		return nil, nil
	}
	b := &budget{rows: query.MaxRows - rows, includes: query.MaxIncludes, bytes: MaxAnswer}
	return r.includes(c, asked, fields, b, place{rows: rows, lenient: lenient})
}

// relate finds the ends of the relations of the entity among the resources.
func (r *engine) relate(targets map[string]target) error {
	r.relations = make(map[string]*relation, len(r.entity.Links))
	for i := range r.entity.Links {
		l := &r.entity.Links[i]
		to, ok := targets[l.To].(relative)
		if !ok {
			return fmt.Errorf("link %q leads to %s, which is not there", l.Name, l.To)
		}
		rel := &relation{Link: l, to: to, near: r.entity.IDField(), far: model.NoField}
		switch other := to.Entity(); {
		case l.Key != "":
			rel.near, _ = r.entity.Field(l.Key)
			rel.far = other.IDField()
		case l.Inverse != "":
			far, ok := other.Field(l.Inverse)
			if !ok || other.Fields[far].Type != model.Relation || other.Fields[far].To != r.entity.Name || !l.Many && !other.Fields[far].Unique {
				return fmt.Errorf("link %q: %s.%s does not lead back", l.Name, l.To, l.Inverse)
			}
			rel.far = far
		case rel.elsewhere():
			back, ok := other.Link(l.Through.Inverse)
			if !ok || back.Through == nil || *back.Through != (model.Join{Table: l.Through.Table, Near: l.Through.Far, Far: l.Through.Near}) {
				return fmt.Errorf("link %q: %s.%s is not its other end", l.Name, l.To, l.Through.Inverse)
			}
		}
		rel.kind = r.entity.Fields[rel.near].ID
		r.relations[l.Name] = rel
	}
	return nil
}

// includes judges and resolves the relations that are asked for, in rows of which
// the caller may read the fields of scope in the end.
func (r *engine) includes(c caller, asked []query.Include, fields scope, b *budget, from place) ([]*branch, error) {
	if len(asked) == 0 {
		return nil, nil
	}
	if from.depth >= query.MaxIncludeDepth {
		return nil, badInclude(from.path, model.CodeLimit, "relations are included at most "+strconv.Itoa(query.MaxIncludeDepth)+" deep")
	}
	if b.includes -= len(asked); b.includes < 0 {
		return nil, badInclude(from.path, model.CodeLimit, "at most "+strconv.Itoa(query.MaxIncludes)+" relations are included")
	}
	branches := make([]*branch, 0, len(asked))
	names := make(map[string]bool, len(asked))
	for i := range asked {
		ask := &asked[i]
		at := from
		at.path = below(from.path, ask.Relation)
		if names[ask.Name()] {
			return nil, badInclude(at.path, model.CodeFormat, "is included twice")
		}
		names[ask.Name()] = true
		br, err := r.follow(c, ask, fields, b, at)
		switch {
		case err == nil:
		case from.lenient && !errors.Is(err, errBudget):
			br = &branch{refused: err}
		default:
			return nil, err
		}
		br.as = ask.Name()
		branches = append(branches, br)
	}
	return branches, nil
}

// follow is includes for one relation.
func (r *engine) follow(c caller, ask *query.Include, fields scope, b *budget, at place) (*branch, error) {
	rel, ok := r.relations[ask.Relation]
	if !ok || !fields.ever.Has(rel.near) {
		return nil, r.noRelation(at)
	}
	br, err := rel.to.branch(c, rel, ask, b, at)
	if errors.Is(err, errHiddenKey) {
		return nil, r.noRelation(at)
	}
	return br, err
}

// noRelation is the answer to a relation that is not there, or whose key the caller
// may not read: who may not read a field cannot tell it from none.
func (r *engine) noRelation(at place) error {
	if at.lenient {
		return forbidden("")
	}
	return badInclude(at.path, model.CodeUnknown, "is not a relation of "+r.entity.Name)
}

var (
	errHiddenKey = errors.New("crud: a key that the caller may not read")
	errBudget    = errors.New("crud: too much")
)

// branch implements relative.
func (r *engine) branch(c caller, rel *relation, ask *query.Include, b *budget, at place) (*branch, error) {
	filter, fields, err := r.enter(c, rel, at.path)
	if err != nil {
		return nil, err
	}
	if !rel.Many && !plain(&ask.Query) {
		return nil, badInclude(at.path, model.CodeFormat, "leads to one row, of which there is nothing to choose but its fields and relations")
	}
	if ask.Query.Cursor != nil {
		return nil, badInclude(at.path, model.CodeFormat, "has no cursors: ask for its rows by themselves")
	}
	q := ask.Query
	if q.Limit == 0 {
		q.Limit = query.DefaultIncluded
	}
	plan, err := query.Resolve(r.entity, &q, fields.always, fields.ever, r.onward(c, fields.always, at.path))
	if err != nil {
		return nil, inInclude(at.path, err)
	}
	at.depth++
	if rel.Many {
		at.rows *= max(1, plan.Limit)
	}
	if b.rows -= at.rows; b.rows < 0 {
		return nil, &gate.Error{
			Status: http.StatusBadRequest, Message: "The query is wrong", Err: errBudget,
			Errors: model.Problems{{
				Field: at.path, Code: model.CodeLimit,
				Message: "is one too many: the pages multiply to more than " + strconv.Itoa(query.MaxRows) + " rows; ask for smaller ones",
			}},
		}
	}
	below, err := r.includes(c, ask.Query.Include, fields, b, at)
	if err != nil {
		return nil, err
	}
	fetch := plan.Select.Union(fields.judged()).Union(near(below))
	return &branch{rel: rel, filter: filter, fields: fields, plan: plan, fetch: fetch, below: below, include: at.path, budget: b}, nil
}

// plain reports whether a query asks for nothing that a single row has not.
func plain(q *query.Query) bool {
	return q.Where == nil && q.Search == "" && len(q.Sort) == 0 && q.Limit == 0 && q.Skip == 0 && !q.CountOnly
}

// near returns the keys of branches, which are fetched whether they are answered
// or not.
func near(branches []*branch) model.FieldSet {
	var set model.FieldSet
	for _, br := range branches {
		if br.refused == nil {
			set.Add(br.rel.near)
		}
	}
	return set
}

func below(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func badInclude(path, code, message string) error {
	return badRequest(model.Problems{{Field: path, Code: code, Message: message}})
}

// inInclude says where the problems of a query stand that was included.
func inInclude(path string, err error) error {
	problems, ok := errors.AsType[model.Problems](err)
	if !ok {
		return err
	}
	for i := range problems {
		problems[i].Field = below(path, problems[i].Field)
		if problems[i].Field[len(problems[i].Field)-1] == '.' {
			problems[i].Field = path
		}
	}
	return badRequest(problems)
}

// refusedInclude names the relation that the caller may not follow.
func refusedInclude(path string, err error) error {
	e, ok := errors.AsType[*gate.Error](err)
	if !ok {
		return err
	}
	return &gate.Error{
		Status: e.Status, Message: e.Message,
		Errors: model.Problems{{Field: path, Code: model.CodeForbidden, Message: "needs a right that you do not have"}},
	}
}
