package crud_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/search"
)

// A shop with accounts, items with a hidden cost, and orders that have owners.

type User struct {
	ID       string
	Email    string
	Password string
	Roles    []string
	Name     *string
}

const (
	UserID model.FieldID = iota
	UserEmail
	UserPassword
	UserRoles
	UserName
)

func (r *User) pointer(f model.FieldID) any {
	switch f {
	case UserID:
		return &r.ID
	case UserEmail:
		return &r.Email
	case UserPassword:
		return &r.Password
	case UserRoles:
		return &r.Roles
	case UserName:
		return &r.Name
	}
	return nil
}

func userEntity() *model.Entity {
	return &model.Entity{
		Name: "User", Plural: "Users", Path: "users", Table: "users", Owner: "id",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "email", Column: "email", Type: model.Email, Required: true, Unique: true, Searchable: true},
			{Name: "password", Column: "password", Type: model.Password, Required: true},
			{Name: "roles", Column: "roles", Type: model.Roles, Required: true, Create: []string{"manage:roles"}, Update: []string{"manage:roles"}},
			{Name: "name", Column: "name", Type: model.Text, MaxLength: 20},
		},
		Allow: model.Allow{
			View: []string{"owner", "manage:users"}, List: []string{"manage:users"}, Create: []string{"public"},
			Update: []string{"owner", "manage:users"}, Delete: []string{"owner", "manage:users"},
		},
	}
}

type Item struct {
	ID        string
	Name      string
	Price     model.Decimal
	Cost      *model.Decimal
	Kind      string
	Image     *string
	CreatedAt time.Time
	UpdatedAt time.Time
}

const (
	ItemID model.FieldID = iota
	ItemName
	ItemPrice
	ItemCost
	ItemKind
	ItemImage
	ItemCreatedAt
	ItemUpdatedAt
)

func (r *Item) pointer(f model.FieldID) any {
	switch f {
	case ItemID:
		return &r.ID
	case ItemName:
		return &r.Name
	case ItemPrice:
		return &r.Price
	case ItemCost:
		return &r.Cost
	case ItemKind:
		return &r.Kind
	case ItemImage:
		return &r.Image
	case ItemCreatedAt:
		return &r.CreatedAt
	case ItemUpdatedAt:
		return &r.UpdatedAt
	}
	return nil
}

func itemEntity() *model.Entity {
	return &model.Entity{
		Name: "Item", Plural: "Items", Path: "items", Table: "items",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "name", Column: "name", Type: model.Text, Required: true, MinLength: 1, MaxLength: 100, Searchable: true, Unique: true},
			{Name: "price", Column: "price", Type: model.DecimalType, Precision: 10, Scale: 2, Min: "0", Required: true},
			{
				Name: "cost", Column: "cost", Type: model.DecimalType, Precision: 10, Scale: 2,
				View: []string{"manager"}, Create: []string{"manager"}, Update: []string{"manager"},
			},
			{Name: "kind", Column: "kind", Type: model.Enum, Values: []string{"food", "drink"}, Default: "food", Required: true},
			{Name: "image", Column: "image", Type: model.URL},
			{Name: "createdAt", Column: "created_at", Type: model.CreatedAt, Required: true},
			{Name: "updatedAt", Column: "updated_at", Type: model.UpdatedAt, Required: true},
		},
		Allow: model.Allow{
			View: []string{"public"}, List: []string{"public"}, Create: []string{"create:items"},
			Update: []string{"update:items"}, Delete: []string{"manager"},
		},
	}
}

type Order struct {
	ID      int64
	BuyerID string
	ItemID  string
	Amount  int64
	Note    *string
	Rating  *int64
	Paid    bool
}

const (
	OrderID model.FieldID = iota
	OrderBuyer
	OrderItem
	OrderAmount
	OrderNote
	OrderRating
	OrderPaid
)

func (r *Order) pointer(f model.FieldID) any {
	switch f {
	case OrderID:
		return &r.ID
	case OrderBuyer:
		return &r.BuyerID
	case OrderItem:
		return &r.ItemID
	case OrderAmount:
		return &r.Amount
	case OrderNote:
		return &r.Note
	case OrderRating:
		return &r.Rating
	case OrderPaid:
		return &r.Paid
	}
	return nil
}

// orderEntity: everybody signed in sees all orders, but the note only on one's
// own; buyers change their own.
func orderEntity() *model.Entity {
	return &model.Entity{
		Name: "Order", Plural: "Orders", Path: "orders", Table: "orders", Owner: "buyerId",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true},
			{Name: "buyerId", Column: "buyer_id", Type: model.Relation, To: "User", Required: true},
			{Name: "itemId", Column: "item_id", Type: model.Relation, To: "Item", Required: true},
			{Name: "amount", Column: "amount", Type: model.Integer, Required: true, Min: "1", Max: "10", Default: int64(1)},
			{Name: "note", Column: "note", Type: model.LongText, View: []string{"owner"}},
			{Name: "rating", Column: "rating", Type: model.Integer, Update: []string{"owner"}, Create: []string{"nobody"}},
			{Name: "paid", Column: "paid", Type: model.Boolean, Required: true, Default: false, Create: []string{"manager"}, Update: []string{"manager"}},
		},
		Allow: model.Allow{
			View: []string{"signed-in"}, List: []string{"signed-in"}, Create: []string{"signed-in"},
			Update: []string{"owner", "manager"}, Delete: []string{"owner"},
		},
	}
}

var schemas = map[store.Dialect]string{
	store.SQLite: `
CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL COLLATE NOCASE UNIQUE, password TEXT NOT NULL, roles TEXT NOT NULL, name TEXT);
CREATE TABLE items (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, price INTEGER NOT NULL, cost INTEGER, kind TEXT NOT NULL, image TEXT,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, buyer_id TEXT NOT NULL REFERENCES users (id), item_id TEXT NOT NULL REFERENCES items (id),
  amount INTEGER NOT NULL, note TEXT, rating INTEGER, paid INTEGER NOT NULL)`,
	store.Postgres: `
CREATE TABLE users (id uuid PRIMARY KEY, email text COLLATE "C" NOT NULL, password text NOT NULL, roles jsonb NOT NULL, name text COLLATE "C");
CREATE UNIQUE INDEX users_email_key ON users (lower("email" COLLATE "C"));
CREATE TABLE items (id uuid PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE, price numeric(10,2) NOT NULL, cost numeric(10,2), kind text COLLATE "C" NOT NULL,
  image text COLLATE "C", created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE orders (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, buyer_id uuid NOT NULL REFERENCES users (id), item_id uuid NOT NULL REFERENCES items (id),
  amount bigint NOT NULL, note text COLLATE "C", rating bigint, paid boolean NOT NULL)`,
}

func roles() []authz.Role {
	return []authz.Role{
		{Name: "customer", Default: true},
		{Name: "clerk", Permissions: []string{"create:items", "update:items"}},
		{Name: "manager", Permissions: []string{"create:items", "update:items", "manage:users", "manage:roles"}},
		{Name: "support", Permissions: []string{"manage:users"}},
		{Name: "root", Permissions: []string{"manage:users", "manage:roles"}},
	}
}

// hasher hashes for tests.
type hasher struct{}

func (hasher) Hash(_ context.Context, password string) (string, error) {
	if password == "busy busy busy" {
		return "", errors.New("busy")
	}
	return "hash of " + password, nil
}

func (hasher) Check(password string, about ...string) error {
	if len(password) < 8 {
		return errors.New("must have at least 8 characters")
	}
	for _, word := range about {
		if strings.Contains(password, word) {
			return errors.New("must not resemble the account")
		}
	}
	return nil
}

type shop struct {
	db     *store.DB
	policy *authz.Policy
	users  *crud.Resource[User]
	items  *crud.Resource[Item]
	orders *crud.Resource[Order]

	ann, bob, cleo, max *gate.Principal // two customers, a clerk and a manager
	soup, tea           string          // items
	annOrder, bobOrder  string
}

func run(t testing.TB, db *store.DB, script string) {
	t.Helper()
	for stmt := range strings.SplitSeq(script, ";\n") {
		if _, err := db.Exec(t.Context(), stmt); err != nil {
			t.Fatalf("%s: %v", stmt, err)
		}
	}
}

func unlinked(t testing.TB, db *store.DB) *shop {
	t.Helper()
	run(t, db, strings.TrimSpace(schemas[db.Dialect()]))
	policy, err := authz.NewPolicy(roles())
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{db: db, policy: policy}
	s.users = newResource(t, db, policy, userEntity(), (*User).pointer)
	s.items = newResource(t, db, policy, itemEntity(), (*Item).pointer)
	s.orders = newResource(t, db, policy, orderEntity(), (*Order).pointer)
	s.users.UsePasswords(hasher{})
	return s
}

func newResource[T any](t testing.TB, db *store.DB, p *authz.Policy, e *model.Entity, pointer func(*T, model.FieldID) any) *crud.Resource[T] {
	t.Helper()
	r, err := crud.New(db, p, e, pointer)
	if err != nil {
		t.Fatal(err)
	}
	searchable(t, db, e)
	return r
}

// searchable makes what finds the rows of an entity by their words. PostgreSQL finds
// them without, which takes longer.
func searchable(t testing.TB, db *store.DB, e *model.Entity) {
	t.Helper()
	x := search.Index{Dialect: db.Dialect(), Table: e.Table, ID: e.Fields[e.IDField()].Column}
	for _, f := range e.Fields {
		if f.Searchable {
			x.Columns = append(x.Columns, f.Column)
		}
	}
	if db.Dialect() != store.SQLite || x.Columns == nil {
		return
	}
	var there int
	if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = $1", e.Table).Scan(&there); err != nil {
		t.Fatal(err)
	}
	if there > 0 {
		return
	}
	for _, stmt := range x.Create() {
		if _, err := db.Exec(t.Context(), stmt); err != nil {
			t.Fatalf("%s: %v", stmt, err)
		}
	}
}

func newShop(t testing.TB, db *store.DB) *shop {
	t.Helper()
	s := unlinked(t, db)
	if err := crud.Link(s.users, s.items, s.orders); err != nil {
		t.Fatal(err)
	}
	s.ann = s.account(t, "ann@example.com", "customer")
	s.bob = s.account(t, "bob@example.com", "customer")
	s.cleo = s.account(t, "cleo@example.com", "customer", "clerk")
	s.max = s.account(t, "max@example.com", "customer", "clerk", "manager")
	s.soup = s.item(t, "soup", "4.50", "1.20")
	s.tea = s.item(t, "tea", "2.00", "0.10")
	s.annOrder = s.order(t, s.ann)
	s.bobOrder = s.order(t, s.bob)
	return s
}

func (s *shop) account(t testing.TB, email string, roles ...string) *gate.Principal {
	t.Helper()
	u, err := s.users.Create(system(t), &crud.Change[User]{
		Row: User{Email: email, Password: "correct horse", Roles: append([]string{}, roles...)},
		Set: model.Fields(UserEmail, UserPassword, UserRoles),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &gate.Principal{Subject: u.ID, Roles: roles}
}

func (s *shop) item(t testing.TB, name, price, cost string) string {
	t.Helper()
	c := model.MustDecimal(cost)
	item, err := s.items.Create(system(t), &crud.Change[Item]{
		Row: Item{Name: name, Price: model.MustDecimal(price), Cost: &c}, Set: model.Fields(ItemName, ItemPrice, ItemCost),
	})
	if err != nil {
		t.Fatal(err)
	}
	return item.ID
}

func (s *shop) order(t testing.TB, who *gate.Principal) string {
	t.Helper()
	row, err := s.orders.CreateRow(as(t, who), []byte(`{"itemId":"`+s.soup+`","note":"no salt"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	return row.ID
}

func system(t testing.TB) context.Context { return authz.System(t.Context()) }

// as returns the context of a request; nil is nobody.
func as(t testing.TB, who *gate.Principal) context.Context {
	if who == nil {
		return t.Context()
	}
	return gate.ContextWithPrincipal(t.Context(), who)
}

// status is what an error is answered as; 200 for none.
func status(t testing.TB, err error) int {
	t.Helper()
	if err == nil {
		return http.StatusOK
	}
	if e, ok := errors.AsType[*gate.Error](err); ok {
		return e.Status
	}
	t.Logf("a fault: %v", err)
	return http.StatusInternalServerError
}

// problems returns "field code" of what an error lists.
func problems(err error) []string {
	e, ok := errors.AsType[*gate.Error](err)
	if !ok {
		return nil
	}
	list, _ := e.Errors.(model.Problems)
	var out []string
	for _, p := range list {
		out = append(out, p.Field+" "+p.Code)
	}
	return out
}

// members returns the members of a row as JSON.
func members(t testing.TB, row crud.Row) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(row.AppendJSON(nil), &m); err != nil {
		t.Fatal(err)
	}
	return m
}
