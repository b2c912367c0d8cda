package server

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
)

// Decorate puts own code around what every surface asks of the entity with that name:
// REST, GraphQL, calls over a connection, and rows that actions answer. It gets what
// there is so far, and returns what takes its place, most often a struct that embeds it
// and has a few methods of its own. The decorator that was added last is asked first.
//
// A decorator narrows and cannot widen by accident: rows can be had from next alone,
// which answers the caller of the request and nobody else. Asked as the service itself
// ([authz.System]), or as somebody else, it returns an error. A file is answered where
// its GetRow answers the row: to hide a row is to hide its files. Rows that relations lead
// to, nested writes, events, and what code asks of a [crud.Resource] do not pass: what
// has to hold for every change belongs into a hook.
//
// It is for [Service.Build]. An entity that is not there keeps the service from
// starting.
func (a *App) Decorate(entity string, decorate func(next crud.Service) crud.Service) {
	a.decorators = append(a.decorators, decorator{entity, decorate})
}

type decorator struct {
	entity string
	wrap   func(crud.Service) crud.Service
}

// decorate puts the decorators around entities that were linked.
func (a *App) decorate() error {
	for _, d := range a.decorators {
		i := slices.IndexFunc(a.entities, func(s crud.Service) bool { return s.Entity().Name == d.entity })
		if i < 0 {
			return fmt.Errorf("decorate %s: there is no such entity", d.entity)
		}
		base, ok := a.entities[i].(changing)
		if !ok {
			return fmt.Errorf("decorate %s: it is not of package crud", d.entity)
		}
		around := d.wrap(&inner{base})
		if around == nil || around.Entity() != base.Entity() {
			return fmt.Errorf("decorate %s: the decorator returns nothing, or another entity", d.entity)
		}
		a.entities[i] = &outer{around, base}
	}
	return nil
}

// changing is an entity that tells of its changes; [crud.Resource] is one.
type changing interface {
	crud.Service
	OnChange(tell func(context.Context, crud.Changed))
	Snapshot(ctx context.Context, id string) (crud.Snapshot, error)
}

// asked is for whom a decorated entity is asked.
type asked struct {
	principal *gate.Principal
	system    bool
}

type askedKey struct{}

func askedBy(ctx context.Context) asked {
	p, _ := gate.PrincipalFromContext(ctx)
	return asked{p, authz.IsSystem(ctx)}
}

// errWidened is what a decorator gets that asks for somebody else.
var errWidened = errors.New("the decorator asks as somebody else than the caller: ask the crud.Resource of the app for that")

// inner answers those who asked what is around it, and nobody else. In a context that
// has nothing of a request, the caller is nobody.
type inner struct{ changing }

func (s *inner) as(ctx context.Context) error {
	by, ok := ctx.Value(askedKey{}).(asked)
	if now := askedBy(ctx); ok && now != by || !ok && now != (asked{}) {
		return fmt.Errorf("decorate %s: %w", s.Entity().Name, errWidened)
	}
	return nil
}

// outer is what is around a decorator: it notes for whom it is asked, and tells of
// changes.
type outer struct {
	crud.Service

	base changing
}

func noted(ctx context.Context) context.Context {
	return context.WithValue(ctx, askedKey{}, askedBy(ctx))
}

func (s *outer) OnChange(tell func(context.Context, crud.Changed)) { s.base.OnChange(tell) }

func (s *outer) Snapshot(ctx context.Context, id string) (crud.Snapshot, error) {
	return s.base.Snapshot(ctx, id)
}

// pass asks next for the caller of the request.
func pass[T any](ctx context.Context, s *inner, next func() (T, error)) (T, error) {
	if err := s.as(ctx); err != nil {
		return *new(T), err
	}
	return next()
}

// What follows is [crud.Service], once for what is around a decorator and once for what
// is inside of it.

func (s *outer) InTx(ctx context.Context, fn func(context.Context) error) error {
	return s.base.InTx(ctx, fn) // which asks nothing
}

func (s *inner) InTx(ctx context.Context, fn func(context.Context) error) error {
	return s.changing.InTx(ctx, fn)
}

func (s *outer) May(ctx context.Context) (crud.May, bool) { return s.Service.May(noted(ctx)) }

func (s *inner) May(ctx context.Context) (crud.May, bool) {
	if s.as(ctx) != nil {
		return crud.May{}, false
	}
	return s.changing.May(ctx)
}

func (s *outer) FindRows(ctx context.Context, q *query.Query) (*crud.Rows, error) {
	return s.Service.FindRows(noted(ctx), q)
}

func (s *inner) FindRows(ctx context.Context, q *query.Query) (*crud.Rows, error) {
	return pass(ctx, s, func() (*crud.Rows, error) { return s.changing.FindRows(ctx, q) })
}

func (s *outer) GetRow(ctx context.Context, id string, sel *query.Selection) (crud.Row, error) {
	return s.Service.GetRow(noted(ctx), id, sel)
}

func (s *inner) GetRow(ctx context.Context, id string, sel *query.Selection) (crud.Row, error) {
	return pass(ctx, s, func() (crud.Row, error) { return s.changing.GetRow(ctx, id, sel) })
}

func (s *outer) FindRelated(ctx context.Context, id, relation string, q *query.Query) (*crud.Rows, error) {
	return s.Service.FindRelated(noted(ctx), id, relation, q)
}

func (s *inner) FindRelated(ctx context.Context, id, relation string, q *query.Query) (*crud.Rows, error) {
	return pass(ctx, s, func() (*crud.Rows, error) { return s.changing.FindRelated(ctx, id, relation, q) })
}

func (s *outer) CreateRelated(ctx context.Context, id, relation string, body []byte, sel []string, opts ...crud.Option) (crud.Row, error) {
	return s.Service.CreateRelated(noted(ctx), id, relation, body, sel, opts...)
}

func (s *inner) CreateRelated(ctx context.Context, id, relation string, body []byte, sel []string, opts ...crud.Option) (crud.Row, error) {
	return pass(ctx, s, func() (crud.Row, error) { return s.changing.CreateRelated(ctx, id, relation, body, sel, opts...) })
}

func (s *outer) CreateRow(ctx context.Context, body []byte, sel []string, opts ...crud.Option) (crud.Row, error) {
	return s.Service.CreateRow(noted(ctx), body, sel, opts...)
}

func (s *inner) CreateRow(ctx context.Context, body []byte, sel []string, opts ...crud.Option) (crud.Row, error) {
	return pass(ctx, s, func() (crud.Row, error) { return s.changing.CreateRow(ctx, body, sel, opts...) })
}

func (s *outer) CreateRows(ctx context.Context, body []byte, sel []string, opts ...crud.Option) (*crud.Rows, error) {
	return s.Service.CreateRows(noted(ctx), body, sel, opts...)
}

func (s *inner) CreateRows(ctx context.Context, body []byte, sel []string, opts ...crud.Option) (*crud.Rows, error) {
	return pass(ctx, s, func() (*crud.Rows, error) { return s.changing.CreateRows(ctx, body, sel, opts...) })
}

func (s *outer) UpdateRow(ctx context.Context, id string, body []byte, sel []string, opts ...crud.Option) (crud.Row, error) {
	return s.Service.UpdateRow(noted(ctx), id, body, sel, opts...)
}

func (s *inner) UpdateRow(ctx context.Context, id string, body []byte, sel []string, opts ...crud.Option) (crud.Row, error) {
	return pass(ctx, s, func() (crud.Row, error) { return s.changing.UpdateRow(ctx, id, body, sel, opts...) })
}

func (s *outer) PatchRow(ctx context.Context, id string, body []byte, sel []string, opts ...crud.Option) (crud.Row, error) {
	return s.Service.PatchRow(noted(ctx), id, body, sel, opts...)
}

func (s *inner) PatchRow(ctx context.Context, id string, body []byte, sel []string, opts ...crud.Option) (crud.Row, error) {
	return pass(ctx, s, func() (crud.Row, error) { return s.changing.PatchRow(ctx, id, body, sel, opts...) })
}

func (s *outer) PatchRows(ctx context.Context, q *query.Query, body []byte, sel []string, opts ...crud.Option) (*crud.Rows, error) {
	return s.Service.PatchRows(noted(ctx), q, body, sel, opts...)
}

func (s *inner) PatchRows(ctx context.Context, q *query.Query, body []byte, sel []string, opts ...crud.Option) (*crud.Rows, error) {
	return pass(ctx, s, func() (*crud.Rows, error) { return s.changing.PatchRows(ctx, q, body, sel, opts...) })
}

func (s *outer) RemoveRows(ctx context.Context, q *query.Query, sel []string, opts ...crud.Option) (*crud.Rows, error) {
	return s.Service.RemoveRows(noted(ctx), q, sel, opts...)
}

func (s *inner) RemoveRows(ctx context.Context, q *query.Query, sel []string, opts ...crud.Option) (*crud.Rows, error) {
	return pass(ctx, s, func() (*crud.Rows, error) { return s.changing.RemoveRows(ctx, q, sel, opts...) })
}

func (s *outer) RemoveRow(ctx context.Context, id string, sel []string, opts ...crud.Option) (crud.Row, error) {
	return s.Service.RemoveRow(noted(ctx), id, sel, opts...)
}

func (s *inner) RemoveRow(ctx context.Context, id string, sel []string, opts ...crud.Option) (crud.Row, error) {
	return pass(ctx, s, func() (crud.Row, error) { return s.changing.RemoveRow(ctx, id, sel, opts...) })
}

func (s *outer) RestoreRow(ctx context.Context, id string, sel []string, opts ...crud.Option) (crud.Row, error) {
	return s.Service.RestoreRow(noted(ctx), id, sel, opts...)
}

func (s *inner) RestoreRow(ctx context.Context, id string, sel []string, opts ...crud.Option) (crud.Row, error) {
	return pass(ctx, s, func() (crud.Row, error) { return s.changing.RestoreRow(ctx, id, sel, opts...) })
}

// OpenFile asks for the row first, as the decorator shows it: one that it hides has no
// files.
func (s *outer) OpenFile(ctx context.Context, id, field string) (*crud.Download, error) {
	ctx = noted(ctx)
	if _, err := s.Service.GetRow(ctx, id, &query.Selection{Lenient: true}); err != nil {
		return nil, err
	}
	return s.Service.OpenFile(ctx, id, field)
}

func (s *inner) OpenFile(ctx context.Context, id, field string) (*crud.Download, error) {
	return pass(ctx, s, func() (*crud.Download, error) { return s.changing.OpenFile(ctx, id, field) })
}

func (s *outer) StageFile(ctx context.Context, id, field string, up crud.Upload) (*crud.Staged, error) {
	return s.Service.StageFile(noted(ctx), id, field, up)
}

func (s *inner) StageFile(ctx context.Context, id, field string, up crud.Upload) (*crud.Staged, error) {
	return pass(ctx, s, func() (*crud.Staged, error) { return s.changing.StageFile(ctx, id, field, up) })
}

func (s *outer) KeepFile(ctx context.Context, id, field string, file *crud.Staged, opts ...crud.Option) (crud.Row, error) {
	return s.Service.KeepFile(noted(ctx), id, field, file, opts...)
}

func (s *inner) KeepFile(ctx context.Context, id, field string, file *crud.Staged, opts ...crud.Option) (crud.Row, error) {
	return pass(ctx, s, func() (crud.Row, error) { return s.changing.KeepFile(ctx, id, field, file, opts...) })
}

func (s *outer) RemoveFile(ctx context.Context, id, field string, opts ...crud.Option) (crud.Row, error) {
	return s.Service.RemoveFile(noted(ctx), id, field, opts...)
}

func (s *inner) RemoveFile(ctx context.Context, id, field string, opts ...crud.Option) (crud.Row, error) {
	return pass(ctx, s, func() (crud.Row, error) { return s.changing.RemoveFile(ctx, id, field, opts...) })
}
