package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/runtime/server/graph"
)

type tableIn struct {
	Table  int64    `json:"table" min:"1" max:"20"`
	Guests int64    `json:"guests" min:"1"`
	Name   string   `json:"name" maxLength:"10" doc:"Who comes."`
	Mood   *mood    `json:"mood" enum:"good,bad"`
	Wishes []string `json:"wishes"`
}

type mood string

type tableOut struct {
	Table int64    `json:"table"`
	Mood  *mood    `json:"mood"`
	Names []string `json:"names" required:"true"`
}

type searchIn struct {
	Below  float64  `json:"below"`
	Colour []string `json:"colour"`
}

func handled(a *App) error {
	server.Handle(a.App, server.Route{Pattern: "POST /api/tables/{table}/seats", Allow: []string{"public"}, Doc: "Seats guests."},
		func(_ context.Context, in tableIn) (tableOut, error) {
			return tableOut{Table: in.Table, Mood: in.Mood, Names: append([]string{in.Name}, in.Wishes...)}, nil
		})
	server.Handle(a.App, server.Route{Pattern: "GET /api/tables", Allow: []string{"menu-admin"}},
		func(_ context.Context, in searchIn) ([]tableOut, error) {
			return []tableOut{{Table: int64(in.Below), Names: in.Colour}}, nil
		})
	server.Handle(a.App, server.Route{Pattern: "DELETE /api/tables"}, func(context.Context, struct{}) (struct{}, error) {
		return struct{}{}, nil
	})
	server.Handle(a.App, server.Route{Pattern: "POST /api/fire", Allow: []string{"public"}}, func(context.Context, struct{}) (struct{}, error) {
		panic("fire")
	})
	return nil
}

// TestHandle: own routes ask who calls first, check what was sent as rows are checked,
// and are in the document.
func TestHandle(t *testing.T) {
	r := start(t, options{configure: handled, environ: []string{"DOCS=on"}})
	r.signUp(ada)
	r.signUp("chef@x.example", "menu-admin")
	chef := r.login("chef@x.example")
	seats := "/api/tables/3/seats"
	for body, want := range map[string]string{
		`{"guests":1,"name":"Ann","admin":1}`:  `"field":"admin","code":"unknown"`,
		`{"guests":0,"name":"Ann"}`:            `"code":"too_small","message":"must be 1 or more"`,
		`{"guests":1,"name":"Ann","table":4}`:  `"field":"table","code":"unknown","message":"stands in the path"`,
		`{"guests":1}`:                         `"field":"name","code":"required"`,
		`{"guests":1,"name":"Ann","mood":"x"}`: `"code":"not_in_list"`,
	} {
		if a := r.do("POST", seats, body).is(400); !strings.Contains(a.Body, want) {
			t.Errorf("%s: %s, want %s", body, a.Body, want)
		}
	}
	r.do("POST", "/api/tables/21/seats", `{"guests":1,"name":"Ann"}`).is(400)
	r.do("POST", seats, `{"guests":1,"name":"Ann"}`, "Content-Type", "text/plain").is(415)
	if a := r.do("POST", seats, `{"guests":1,"name":"Ann","mood":"good","wishes":["tea"]}`).is(200); a.Body != `{"table":3,"mood":"good","names":["Ann","tea"]}` {
		t.Error(a.Body)
	}
	r.do("GET", "/api/tables?zzz=1", "").is(401)
	r.do("GET", "/api/tables?zzz=1", "", r.login(ada)...).is(403)
	r.do("GET", "/api/tables?below=2&zzz=1", "", chef...).is(400)
	r.do("GET", "/api/tables?below=2&below=3", "", chef...).is(400)
	if a := r.do("GET", "/api/tables?below=2&colour=red&colour=blue", "", chef...).is(200); a.Body != `[{"table":2,"mood":null,"names":["red","blue"]}]` {
		t.Error(a.Body)
	}
	r.do("DELETE", "/api/tables", "", chef...).is(403)
	r.do("PATCH", "/api/tables", "", chef...).is(405)
	if r.do("POST", "/api/fire", "").is(500); !strings.Contains(r.logged(), `"err":"fire"`) {
		t.Error(r.logged())
	}
	type tag struct{ Name, Description string }
	var doc struct {
		Info  struct{ Title string }
		Tags  []tag
		Paths map[string]map[string]struct {
			OperationID string
			Tags        []string
			Security    *[]any
			Parameters  []struct{ Name, In string }
			RequestBody struct {
				Content map[string]struct {
					Schema struct {
						Properties map[string]any
						Required   []string
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(r.do("GET", "/api/openapi.json", "").is(200).Body), &doc); err != nil {
		t.Fatal(err)
	}
	post := doc.Paths["/api/tables/{table}/seats"]["post"]
	if n := slices.IndexFunc(doc.Tags, func(t tag) bool { return len(post.Tags) == 1 && t.Name == post.Tags[0] && t.Description != "" }); n < 0 {
		t.Errorf("tags %q of %+v", post.Tags, doc.Tags)
	}
	schema := post.RequestBody.Content["application/json"].Schema
	if doc.Info.Title != "restaurant" || post.OperationID == "" || post.Security == nil || len(post.Parameters) != 1 || post.Parameters[0].In != "path" ||
		len(schema.Properties) != 4 || strings.Join(schema.Required, " ") != "guests name" {
		t.Errorf("%+v", doc)
	}
	if len(doc.Paths["/api/tables"]) != 2 || doc.Paths["/api/tables"]["get"].Security != nil {
		t.Errorf("%+v", doc.Paths["/api/tables"])
	}
}

// TestHandleRefused: routes that cannot work, and those that would take requests from
// others, keep the service from starting.
func TestHandleRefused(t *testing.T) {
	type bare struct{ Name string }
	none := func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil }
	hello := http.NotFoundHandler()
	for want, configure := range map[string]func(*App){
		"Item.ID: it needs a json tag": func(a *App) {
			server.Handle(a.App, server.Route{Pattern: "GET /api/x"}, func(context.Context, struct{}) (Item, error) { return Item{}, nil })
		},
		"bare.Name: it needs a json tag": func(a *App) {
			server.Handle(a.App, server.Route{Pattern: "POST /api/x"}, func(context.Context, bare) (struct{}, error) { return struct{}{}, nil })
		},
		"no method and a path":          func(a *App) { server.Handle(a.App, server.Route{Pattern: "/api/x"}, none) },
		"{id} is no field of the input": func(a *App) { server.Handle(a.App, server.Route{Pattern: "GET /api/x/{id}"}, none) },
		"cook":                          func(a *App) { server.Handle(a.App, server.Route{Pattern: "GET /api/x", Allow: []string{"cook"}}, none) },
		`would take requests from "GET /api/items/{id}"`: func(a *App) { a.Handle("GET /api/items/today", hello) },
		`would take requests from "GET /api/items"`:      func(a *App) { a.Handle("localhost/api/items", hello) },
		`would take requests from "GET /health/live"`:    func(a *App) { a.Handle("GET /health/live", hello) },
		`would take requests from "GET /api/me"`:         func(a *App) { a.Handle("GET /api/me", hello) },
		`would take requests from "/api/authentication"`: func(a *App) { server.Handle(a.App, server.Route{Pattern: "POST /api/authentication"}, none) },
		`would take requests from "POST /api/items"`:     func(a *App) { server.Handle(a.App, server.Route{Pattern: "POST /api/items"}, none) },
		`route "GET /api/{thing}/today"`:                 func(a *App) { a.Handle("GET /api/{thing}/today", hello) },
		"malformed":                                      func(a *App) { a.Handle("GET /api/{", hello) },
	} {
		err := openWith(t, func(a *App) error { configure(a); return nil })
		if want == "malformed" {
			want = `route "GET /api/{"`
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := openWith(t, func(a *App) error {
		a.Handle("GET /files/{rest...}", hello)
		a.Handle("GET /api/hello", hello)
		return nil
	}); err != nil {
		t.Errorf("what stands beside ours: %v", err)
	}
}

// closing lets nobody see items while it is on, and says so to those who ask as the
// service.
type closing struct {
	crud.Service

	closed, widen *bool
}

func (c closing) FindRows(ctx context.Context, q *query.Query) (*crud.Rows, error) {
	if *c.widen {
		ctx = authz.System(ctx)
	}
	if *c.closed {
		return nil, &gate.Error{Status: http.StatusTeapot, Message: "closed"}
	}
	return c.Service.FindRows(ctx, q)
}

func (c closing) GetRow(ctx context.Context, id string, sel *query.Selection) (crud.Row, error) {
	if *c.widen {
		ctx = gate.ContextWithPrincipal(ctx, &gate.Principal{Subject: "x", Roles: []string{"menu-admin"}})
	}
	if *c.closed {
		return crud.Row{}, &gate.Error{Status: http.StatusTeapot, Message: "closed"}
	}
	return c.Service.GetRow(ctx, id, sel)
}

// TestDecorate: a decorator is asked by every surface, and shows no more than the rules.
func TestDecorate(t *testing.T) {
	var closed, widen bool
	var order []string
	r := start(t, options{configure: func(a *App) error {
		a.ServeActions(kitchen(a, new(int))...)
		a.Decorate("Item", func(next crud.Service) crud.Service { return closing{next, &closed, &widen} })
		a.Decorate("Item", func(next crud.Service) crud.Service { return telling{next, &order} })
		a.Extend(func(a *server.App) error { return graph.Mount(a, actionSDL) })
		return nil
	}})
	id, err := r.app.Items.CreateRow(authz.System(t.Context()), []byte(`{"name":"soup","price":1,"secret":"of the house"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	one := "/api/items/" + id.ID
	r.do("GET", one, "").is(200)
	if a := r.do("GET", "/api/items", "").is(200); !strings.Contains(a.Body, "soup") || strings.Contains(a.Body, "house") {
		t.Error(a.Body)
	}
	if a := r.document(`{ items { name } }`); !strings.Contains(a.Body, "soup") {
		t.Error(a.Body)
	}
	if strings.Join(order, " ") != "find find" { // the action reads by find, too
		t.Errorf("asked: %v", order)
	}
	widen = true
	for _, path := range []string{one, "/api/items", "/api/actions/items"} {
		if a := r.do("GET", path, "").is(500); strings.Contains(a.Body, "soup") || strings.Contains(a.Body, "house") {
			t.Errorf("%s, widened: %s", path, a.Body)
		}
	}
	if !strings.Contains(r.logged(), "the decorator asks as somebody else than the caller") {
		t.Error(r.logged())
	}
	widen, closed = false, true
	r.do("GET", one, "").is(http.StatusTeapot)
	r.do("GET", "/api/items", "").is(http.StatusTeapot)
	if a := r.document(`{ items { name } }`); strings.Contains(a.Body, "soup") {
		t.Error(a.Body)
	}
	for want, decorate := range map[string]func(crud.Service) crud.Service{
		"decorate Order: there is no such entity":      nil,
		"decorate Item: the decorator returns nothing": func(crud.Service) crud.Service { return nil },
	} {
		if err := openWith(t, func(a *App) error {
			a.Decorate(strings.TrimSuffix(strings.Fields(want)[1], ":"), decorate)
			return nil
		}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// telling says when it is asked for lists.
type telling struct {
	crud.Service

	order *[]string
}

func (s telling) FindRows(ctx context.Context, q *query.Query) (*crud.Rows, error) {
	*s.order = append(*s.order, "find")
	return s.Service.FindRows(ctx, q)
}

// seen is an observer that remembers routes.
type seen struct{ routes []string }

func (s *seen) Begin(r *http.Request) context.Context { return r.Context() }
func (s *seen) End(_ context.Context, a server.Answered) {
	s.routes = append(s.routes, a.Route)
}

// TestUse: middleware stands around all routes in the order in which it was added,
// inside of the edge and before authentication.
func TestUse(t *testing.T) {
	var order []string
	observer := &seen{}
	note := func(name string) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				order = append(order, name)
				if _, known := gate.PrincipalFromContext(req.Context()); known {
					t.Error("middleware knows the caller")
				}
				switch req.Header.Get("X-Test") {
				case "panic":
					panic("middle")
				case "refuse":
					gate.WriteError(w, req, &gate.Error{Status: http.StatusTeapot})
					return
				}
				next.ServeHTTP(w, req.WithContext(context.WithValue(req.Context(), struct{ name string }{name}, 1)))
			})
		}
	}
	r := start(t, options{configure: func(a *App) error {
		a.Use(note("first"))
		a.Use(note("second"))
		a.Observe(observer)
		return nil
	}})
	r.signUp(ada)
	order, observer.routes = nil, nil
	if a := r.do("GET", "/api/items", "", r.login(ada)...).is(200); a.Header.Get("X-Request-Id") == "" {
		t.Error(a.Header)
	}
	r.do("GET", "/api/nothing", "").is(404)
	r.do("GET", "/api//items", "").is(404) // before middleware
	r.do("GET", "/api/items", "", "X-Test", "refuse").is(http.StatusTeapot)
	if a := r.do("GET", "/api/items", "", "X-Test", "panic").is(500); a.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(r.logged(), `"err":"middle"`) {
		t.Errorf("%v\n%s", a.Header, r.logged())
	}
	if got := strings.Join(order, " "); got != "first second first second first second first first" {
		t.Errorf("asked in the order %s", got)
	}
	if got := strings.Join(observer.routes, " "); got != "/api/authentication /api/items    " {
		t.Errorf("routes are %q", got)
	}
}
