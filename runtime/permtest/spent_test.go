package permtest_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/permtest"
)

// library is a design whose hook uses up the row to which a key leads: a book is lent
// once.
const library = `gate: 1
service: {name: shop, module: example.com/shop, apis: [rest, graphql]}
entities:
  Book:
    fields:
      title: {type: text, required: true}
      state: {type: enum, values: [lent, available], required: true, default: available}
      hidden: {type: boolean, required: true, default: false}
    allow: {view: public, list: public, update: public}
  Loan:
    fields: {book: {type: relation, to: Book, required: true}, note: text}
    allow: {view: public, list: public, create: public, update: public, delete: public}
`

// lend has a hook lend the book of a new loan, and of one that is about another book.
func lend(r map[string]*crud.Resource[line]) {
	take := func(ctx context.Context, c *crud.Change[line]) error {
		book, err := r["Book"].GetForUpdate(authz.System(ctx), c.Row.cells[1].s)
		if err != nil {
			return err
		}
		if book.cells[2].s != "available" {
			return &gate.Error{Status: http.StatusConflict, Message: "The book is not there"}
		}
		_, err = r["Book"].PatchRow(authz.System(ctx), book.cells[0].s, []byte(`{"state":"lent"}`), nil)
		return err
	}
	r["Loan"].Before(authz.Create, take)
	r["Loan"].Before(authz.Update, func(ctx context.Context, c *crud.Change[line]) error {
		if c.Old.cells[1].s == c.Row.cells[1].s {
			return nil
		}
		return take(ctx, c)
	})
}

// TestRun_spent: a row that a hook used up is no reason that another cannot be made,
// with the default of its state, by Targets, and where rules look at the state.
func TestRun_spent(t *testing.T) {
	long(t)
	available := map[string]permtest.Target{"Loan.book": func(book map[string]any) bool { return book["state"] == "available" }}
	for name, tt := range map[string]struct {
		src     string
		targets map[string]permtest.Target
	}{
		"by itself":  {library, nil},
		"targets":    {strings.Replace(library, ", default: available", "", 1), available},
		"conditions": {strings.Replace(library, "{view: public, list: public, update", "{view: [{rules: public, when: {state: available}}], list: [{rules: public, when: {state: available}}], update", 1), available},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, tt.src)
			s.hooks = lend
			for _, f := range wrong(t, s, func(c *permtest.Config) { c.Targets = tt.targets }) {
				t.Error(f)
			}
		})
	}
}

// TestRun_spentRefused: what is refused of any row is told, and no new row hides it.
func TestRun_spentRefused(t *testing.T) {
	long(t)
	s := newShop(t, strings.Replace(library, ", apis: [rest, graphql]", "", 1))
	s.hooks = func(r map[string]*crud.Resource[line]) {
		r["Loan"].Before(authz.Create, func(context.Context, *crud.Change[line]) error {
			return &gate.Error{Status: http.StatusConflict, Message: "Nobody lends"}
		})
	}
	got := wrong(t, s, nil)
	const want = "a sample of Loan cannot be made: Nobody lends: give it values by Samples, or say by Targets to which rows its keys may lead"
	if !slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, want) }) {
		t.Errorf("nothing begins with %q:\n%s", want, strings.Join(got, "\n"))
	}
}

// TestRun_targetsRenamed: a name that no key has any more is told with the nearest one.
func TestRun_targetsRenamed(t *testing.T) {
	long(t)
	s := newShop(t, library)
	for name, want := range map[string]string{
		"Loan.books":  `Targets names "Loan.books", and there is no such key, did you mean "Loan.book"?`,
		"Credit.copy": `Targets names "Credit.copy", and there is no such key: Loan.book is one`,
	} {
		got := wrong(t, s, func(c *permtest.Config) {
			c.Targets = map[string]permtest.Target{name: func(map[string]any) bool { return true }}
		})
		if len(got) != 1 || got[0] != want {
			t.Errorf("found %q, want %q", got, want)
		}
	}
	keyless := newShop(t, notes)
	const none = `Targets names "Note.book", and there is no such key: no entity has one`
	got := wrong(t, keyless, func(c *permtest.Config) {
		c.Targets = map[string]permtest.Target{"Note.book": func(map[string]any) bool { return true }}
	})
	if len(got) != 1 || got[0] != none {
		t.Errorf("found %q, want %q", got, none)
	}
}
