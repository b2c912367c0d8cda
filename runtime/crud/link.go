package crud

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatewright/gate/runtime/model"
)

// target is the resource that a relation points to.
type target interface {
	Entity() *model.Entity
	// gettable reports whether the caller may get the row with that id.
	gettable(ctx context.Context, c caller, id any) (bool, error)
	// existing returns those of the ids whose rows are there.
	existing(ctx context.Context, ids []any) ([]any, error)
	// unrefer forgets what points to its rows, refer notes it, and block notes what
	// comes of all that; it reports whether that is news.
	unrefer()
	refer(ref reference) error
	block() bool
}

// Link makes the resources of a service known to each other, by the names of
// their entities, and finishes their set-up. It must be called once, with all
// of them: before it they refuse to work. It is an error when a relation points
// to an entity that is not among them, or when an entity has a password and
// nothing to hash it with.
func Link(resources ...Service) error {
	targets := make(map[string]target, len(resources))
	for _, s := range resources {
		name := s.Entity().Name
		t, ok := s.(target)
		if !ok {
			return fmt.Errorf("crud: %s is not a resource of this package", name)
		}
		if _, twice := targets[name]; twice {
			return fmt.Errorf("crud: two resources of %s", name)
		}
		targets[name] = t
	}
	for _, t := range targets {
		t.unrefer()
	}
	for _, s := range resources {
		l, ok := s.(interface{ link(map[string]target) error })
		if !ok {
			return fmt.Errorf("crud: %s is not a resource of this package", s.Entity().Name)
		}
		if err := l.link(targets); err != nil {
			return fmt.Errorf("crud: entity %s: %w", s.Entity().Name, err)
		}
	}
	for news := true; news; {
		news = false
		for _, t := range targets {
			news = t.block() || news
		}
	}
	return nil
}

func (r *engine) link(targets map[string]target) error {
	if r.entity.Find(model.Password) != model.NoField && r.hasher == nil {
		return errors.New("a password field, and nothing to hash it with")
	}
	if err := r.checkComputed(); err != nil {
		return err
	}
	r.targets = make(map[model.FieldID]target)
	for i := range r.entity.Fields {
		f := &r.entity.Fields[i]
		if f.Type != model.Relation {
			continue
		}
		t, ok := targets[f.To]
		if !ok {
			return fmt.Errorf("field %q points to %s, which is not there", f.Name, f.To)
		}
		if kind := t.Entity().Fields[t.Entity().IDField()].ID; kind != f.ID {
			return fmt.Errorf("field %q is a %s and the id of %s a %s", f.Name, f.ID, f.To, kind)
		}
		r.targets[model.FieldID(i)] = t
		if err := t.refer(reference{r, model.FieldID(i)}); err != nil {
			return err
		}
		r.returning = r.returning || t.Entity().SoftDelete != ""
	}
	if err := r.relate(targets); err != nil {
		return err
	}
	if err := r.rules.link(targets); err != nil {
		return err
	}
	r.linked = true
	return nil
}
