package crud

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/model"
)

// checkPassword asks the policy about a password that was sent.
func (r *engine) checkPassword(ch *change) model.Problems {
	return r.judgePassword(r.plainPassword(ch), ch.Row, ch.Set)
}

// plainPassword returns the password that was sent, empty if there is none. It
// is there until [Resource.hash] has replaced it.
func (r *engine) plainPassword(ch *change) string {
	f := r.entity.Find(model.Password)
	if f == model.NoField || !ch.Set.Has(f) {
		return ""
	}
	plain, _ := r.value(ch.Row, f).(string)
	return plain
}

// judgePassword asks the policy about a password for an account of which the
// fields in set are known.
func (r *engine) judgePassword(plain string, row record, set model.FieldSet) model.Problems {
	f := r.entity.Find(model.Password)
	if plain == "" {
		return nil
	}
	about := []string{}
	for other := range set.All() {
		if s, ok := r.value(row, other).(string); ok && r.resembles(other) {
			about = append(about, s)
		}
	}
	if err := r.hasher.Check(plain, about...); err != nil {
		return model.Problems{{Field: r.entity.Fields[f].Name, Code: model.CodeWeak, Message: err.Error()}}
	}
	return nil
}

// resembles reports whether a password must not be like the field.
func (r *engine) resembles(f model.FieldID) bool {
	t := r.entity.Fields[f].Type
	return t == model.Email || t == model.Username || t == model.Text
}

// hash puts the hash of a password in its place, before a transaction begins:
// it takes its time.
func (r *engine) hash(ctx context.Context, ch *change) error {
	f := r.entity.Find(model.Password)
	if f == model.NoField || !ch.Set.Has(f) {
		return nil
	}
	field, p := r.field(ch.Row, f)
	plain, ok := field.Value(p).(string)
	if !ok {
		return nil
	}
	encoded, err := r.hasher.Hash(ctx, plain)
	if _, ok := errors.AsType[*gate.Error](err); ok {
		return err
	}
	if err != nil {
		return unavailable(fmt.Errorf("hash a password of %s: %w", r.entity.Name, err))
	}
	field.Store(p, encoded)
	return nil
}
