package server_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
)

// guarding hides rows while it is on, and asks for files as asking says.
type guarding struct {
	crud.Service

	hidden *bool
	asking *func(context.Context) context.Context
}

func (g guarding) GetRow(ctx context.Context, id string, sel *query.Selection) (crud.Row, error) {
	if *g.hidden {
		return crud.Row{}, &gate.Error{Status: http.StatusTeapot, Message: "hidden"}
	}
	return g.Service.GetRow(ctx, id, sel)
}

func (g guarding) OpenFile(ctx context.Context, id, field string) (*crud.Download, error) {
	if _, err := g.Service.GetRow(ctx, id, nil); err != nil {
		return nil, err
	}
	return g.Service.OpenFile((*g.asking)(ctx), id, field)
}

func (g guarding) StageFile(ctx context.Context, id, field string, up crud.Upload) (*crud.Staged, error) {
	return g.Service.StageFile((*g.asking)(ctx), id, field, up)
}

func (g guarding) RemoveFile(ctx context.Context, id, field string, opts ...crud.Option) (crud.Row, error) {
	return g.Service.RemoveFile((*g.asking)(ctx), id, field, opts...)
}

// keeping asks as the service for what it keeps alone.
type keeping struct{ crud.Service }

func (k keeping) KeepFile(ctx context.Context, id, field string, file *crud.Staged, opts ...crud.Option) (crud.Row, error) {
	return k.Service.KeepFile(authz.System(ctx), id, field, file, opts...)
}

// TestDecorateFiles: what a decorator shows of files are those of the caller, and of rows
// that it does not hide.
func TestDecorateFiles(t *testing.T) {
	hidden, asking := false, func(ctx context.Context) context.Context { return ctx }
	o := everything(newLetterbox(), nil)
	o.configure = func(a *App) error {
		a.Decorate("User", func(next crud.Service) crud.Service { return guarding{next, &hidden, &asking} })
		return nil
	}
	r := start(t, o)
	id := r.signUp(ada)
	r.signUp("chef@x.example", "menu-admin")
	owner, chef := r.login(ada), r.login("chef@x.example")
	photo, path := strings.Repeat("photo ", 200), "/api/users/"+id+"/photo"
	if w := r.upload(path, photo, nil, owner...); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if a := r.do("GET", path, "", chef...).is(200); a.Body != photo {
		t.Errorf("%d bytes", len(a.Body))
	}
	r.do("GET", path, "", owner...).is(404) // which its owner may not read
	hidden = true
	r.do("GET", path, "", chef...).is(http.StatusTeapot)
	hidden, asking = false, authz.System
	if a := r.do("GET", path, "", owner...).is(500); strings.Contains(a.Body, "photo photo") {
		t.Error(a.Body)
	}
	if w := r.upload(path, photo, nil, owner...); w.Code != 500 {
		t.Errorf("staged: %d %s", w.Code, w.Body)
	}
	r.do("DELETE", path, "", owner...).is(500)
	if n := strings.Count(r.logged(), "the decorator asks as somebody else than the caller"); n != 3 {
		t.Errorf("told %d times: %s", n, r.logged())
	}

	o = everything(newLetterbox(), nil)
	o.configure = func(a *App) error {
		a.Decorate("User", func(next crud.Service) crud.Service { return keeping{next} })
		return nil
	}
	r = start(t, o)
	id = r.signUp(ada)
	if w := r.upload("/api/users/"+id+"/photo", photo, nil, r.login(ada)...); w.Code != 500 {
		t.Errorf("kept: %d %s", w.Code, w.Body)
	}
}

// TestDecorateWhole: no method of what is decorated passes by what notes the caller and
// what asks for no other.
func TestDecorateWhole(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "decorate.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv == nil {
			continue
		}
		if p, ok := fn.Recv.List[0].Type.(*ast.StarExpr); ok {
			declared[p.X.(*ast.Ident).Name+"."+fn.Name.Name] = true
		}
	}
	for m := range reflect.TypeFor[crud.Service]().Methods() {
		for _, side := range []string{"outer", "inner"} {
			if name := side + "." + m.Name; m.Name != "Entity" && m.IsExported() && !declared[name] {
				t.Errorf("%s is not declared", name)
			}
		}
	}
}
