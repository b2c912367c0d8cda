package crud

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
)

func unauthenticated() error { return &gate.Error{Status: http.StatusUnauthorized} }

func forbidden(message string) error {
	return &gate.Error{Status: http.StatusForbidden, Message: message}
}

// MaxAnswer is the most that an answer to a question may have, in bytes: rows of which
// the text is longer are not read, and what was included with rows is appended up to
// there, so that a longer text is not whole. Programs that ask for themselves read what
// they like.
const MaxAnswer = 10 << 20

// CheckAnswer refuses an answer to a question that is longer than [MaxAnswer].
func CheckAnswer(text []byte) error {
	if len(text) > MaxAnswer {
		return answerTooLarge()
	}
	return nil
}

func answerTooLarge() error {
	return &gate.Error{
		Status:  http.StatusBadRequest,
		Message: "The answer would be larger than 10 MiB: ask for fewer rows, fewer fields, or less inside of them",
	}
}

// notFound uses the words of Feathers.
func notFound(id string) error {
	if len(id) > 64 { // nobody's id; it is not worth repeating
		return &gate.Error{Status: http.StatusNotFound}
	}
	return &gate.Error{Status: http.StatusNotFound, Message: "No record found for id '" + id + "'"}
}

// refused makes the answer to what somebody sent: 403 if all that is wrong are
// missing rights, else 400. It is nil when nothing is wrong.
func refused(problems model.Problems) error {
	switch {
	case len(problems) == 0:
		return nil
	case problems.Only(model.CodeForbidden):
		return &gate.Error{Status: http.StatusForbidden, Errors: problems}
	}
	return &gate.Error{Status: http.StatusBadRequest, Message: "Some fields are wrong", Errors: problems}
}

// badRequest makes the answer to an error of package query or model.
func badRequest(err error) error {
	if problems, ok := errors.AsType[model.Problems](err); ok {
		message := "The query is wrong"
		if problems.Only(model.CodeMalformed) {
			message = "The body is not a JSON object"
		}
		return &gate.Error{Status: http.StatusBadRequest, Message: message, Errors: problems}
	}
	return err
}

// answer turns an error of the database into an answer. Answers come back as
// they are.
func (r *engine) answer(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*gate.Error](err); ok {
		return err
	}
	if errors.Is(err, store.ErrBusy) {
		return busy(err)
	}
	switch p := r.db.Classify(err); p.Kind {
	case store.Unavailable:
		return unavailable(err)
	case store.Unique:
		if p.Table == "" || p.Table == r.entity.Table {
			return r.taken(p)
		}
	case store.TooLong:
		if p.Table == r.entity.Table {
			return r.tooLongToFind(p)
		}
	}
	return err
}

func busy(err error) error {
	return &gate.Error{Status: http.StatusTooManyRequests, Message: "Other requests of yours are under way: wait for them", RetryAfter: time.Second, Err: err}
}

func unavailable(err error) error {
	return &gate.Error{Status: http.StatusServiceUnavailable, RetryAfter: time.Second, Err: err}
}

// tooLongToFind names the fields of an index that an entry was too long for.
func (r *engine) tooLongToFind(p store.Problem) error {
	var names []string
	if u := r.unique(p); u != nil {
		names = r.chosen(u.Fields)
	}
	for i := range r.entity.Fields {
		if f := &r.entity.Fields[i]; namesColumn(p, r.entity.Table, f.Column) && !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	var problems model.Problems
	for _, name := range names {
		problems.Add(name, model.CodeTooLong, "is too long for the index that it is in, which takes some 2,700 bytes")
	}
	return &gate.Error{Status: http.StatusBadRequest, Message: "Some fields are wrong", Errors: problems, Err: fmt.Errorf("an entry of %s is too long", p.Constraint)}
}

// taken names the fields whose values another row has, and nothing else.
func (r *engine) taken(p store.Problem) error {
	e := &gate.Error{Status: http.StatusConflict, Message: "The value is already taken"}
	var problems model.Problems
	if u := r.unique(p); u != nil {
		e.Message = "These values are already taken together"
		fields := r.chosen(u.Fields)
		for _, name := range fields {
			problems.Add(name, model.CodeTaken, "is already taken together with the others")
		}
		if len(fields) == 1 {
			e.Message, problems[0].Message = "The value is already taken", "is already taken"
		}
		e.Errors = problems
		return e
	}
	for i := range r.entity.Fields {
		f := &r.entity.Fields[i]
		if namesColumn(p, r.entity.Table, f.Column) {
			problems.Add(f.Name, model.CodeTaken, "is already taken")
		}
	}
	if problems != nil {
		e.Errors = problems
	}
	return e
}

// chosen returns those of the fields that whoever writes a row chooses: the tenant
// stands before others in what is unique within it.
func (r *engine) chosen(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return len(names) > 1 && name == r.entity.Tenant })
}

// unique returns the list of fields that a violated constraint is about, nil when
// it is about one field. SQLite names the columns, or the index when the case of
// letters is left out; PostgreSQL the index always.
func (r *engine) unique(p store.Problem) *model.Unique {
	for i, u := range r.entity.Unique {
		named := len(p.Columns) == len(u.Fields) && p.Constraint == ""
		for j := range u.Fields {
			f, _ := r.entity.Field(u.Fields[j])
			named = named && r.entity.Fields[f].Column == p.Columns[j]
		}
		if named || p.Constraint == u.Index {
			return &r.entity.Unique[i]
		}
	}
	return nil
}

// namesColumn reports whether a violated constraint is about the column. An
// index on an expression has no columns, but a name made of them.
func namesColumn(p store.Problem, table, column string) bool {
	if len(p.Columns) > 0 {
		return slices.Contains(p.Columns, column)
	}
	rest, ok := strings.CutPrefix(p.Constraint, table+"_"+column)
	return ok && (rest == "" || rest == "_key" || rest == "_idx" || rest == "_unique" || rest == "_lower_idx" || rest == "_ci")
}
