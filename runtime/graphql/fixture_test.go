package graphql_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/graphql"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/search"
	"github.com/gatewright/gate/store/storetest"
)

// The shop of package crud: accounts, items with a hidden cost, and orders that
// have owners.

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
		Links: []model.Link{
			{Name: "orders", To: "Order", Many: true, Inverse: "buyerId"},
			{Name: "likes", To: "Item", Many: true, Through: &model.Join{Table: "likes", Near: "user_id", Far: "item_id"}},
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
			{Name: "kind", Column: "kind", Type: model.Enum, Values: []string{"food", "drink", "hot-drink"}, Default: "food", Required: true},
			{Name: "image", Column: "image", Type: model.URL},
			{Name: "createdAt", Column: "created_at", Type: model.CreatedAt, Required: true},
			{Name: "updatedAt", Column: "updated_at", Type: model.UpdatedAt, Required: true},
		},
		Allow: model.Allow{
			View: []string{"public"}, List: []string{"public"}, Create: []string{"create:items"},
			Update: []string{"update:items"}, Delete: []string{"manager"},
		},
		Links: []model.Link{
			{Name: "orders", To: "Order", Many: true, Inverse: "itemId"},
			{Name: "likedBy", To: "User", Many: true, Through: &model.Join{Table: "likes", Near: "item_id", Far: "user_id"}},
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
		Links: []model.Link{{Name: "buyer", To: "User", Key: "buyerId"}, {Name: "item", To: "Item", Key: "itemId"}},
	}
}

var schemas = map[store.Dialect]string{
	store.SQLite: `
CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL COLLATE NOCASE UNIQUE, password TEXT NOT NULL, roles TEXT NOT NULL, name TEXT);
CREATE TABLE items (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, price INTEGER NOT NULL, cost INTEGER, kind TEXT NOT NULL, image TEXT,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, buyer_id TEXT NOT NULL REFERENCES users (id), item_id TEXT NOT NULL REFERENCES items (id),
  amount INTEGER NOT NULL, note TEXT, rating INTEGER, paid INTEGER NOT NULL);
CREATE TABLE likes (user_id TEXT NOT NULL REFERENCES users (id), item_id TEXT NOT NULL REFERENCES items (id), PRIMARY KEY (user_id, item_id))`,
	store.Postgres: `
CREATE TABLE users (id uuid PRIMARY KEY, email text COLLATE "C" NOT NULL, password text NOT NULL, roles jsonb NOT NULL, name text COLLATE "C");
CREATE UNIQUE INDEX users_email_key ON users (lower("email" COLLATE "C"));
CREATE TABLE items (id uuid PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE, price numeric(10,2) NOT NULL, cost numeric(10,2), kind text COLLATE "C" NOT NULL,
  image text COLLATE "C", created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE orders (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, buyer_id uuid NOT NULL REFERENCES users (id), item_id uuid NOT NULL REFERENCES items (id),
  amount bigint NOT NULL, note text COLLATE "C", rating bigint, paid boolean NOT NULL);
CREATE TABLE likes (user_id uuid NOT NULL REFERENCES users (id), item_id uuid NOT NULL REFERENCES items (id), PRIMARY KEY (user_id, item_id))`,
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

// sdl is the schema of the shop as the generator would write it.
const sdl = `
type Query {
  me: User
  user(id: ID!): User
  users(where: UserWhere, search: String, orderBy: [UserOrderBy!], limit: Int, skip: Int): [User!]
  usersCount(where: UserWhere, search: String): Int
  item(id: ID!): Item
  items(where: ItemWhere, search: String, orderBy: [ItemOrderBy!], limit: Int, skip: Int, after: String): [Item!]
  itemsPage(where: ItemWhere, search: String, orderBy: [ItemOrderBy!], limit: Int, after: String, before: String): ItemPage
  itemsCount(where: ItemWhere, search: String): Int
  ordersPage(where: OrderWhere, orderBy: [OrderOrderBy!], limit: Int, after: String, before: String): OrderPage
  order(id: ID!): Order
  orders(where: OrderWhere, orderBy: [OrderOrderBy!], limit: Int, skip: Int): [Order!]
  ordersCount(where: OrderWhere): Int
}
type Mutation {
  login(strategy: String!, credentials: JSON!): Login
  createUser(input: CreateUserInput!): User
  updateUser(id: ID!, input: UpdateUserInput!): User
  deleteUser(id: ID!): User
  createItem(input: CreateItemInput!): Item
  updateItem(id: ID!, input: UpdateItemInput!): Item
  deleteItem(id: ID!): Item
  updateItems(where: ItemWhere!, input: UpdateItemInput!): [Item!]
  deleteItems(where: ItemWhere!): [Item!]
  updateOrders(where: OrderWhere!, input: UpdateOrderInput!): [Order!]
  createOrder(input: CreateOrderInput!): Order
  updateOrder(id: ID!, input: UpdateOrderInput!): Order
  deleteOrder(id: ID!): Order
}
type User {
  id: ID email: String roles: [String!] name: String
  orders(where: OrderWhere, orderBy: [OrderOrderBy!], limit: Int, skip: Int): [Order!]
  likes(where: ItemWhere, search: String, orderBy: [ItemOrderBy!], limit: Int, skip: Int): [Item!]
}
type Item {
  orders(where: OrderWhere, orderBy: [OrderOrderBy!], limit: Int, skip: Int): [Order!]
  likedBy(where: UserWhere, search: String, orderBy: [UserOrderBy!], limit: Int, skip: Int): [User!]
  id: ID! name: String! price: Decimal! cost: Decimal kind: ItemKind! image: String createdAt: DateTime! updatedAt: DateTime! }
type Order { buyer: User item: Item id: ID! buyerId: ID! itemId: ID! amount: Int! note: String rating: BigInt paid: Boolean! }
type ItemPage { data: [Item!] total: Int nextCursor: String prevCursor: String }
type OrderPage { data: [Order!] total: Int nextCursor: String prevCursor: String }
enum ItemKind { food drink hot_drink }
input UserWhere { AND: [UserWhere!] OR: [UserWhere!] NOT: UserWhere id: IDFilter email: StringFilter roles: NullFilter name: StringFilter orders: OrderListWhere likes: ItemListWhere }
input ItemWhere {
  AND: [ItemWhere!] OR: [ItemWhere!] NOT: ItemWhere id: IDFilter name: StringFilter price: DecimalFilter cost: DecimalFilter
  kind: ItemKindFilter image: StringFilter createdAt: DateTimeFilter orders: OrderListWhere likedBy: UserListWhere
}
input OrderWhere {
  AND: [OrderWhere!] OR: [OrderWhere!] NOT: OrderWhere id: IDFilter buyerId: IDFilter itemId: IDFilter amount: IntFilter
  note: StringFilter rating: BigIntFilter paid: BooleanFilter buyer: UserWhere item: ItemWhere
}
input UserListWhere { some: UserWhere none: UserWhere every: UserWhere }
input ItemListWhere { some: ItemWhere none: ItemWhere every: ItemWhere }
input OrderListWhere { some: OrderWhere none: OrderWhere every: OrderWhere }
input UserOrderBy { id: SortOrder email: SortOrder name: SortOrder }
input ItemOrderBy { id: SortOrder name: SortOrder price: SortOrder cost: SortOrder kind: SortOrder }
input OrderOrderBy { id: SortOrder amount: SortOrder note: SortOrder }
input CreateUserInput { email: String! password: String! roles: [String!] name: String }
input UpdateUserInput { email: String password: String roles: [String!] name: String orders: UserOrdersLinkInput likes: UserLikesLinkInput }
input UserOrdersLinkInput { create: [CreateOrderInput!] }
input UserLikesLinkInput { create: [CreateItemInput!] connect: [IDInput!] disconnect: [IDInput!] }
input IDInput { id: ID! }
input CreateItemInput { name: String! price: Decimal! cost: Decimal kind: ItemKind image: String orders: ItemOrdersLinkInput likedBy: ItemLikedByLinkInput }
input UpdateItemInput { name: String price: Decimal cost: Decimal kind: ItemKind image: String orders: ItemOrdersLinkInput likedBy: ItemLikedByLinkInput }
input ItemOrdersLinkInput { create: [CreateOrderInput!] connect: [IDInput!] }
input ItemLikedByLinkInput { connect: [IDInput!] disconnect: [IDInput!] }
input CreateOrderInput { itemId: ID amount: Int note: String paid: Boolean item: OrderItemLinkInput }
input OrderItemLinkInput { create: CreateItemInput connect: IDInput }
input UpdateOrderInput { itemId: ID amount: Int note: String rating: BigInt paid: Boolean item: OrderItemLinkInput }
input IDFilter { eq: ID ne: ID in: [ID!] nin: [ID!] null: Boolean }
input StringFilter { eq: String ne: String in: [String!] nin: [String!] lt: String lte: String gt: String gte: String contains: String startsWith: String endsWith: String like: String null: Boolean }
input IntFilter { eq: Int ne: Int in: [Int!] nin: [Int!] lt: Int lte: Int gt: Int gte: Int null: Boolean }
input BigIntFilter { eq: BigInt gte: BigInt null: Boolean }
input DecimalFilter { eq: Decimal ne: Decimal in: [Decimal!] nin: [Decimal!] lt: Decimal lte: Decimal gt: Decimal gte: Decimal null: Boolean }
input DateTimeFilter { gte: DateTime lt: DateTime }
input BooleanFilter { eq: Boolean ne: Boolean null: Boolean }
input ItemKindFilter { eq: ItemKind ne: ItemKind in: [ItemKind!] nin: [ItemKind!] null: Boolean }
input NullFilter { null: Boolean }
enum SortOrder { asc desc }
type Login { accessToken: String refreshToken: String }
scalar JSON
scalar Decimal
scalar BigInt
scalar DateTime
`

// hasher hashes for tests.
type hasher struct{}

func (hasher) Hash(_ context.Context, password string) (string, error) {
	return "hash of " + password, nil
}

func (hasher) Check(password string, _ ...string) error {
	if len(password) < 8 {
		return errors.New("must have at least 8 characters")
	}
	return nil
}

type shop struct {
	db     *store.DB
	policy *authz.Policy

	counter *storetest.Counter

	users  *crud.Resource[User]
	items  *crud.Resource[Item]
	orders *crud.Resource[Order]
	log    *bytes.Buffer
	api    *graphql.API
	door   *door
	rest   *http.ServeMux

	ann, bob, cleo, max *gate.Principal // two customers, a clerk and a manager
	soup, tea           string          // items
	annOrder, bobOrder  string
}

func newShop(t testing.TB, db *store.DB) *shop {
	t.Helper()
	for stmt := range strings.SplitSeq(strings.TrimSpace(schemas[db.Dialect()]), ";\n") {
		if _, err := db.Exec(t.Context(), stmt); err != nil {
			t.Fatalf("%s: %v", stmt, err)
		}
	}
	policy, err := authz.NewPolicy(roles())
	if err != nil {
		t.Fatal(err)
	}
	db, counter := storetest.Counted(t, db)
	s := &shop{db: db, policy: policy, counter: counter, log: &bytes.Buffer{}}
	s.users = newResource(t, db, policy, userEntity(), (*User).pointer)
	s.items = newResource(t, db, policy, itemEntity(), (*Item).pointer)
	s.orders = newResource(t, db, policy, orderEntity(), (*Order).pointer)
	s.users.UsePasswords(hasher{})
	if err := crud.Link(s.users, s.items, s.orders); err != nil {
		t.Fatal(err)
	}
	errors := gate.ErrorWriter{Logger: slog.New(slog.NewTextHandler(s.log, nil))}
	s.door = &door{errors: errors}
	s.api, err = graphql.New(graphql.Config{SDL: sdl, Entities: s.services(), Errors: errors, Login: s.door})
	if err != nil {
		t.Fatal(err)
	}
	s.rest = http.NewServeMux()
	for _, e := range s.services() {
		for _, r := range (rest.API{Policy: policy, Errors: errors}).Routes(e) {
			s.rest.Handle(r.Method+" "+r.Path, r.Handler)
		}
	}
	s.fill(t)
	return s
}

func (s *shop) services() []crud.Service { return []crud.Service{s.users, s.items, s.orders} }

func (s *shop) fill(t testing.TB) {
	t.Helper()
	s.ann = s.account(t, "ann@example.com", "customer")
	s.bob = s.account(t, "bob@example.com", "customer")
	s.cleo = s.account(t, "cleo@example.com", "customer", "clerk")
	s.max = s.account(t, "max@example.com", "customer", "clerk", "manager")
	s.soup = s.made(t, s.items, s.max, `{"name":"soup","price":4.50,"cost":1.20}`)
	s.tea = s.made(t, s.items, s.max, `{"name":"tea","price":2.00,"cost":0.10,"kind":"hot-drink","image":"https://shop.example/tea.png"}`)
	s.annOrder = s.made(t, s.orders, s.ann, `{"itemId":"`+s.soup+`","note":"no salt"}`)
	s.bobOrder = s.made(t, s.orders, s.bob, `{"itemId":"`+s.tea+`","amount":2,"note":"no milk"}`)
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

func (s *shop) account(t testing.TB, email string, roles ...string) *gate.Principal {
	t.Helper()
	u, err := s.users.Create(authz.System(t.Context()), &crud.Change[User]{
		Row: User{Email: email, Password: "correct horse", Roles: append([]string{}, roles...)},
		Set: model.Fields(UserEmail, UserPassword, UserRoles),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &gate.Principal{Subject: u.ID, Roles: roles}
}

func (s *shop) made(t testing.TB, r crud.Service, who *gate.Principal, body string) string {
	t.Helper()
	row, err := r.CreateRow(gate.ContextWithPrincipal(t.Context(), who), []byte(body), nil)
	if err != nil {
		t.Fatal(err)
	}
	return row.ID
}

// callers are everybody who may ask.
func (s *shop) callers() map[string]*gate.Principal {
	return map[string]*gate.Principal{
		"nobody": nil, "ann": s.ann, "bob": s.bob, "clerk": s.cleo, "manager": s.max,
		"ghost":   {Subject: s.ann.Subject, Roles: []string{"ghost"}},
		"keyed":   {Subject: s.ann.Subject, Roles: s.ann.Roles, Scopes: []string{"read:nothing"}},
		"orphan":  {Subject: "01890000-0000-7000-8000-000000000000", Roles: []string{"manager"}},
		"machine": {Subject: "https://issuer.example/|robot", Roles: []string{"manager"}},
	}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	text   string
	Data   map[string]any
	Errors []struct {
		Message    string
		Path       []any
		Extensions struct {
			Code   string
			Fields []model.Problem
		}
	}
}

// code returns the code of the first error; empty for none.
func (a answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	return a.Errors[0].Extensions.Code
}

// ask sends a document as somebody; nil is nobody. Variables are JSON.
func (s *shop) ask(t testing.TB, who *gate.Principal, document string, variables ...string) answer {
	t.Helper()
	body := map[string]any{"query": document}
	if len(variables) > 0 {
		body["variables"] = json.RawMessage(variables[0])
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return s.send(t, who, "application/json", string(raw))
}

func (s *shop) send(t testing.TB, who *gate.Principal, contentType, body string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/graphql", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	if who != nil {
		r = r.WithContext(gate.ContextWithPrincipal(r.Context(), who))
	}
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), text: w.Body.String()}
	if !json.Valid(w.Body.Bytes()) {
		t.Fatalf("no JSON: %s", a.text)
	}
	if w.Code == http.StatusOK || w.Code == http.StatusBadRequest {
		dec := json.NewDecoder(w.Body)
		dec.UseNumber()
		if err := dec.Decode(&a); err != nil {
			t.Fatalf("%v: %s", err, a.text)
		}
	}
	return a
}
