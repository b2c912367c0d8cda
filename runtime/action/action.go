package action

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
)

// An Action is one thing that can be called. It is made by generated code, or by
// that of the service, bound once by [Action.Bind], and then safe for concurrent use.
type Action struct {
	Name        string // placeOrder
	Description string
	Method      string   // of HTTP; empty where it has no route
	Path        string   // with /api, and {id} for the row
	Rules       []string // the words of who may call it; none: nobody
	Row         string   // entity of the row on which it is called; empty for none

	// Input says what is sent, nil for nothing, and New returns a pointer to the
	// struct that it is read into.
	Input *Record
	New   func() any

	// Output says what is answered, or Rows of which entity rows are; both empty is
	// nothing. List says that it is any number of them.
	Output *Record
	Rows   string
	List   bool

	// Value is one value that is answered, or a list of them, instead of a record.
	Value *Member
	// Flat says that the members of Input are arguments of their own in GraphQL, and
	// not one argument input.
	Flat bool

	// Changes has the code run in one transaction, which is undone by an error.
	Changes bool

	// Code is the function behind the action, with whatever type. Bind looks whether
	// there is one; Place says where it belongs.
	Code  any
	Place string

	// Run calls the code: with the id of the row, and what New returned. It returns
	// the struct of Output, a slice of them, or, of rows, their ids as a []string.
	Run func(ctx context.Context, id string, in any) (any, error)
	// RunOn is in place of Run for a field of rows, see [Action.DoOn].
	RunOn func(ctx context.Context, row, in any) (any, error)

	rule  authz.Rule
	env   Config
	row   crud.Service
	rows  crud.Service
	bound bool
}

// Config is what actions run on. All but NoCredentials is required.
type Config struct {
	DB       *store.DB
	Policy   *authz.Policy
	Entities []crud.Service
	// NoCredentials says that there is no way to show who one is: what asks for
	// somebody is then 403 for everybody.
	NoCredentials bool
}

// Bind checks the action and prepares it. What is wrong with it, or missing behind
// it, is a mistake of the program.
func (a *Action) Bind(env Config) error {
	if err := a.bind(env); err != nil {
		return fmt.Errorf("action %s: %w", a.Name, err)
	}
	a.bound = true
	return nil
}

func (a *Action) bind(env Config) error {
	if env.DB == nil || env.Policy == nil {
		return errors.New("it has no database or policy to run on")
	}
	if code := reflect.ValueOf(a.Code); (a.Run == nil) == (a.RunOn == nil) || a.Code != nil && code.Kind() == reflect.Func && code.IsNil() {
		return fmt.Errorf("there is no code behind it: write a %T and set %s", a.Code, a.Place)
	}
	rule, err := authz.ParseRule(a.Rules...)
	if err != nil {
		return err
	}
	if err := env.Policy.CheckRule(rule); err != nil {
		return err
	}
	for _, word := range a.Rules {
		if word == "tenant" || strings.HasSuffix(word, " within tenant") { // with which it would admit nobody
			return fmt.Errorf("the rule says %q, which is for rows: an action has none", word)
		}
	}
	a.rule, a.env = rule, env
	for _, e := range []struct {
		name string
		to   *crud.Service
	}{{a.Row, &a.row}, {a.Rows, &a.rows}} {
		if e.name == "" {
			continue
		}
		if *e.to = find(env.Entities, e.name); *e.to == nil {
			return fmt.Errorf("there is no entity %s", e.name)
		}
	}
	if a.Input == nil {
		return nil
	}
	in := reflect.ValueOf(a.New())
	if in.Kind() != reflect.Pointer {
		return fmt.Errorf("input is kept in %T, which is no pointer", a.New())
	}
	return a.Input.check(in.Type().Elem())
}

func find(entities []crud.Service, name string) crud.Service {
	for _, s := range entities {
		if s.Entity().Name == name {
			return s
		}
	}
	return nil
}

// Entity returns the description of the entity whose rows are answered, nil for none.
// It is known when the action is bound.
func (a *Action) Entity() *model.Entity {
	if a.rows == nil {
		return nil
	}
	return a.rows.Entity()
}

// An Input reads what was sent into the struct of a record. It is called once it is
// known that the caller may call the action.
type Input func(r *Record, into any) error

// JSON returns the input of a JSON object, and of words of the path, which are not
// taken from the object, too. Words may be nil.
func JSON(body []byte, words url.Values) Input {
	return func(r *Record, into any) error {
		d := decoder{words: words}
		if err := d.object(r, body, reflect.ValueOf(into).Elem(), ""); err != nil {
			return malformed(err)
		}
		return refused(d.problems)
	}
}

// Values returns the input of the parameters of a query string.
func Values(values url.Values) Input {
	return func(r *Record, into any) error {
		var d decoder
		d.values(r, values, reflect.ValueOf(into).Elem())
		return refused(d.problems)
	}
}

func malformed(err error) error {
	if problems, ok := errors.AsType[model.Problems](err); ok {
		return &gate.Error{Status: http.StatusBadRequest, Message: "The body is not a JSON object", Errors: problems}
	}
	return err
}

func refused(problems model.Problems) error {
	if len(problems) == 0 {
		return nil
	}
	return &gate.Error{Status: http.StatusBadRequest, Message: "Some fields are wrong", Errors: problems}
}

// nothing is the input of an action that takes none.
type nothing struct{}

// A Last runs at the end of the transaction of an action that Changes, with what it
// answers as [Action.Recall] takes it. Its error undoes the action.
type Last func(ctx context.Context, tx *sql.Tx, kept []string) error

// Do calls the action for the caller in ctx, on the row with that id if it has one.
func (a *Action) Do(ctx context.Context, id string, in Input, last ...Last) (*Answer, error) {
	return a.Call(ctx, Call{ID: id}, in, last...)
}

// A Call is how an action is called.
type Call struct {
	ID string // of the row, if the action has one
	// Versions are for one that Changes: those that the row may have, which stays as it
	// is until the code has run. Another one is 412, as is a row that has none, or whose
	// version the caller may not read. Nil takes any.
	Versions []int64
	// Selection is what [Answer.Rows] answers of rows. Those of an action that Changes
	// are read before that is kept, so that whoever gets an error knows that nothing is.
	Selection *query.Selection
}

// Call is [Action.Do] with more to say.
func (a *Action) Call(ctx context.Context, call Call, in Input, last ...Last) (*Answer, error) {
	if err := a.Admit(ctx); err != nil {
		return nil, err
	}
	if a.row != nil {
		if _, err := a.row.GetRow(ctx, call.ID, &query.Selection{Lenient: true}); err != nil {
			return nil, err
		}
	}
	return a.perform(ctx, call.Selection, in, func(ctx context.Context, input any) (any, error) {
		if call.Versions != nil {
			if err := a.still(ctx, call.ID, call.Versions); err != nil {
				return nil, err
			}
		}
		return a.Run(ctx, call.ID, input)
	}, last...)
}

// still locks the row, and refuses one that has none of the versions.
func (a *Action) still(ctx context.Context, id string, versions []int64) error {
	row, err := a.row.GetRow(ctx, id, &query.Selection{Lenient: true, Lock: query.ForChange})
	if err != nil {
		return err
	}
	if v, ok := crud.ParseTag(row.Tag()); !ok || !slices.Contains(versions, v) {
		return crud.Stale()
	}
	return nil
}

// DoOn calls the action on a row that was read for the caller in ctx, a copy of its
// struct with what they may see, see [crud.Row].
func (a *Action) DoOn(ctx context.Context, row any, in Input) (*Answer, error) {
	if err := a.Admit(ctx); err != nil {
		return nil, err
	}
	return a.perform(ctx, nil, in, func(ctx context.Context, input any) (any, error) { return a.RunOn(ctx, row, input) })
}

// perform reads the input, runs the code and takes its answer.
func (a *Action) perform(ctx context.Context, sel *query.Selection, in Input, run func(context.Context, any) (any, error), last ...Last) (*Answer, error) {
	input, err := a.read(in)
	if err != nil {
		return nil, err
	}
	var answer *Answer
	err = a.transact(ctx, func(ctx context.Context) error {
		answer = &Answer{action: a}
		if input == nil { // a next try: the code may have changed what it got
			if input, err = a.read(in); err != nil {
				return err
			}
		}
		sent := input
		input = nil
		out, err := run(ctx, sent)
		if err == nil {
			err = answer.take(out)
		}
		if err == nil && a.Changes && a.rows != nil {
			answer.rows, err = answer.Rows(ctx, sel)
			answer.read = err == nil
		}
		for _, fn := range last {
			if tx, inside := crud.Tx(ctx, a.env.DB); err == nil && inside {
				err = fn(ctx, tx, answer.kept())
			}
		}
		return err
	})
	if err != nil {
		return nil, a.failed(err)
	}
	return answer, nil
}

// read reads the input for one run.
func (a *Action) read(in Input) (any, error) {
	record, input := a.Input, any(&nothing{})
	if record == nil {
		record = &Record{Name: a.Name}
	} else {
		input = a.New()
	}
	return input, in(record, input)
}

// Admit decides whether the caller may call the action: the error is 401 or 403.
func (a *Action) Admit(ctx context.Context) error {
	if !a.bound {
		return fmt.Errorf("action %s is called before it was bound", a.Name)
	}
	switch a.env.Policy.DecideContext(ctx, a.rule) {
	case authz.Allowed:
		return nil
	case authz.Unauthenticated:
		if !a.env.NoCredentials {
			return gate.ErrNotAuthenticated
		}
	}
	return gate.ErrForbidden
}

func (a *Action) transact(ctx context.Context, fn func(context.Context) error) error {
	if a.Changes {
		return crud.InTx(ctx, a.env.DB, fn)
	}
	return fn(ctx)
}

// failed makes the answer of an error of the code.
func (a *Action) failed(err error) error {
	if e, ok := errors.AsType[*gate.Error](err); ok {
		return e
	}
	if a.env.DB.Classify(err).Kind == store.Unavailable {
		return &gate.Error{Status: http.StatusServiceUnavailable, RetryAfter: time.Second, Err: err}
	}
	return fmt.Errorf("action %s: %w", a.Name, err)
}

// In returns the input that New made, for generated code.
func In[T any](in any) T {
	p, ok := in.(*T)
	if !ok {
		panic(fmt.Sprintf("action: the input is a %T", in)) // New says otherwise
	}
	return *p
}

// RowID returns the row that code answered as Run does, for generated code. Nil is no
// row.
func RowID[T any](row *T, err error, id func(*T) string) (any, error) {
	if err != nil || row == nil {
		return []string(nil), err
	}
	return []string{id(row)}, nil
}

// RowIDs is [RowID] for any number of rows.
func RowIDs[T any](rows []T, err error, id func(*T) string) (any, error) {
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = id(&rows[i])
	}
	return ids, err
}
