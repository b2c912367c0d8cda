package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// asked is how an entity is in the schema of GraphQL: in lists with a filter and a
// sort by several fields, and it can be created.
func asked() []schema.Annotation {
	return []schema.Annotation{
		entgql.QueryField(), entgql.RelayConnection(), entgql.MultiOrder(), entgql.Mutations(entgql.MutationCreate()),
	}
}

// User is an account. It is in the database alone.
type User struct{ ent.Schema }

// Mixin is what all entities have.
func (User) Mixin() []ent.Mixin { return []ent.Mixin{row{}} }

// Fields are those of shop.yaml.
func (User) Fields() []ent.Field {
	return []ent.Field{
		field.String("email").Unique().NotEmpty(),
		field.String("password").Sensitive(),
		field.Strings("roles"),
	}
}

// Annotations keep it out of GraphQL.
func (User) Annotations() []schema.Annotation { return []schema.Annotation{entgql.Skip()} }

// Category is what products are sorted into.
type Category struct{ ent.Schema }

// Mixin is what all entities have.
func (Category) Mixin() []ent.Mixin { return []ent.Mixin{row{}} }

// Fields are those of shop.yaml.
func (Category) Fields() []ent.Field {
	return []ent.Field{field.String("name").Unique().NotEmpty().Annotations(entgql.OrderField("NAME"))}
}

// Edges are its relations.
func (Category) Edges() []ent.Edge { return []ent.Edge{edge.To("products", Product.Type)} }

// Annotations are for GraphQL.
func (Category) Annotations() []schema.Annotation { return asked() }

// Product is what is sold.
type Product struct{ ent.Schema }

// Mixin is what all entities have.
func (Product) Mixin() []ent.Mixin { return []ent.Mixin{row{}} }

// Fields are those of shop.yaml.
func (Product) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").NotEmpty().MaxLen(100).Annotations(entgql.OrderField("NAME")),
		field.Float("price").Min(0).SchemaType(map[string]string{dialect.Postgres: "numeric(10,2)"}).
			Annotations(entgql.OrderField("PRICE")),
		field.Text("description").Optional().Nillable(),
		field.Enum("status").Values("draft", "published").Default("draft").Annotations(entgql.OrderField("STATUS")),
		field.UUID("category_id", uuid.UUID{}),
	}
}

// Edges are its relations.
func (Product) Edges() []ent.Edge {
	return []ent.Edge{edge.From("category", Category.Type).Ref("products").Field("category_id").Unique().Required()}
}

// Indexes are those that bench/shop has.
func (Product) Indexes() []ent.Index {
	return []ent.Index{index.Fields("status", "price"), index.Fields("category_id")}
}

// Annotations are for GraphQL.
func (Product) Annotations() []schema.Annotation { return asked() }

// Order is what a customer wants.
type Order struct{ ent.Schema }

// Mixin is what all entities have.
func (Order) Mixin() []ent.Mixin { return []ent.Mixin{row{}} }

// Fields are those of shop.yaml.
func (Order) Fields() []ent.Field {
	return []ent.Field{
		field.String("customer").NotEmpty().MaxLen(100).Annotations(entgql.OrderField("CUSTOMER")),
		field.Enum("status").Values("open", "sent").Default("open").Annotations(entgql.OrderField("STATUS")),
		field.Time("placed_at").Annotations(entgql.OrderField("PLACED_AT")),
	}
}

// Edges are its relations.
func (Order) Edges() []ent.Edge {
	return []ent.Edge{edge.To("lines", Line.Type).Annotations(entsql.OnDelete(entsql.Cascade))}
}

// Indexes are those that bench/shop has.
func (Order) Indexes() []ent.Index { return []ent.Index{index.Fields("status", "placed_at")} }

// Annotations are for GraphQL.
func (Order) Annotations() []schema.Annotation { return asked() }

// Line is one product of an order.
type Line struct{ ent.Schema }

// Mixin is what all entities have.
func (Line) Mixin() []ent.Mixin { return []ent.Mixin{row{}} }

// Fields are those of shop.yaml.
func (Line) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("order_id", uuid.UUID{}),
		field.UUID("product_id", uuid.UUID{}),
		field.Int("count").Range(1, 99).Annotations(entgql.OrderField("COUNT")),
	}
}

// Edges are its relations.
func (Line) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("order", Order.Type).Ref("lines").Field("order_id").Unique().Required(),
		edge.To("product", Product.Type).Field("product_id").Unique().Required(),
	}
}

// Indexes are those that bench/shop has.
func (Line) Indexes() []ent.Index {
	return []ent.Index{index.Fields("order_id"), index.Fields("product_id")}
}

// Annotations are for GraphQL.
func (Line) Annotations() []schema.Annotation { return asked() }
