// Package schema is the model of bench/shop/shop.yaml in the words of ent.
package schema

import (
	"context"
	"time"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/privacy"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/mixin"
	"github.com/google/uuid"

	"github.com/gatewright/gate/bench/compare/entgql/viewer"
)

// row is what every entity has: an id and times.
type row struct{ mixin.Schema }

func (row) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Default(func() uuid.UUID { return uuid.Must(uuid.NewV7()) }),
		field.Time("created_at").Default(now).Immutable().
			Annotations(entgql.OrderField("CREATED_AT"), entgql.Skip(entgql.SkipMutationCreateInput)),
		field.Time("updated_at").Default(now).UpdateDefault(now).
			Annotations(entgql.OrderField("UPDATED_AT"), entgql.Skip(entgql.SkipMutationCreateInput)),
	}
}

func now() time.Time { return time.Now().UTC() }

// Policy lets whoever is signed in read, and whoever has the permission
// "create:rows" write.
func (row) Policy() ent.Policy {
	return privacy.Policy{
		Query: privacy.QueryPolicy{privacy.ContextQueryMutationRule(func(ctx context.Context) error {
			if viewer.FromContext(ctx) == nil {
				return privacy.Denyf("not signed in")
			}
			return privacy.Allow
		})},
		Mutation: privacy.MutationPolicy{privacy.ContextQueryMutationRule(func(ctx context.Context) error {
			if v := viewer.FromContext(ctx); v == nil || !v.May("create:rows") {
				return privacy.Denyf("create:rows is needed")
			}
			return privacy.Allow
		})},
	}
}
