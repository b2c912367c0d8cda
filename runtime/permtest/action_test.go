package permtest_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/permtest"
	"github.com/gatewright/gate/runtime/server"
)

// tidied is a design with an action for clerks, and one on rows that one sees.
const tidied = `gate: 1
service: {name: shop, module: example.com/shop}
roles: {clerk: {}}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
actions:
  tidy: {allow: clerk}
  fold: {row: Note, path: "notes/{id}/fold", allow: signed-in}
entities:
  User:
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    owner: id
    allow: {view: owner}
  Note:
    fields: {text: {type: text, required: true}, writer: {type: relation, to: User, required: true, onDelete: cascade}}
    owner: writer
    allow: {view: owner, create: signed-in}
`

// TestRun_actions: who may call an action is tried, and that it is called on a row that
// one sees.
func TestRun_actions(t *testing.T) {
	long(t)
	clerk, signedIn := []string{"clerk"}, []string{"signed-in"}
	for name, tt := range map[string]struct {
		tidy, fold []string
		onAny      bool // the second is on whatever row
		refuses    bool // its code does, by itself
		want       []string
	}{
		"right":    {tidy: clerk, fold: signedIn},
		"refused":  {tidy: clerk, fold: signedIn, refuses: true},
		"opened":   {tidy: signedIn, fold: signedIn, want: []string{"signed-in · call · tidy · rest: want 403, got 204", "ghost · call · tidy · rest: want 403, got 204"}},
		"closed":   {tidy: []string{"nobody"}, fold: signedIn, want: []string{"clerk · call · tidy · rest: let in by its rule, got 403"}},
		"any row":  {tidy: clerk, fold: signedIn, onAny: true, want: []string{"clerk · call · fold · rest: want 404, got "}},
		"not made": {fold: signedIn, want: []string{"the service has no action tidy: generate it again"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, tidied)
			s.change = func(out *server.Service) {
				build := out.Build
				out.Build = func(a *server.App) error {
					nothing := func(context.Context, string, any) (any, error) { return nil, nil }
					fold := &action.Action{Name: "fold", Method: "POST", Path: "/api/notes/{id}/fold", Row: "Note", Rules: tt.fold, Run: nothing}
					if tt.refuses {
						fold.Run = func(context.Context, string, any) (any, error) { return nil, &gate.Error{Status: http.StatusForbidden} }
					}
					if tt.onAny {
						fold.Row = ""
					}
					a.ServeActions(fold)
					if tt.tidy != nil {
						a.ServeActions(&action.Action{Name: "tidy", Method: "POST", Path: "/api/actions/tidy", Rules: tt.tidy, Run: nothing})
					}
					return build(a)
				}
			}
			got := wrong(t, s, nil)
			for _, w := range tt.want {
				if !slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, w) }) {
					t.Errorf("nothing begins with %q", w)
				}
			}
			if len(tt.want) == 0 && len(got) > 0 || t.Failed() {
				t.Errorf("found:\n%s", strings.Join(got, "\n"))
			}
		})
	}
}

// TestRun_leftOut: what is not tried is told by name.
func TestRun_leftOut(t *testing.T) {
	long(t)
	s := newShop(t, strings.NewReplacer("fields: {text", "fields: {kind: {type: enum, values: [a, b, c, d, e, f, g, h, i, j], required: true, default: a}, text",
		"view: public", "view: {rules: public, when: {kind: a}}").Replace(notes))
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		permtest.Run(r, permtest.Config{Service: s.service(), Matrix: s.matrix()})
	}()
	<-done
	if len(r.failures) > 0 {
		t.Errorf("found %q", r.failures)
	}
	for _, kind := range []string{"h", "i", "j"} {
		if want := "not tried: rows of Note like map[kind:" + kind + "]: 7 others are"; !slices.Contains(r.logs, want) {
			t.Errorf("%q is not among %q", want, r.logs)
		}
	}
}
