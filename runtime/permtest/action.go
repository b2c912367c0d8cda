package permtest

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gatewright/gate/runtime/action"
)

// call is the action of cells about actions of the service's own.
const call = "call"

// actions tries who may call what. What the code of an action does is not known here:
// whom its rule lets in is not refused before it, which may refuse them itself, and
// everybody else is told nothing but that. They come last, as they may change any row.
func (k *kit) actions() {
	k.t.Helper()
	for i := range k.m.Actions {
		m := &k.m.Actions[i]
		at := slices.IndexFunc(k.app.Actions(), func(a *action.Action) bool { return a.Name == m.Name })
		if at < 0 {
			k.t.Fatalf("the service has no action %s: generate it again", m.Name)
		}
		a := k.app.Actions()[at]
		run := a.Run
		a.Run = func(ctx context.Context, id string, in any) (any, error) {
			k.reached.Store(true)
			return run(ctx, id, in)
		}
		for _, c := range k.callers {
			for _, s := range k.surfaces {
				k.calls(s, c, m, a)
			}
		}
	}
}

func (k *kit) calls(s surface, c *caller, m *matrixAction, a *action.Action) {
	k.t.Helper()
	cell := c.String() + " · " + call + " · " + m.Name + " · " + s.String()
	_, queries := s.(*graphql)
	switch {
	case queries && a.Input != nil && len(a.Input.Members) > 0:
		k.leftOut("call · %s · graphql: it takes arguments", m.Name) // without them a document is not valid, whoever sends it
		return
	case !queries && a.Method == "", k.except(cell):
		return
	}
	try := func(id string) answer {
		k.reached.Store(false)
		if queries {
			return s.(*graphql).call(c, a, id) //nolint:forcetypeassert // asked above
		}
		return k.callRoute(c, a, id)
	}
	if !slices.Contains(m.Callers, c.kindOrName()) {
		w := status(http.StatusForbidden)
		if c.unknown() && k.m.Authentication {
			w = status(http.StatusUnauthorized)
		}
		id := "1"
		if m.Row != "" {
			id = k.find(m.Row).rows[0].id
		}
		k.check(cell, w, try(id), "refused by its rule")
		return
	}
	if m.Row == "" {
		k.letIn(cell, try("1"), "let in by its rule")
		return
	}
	tried := map[bool]bool{}
	for _, r := range k.seenBy(c, k.find(m.Row)) {
		seen := c.in(&r.entity.grantTo(c).Rows.View, r)
		if tried[seen] {
			continue
		}
		tried[seen] = true
		if seen {
			k.letIn(cell, try(r.id), c.about(r))
		} else {
			k.check(cell, k.onRow(s, c, r, view), try(r.id), c.about(r))
		}
	}
}

// letIn wants an answer of somebody whom the rule of an action lets in: that of its
// code, whatever it is, or one about what was sent.
func (k *kit) letIn(cell string, a answer, about string) {
	k.t.Helper()
	refused := a.status == http.StatusUnauthorized || a.status == http.StatusForbidden
	if refused && !k.reached.Load() || a.status >= http.StatusInternalServerError {
		k.t.Errorf("%s: let in by its rule, got %d (%s): %s", cell, a.status, about, a.text)
	}
}

// kindOrName is what the matrix calls a caller: whoever has a role of which no design
// knows is somebody signed in.
func (c *caller) kindOrName() string {
	if c.kind == signedIn || c.name == "" {
		return c.kind
	}
	return c.name
}

// callRoute calls an action with nothing sent.
func (k *kit) callRoute(c *caller, a *action.Action, id string) answer {
	k.t.Helper()
	var path []string
	for segment := range strings.SplitSeq(a.Path, "/") {
		if strings.HasPrefix(segment, "{") {
			segment = url.PathEscape(id)
		}
		path = append(path, segment)
	}
	code, raw := k.do(c, a.Method, strings.Join(path, "/"), nil)
	return answer{status: code, text: short(raw)}
}

// call calls an action that takes no arguments.
func (s *graphql) call(c *caller, a *action.Action, id string) answer {
	s.t.Helper()
	operation, args, variables := "mutation", "", map[string]any{}
	if a.Method == http.MethodGet {
		operation = "query"
	}
	if a.Row != "" {
		operation, args, variables["id"] = operation+"($id: ID!)", "(id: $id)", id
	}
	of := ""
	if a.Output != nil || a.Rows != "" {
		of = " { __typename }"
	}
	return s.ran(c, nil, operation+" { it: "+a.Name+args+of+" }", variables)
}
