package crud_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// A town of restaurants in which every rule has a relation that could go round it:
// everybody sees restaurants and menus, nobody but managers what a dish costs;
// guests see their orders, and themselves; a tip is the guest's own business.

// record is a row whose fields are known by their places.
type record struct {
	texts   [12]*string
	id      string
	numbers [12]*int64
	serial  int64
	list    []string
	secret  string
}

// pointers returns where the fields of an entity are in a record.
func pointers(e *model.Entity) func(*record, model.FieldID) any {
	return func(r *record, f model.FieldID) any {
		switch field := &e.Fields[f]; {
		case field.Type == model.ID && field.ID == model.Serial:
			return &r.serial
		case field.Type == model.ID:
			return &r.id
		case field.Type == model.Password:
			return &r.secret
		case field.Type == model.Roles:
			return &r.list
		case field.Type == model.Integer, field.Type == model.Relation && field.ID == model.Serial:
			return &r.numbers[f]
		default:
			return &r.texts[f]
		}
	}
}

func townEntities() map[string]*model.Entity {
	id := model.Field{Name: "id", Column: "id", Type: model.ID, Required: true}
	serial := model.Field{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true}
	text := func(name string) model.Field {
		return model.Field{Name: name, Column: name, Type: model.Text, Searchable: true}
	}
	key := func(name, column, to string, kind model.IDKind) model.Field {
		return model.Field{Name: name, Column: column, Type: model.Relation, To: to, ID: kind}
	}
	only := func(f model.Field, words ...string) model.Field {
		f.View = words
		return f
	}
	public := []string{"public"}
	all := func(rules []string) model.Allow {
		return model.Allow{View: rules, List: rules, Create: public, Update: public, Delete: public}
	}
	entities := []*model.Entity{
		{
			Name: "User", Plural: "Users", Path: "users", Table: "users", Owner: "id", Allow: all([]string{"owner", "manage:users"}),
			Fields: []model.Field{
				id, text("name"), only(text("phone"), "owner"),
				{Name: "password", Column: "password", Type: model.Password, Required: true},
				{Name: "roles", Column: "roles", Type: model.Roles, Required: true},
				key("bossId", "boss_id", "User", model.UUID),
			},
			Links: []model.Link{
				{Name: "boss", To: "User", Key: "bossId"},
				{Name: "team", To: "User", Many: true, Inverse: "bossId"},
				{Name: "orders", To: "Order", Many: true, Inverse: "guestId"},
				{Name: "card", To: "Card", Inverse: "userId"},
				{Name: "friends", To: "User", Many: true, Through: &model.Join{Table: "friends", Near: "from_id", Far: "to_id"}},
			},
		},
		{
			Name: "Card", Plural: "Cards", Path: "cards", Table: "cards", Allow: all(public),
			Fields: []model.Field{id, text("name"), func() model.Field {
				f := key("userId", "user_id", "User", model.UUID)
				f.Unique = true
				return f
			}()},
			Links: []model.Link{{Name: "user", To: "User", Key: "userId"}},
		},
		{
			Name: "Restaurant", Plural: "Restaurants", Path: "restaurants", Table: "restaurants", Allow: all(public),
			Fields: []model.Field{id, text("name"), only(key("hostId", "host_id", "User", model.UUID), "manager")},
			Links: []model.Link{
				{Name: "host", To: "User", Key: "hostId"},
				{Name: "dishes", To: "Dish", Many: true, Inverse: "restaurantId"},
				{Name: "orders", To: "Order", Many: true, Inverse: "restaurantId"},
				{Name: "plans", To: "Plan", Many: true, Inverse: "restaurantId"},
			},
		},
		{
			Name: "Dish", Plural: "Dishes", Path: "dishes", Table: "dishes", Allow: all(public),
			Fields: []model.Field{
				serial, text("name"), key("restaurantId", "restaurant_id", "Restaurant", model.UUID),
				only(model.Field{Name: "cost", Column: "cost", Type: model.Integer}, "manager"),
			},
			Links: []model.Link{
				{Name: "restaurant", To: "Restaurant", Key: "restaurantId"},
				{Name: "tags", To: "Tag", Many: true, Through: &model.Join{Table: "dish_tags", Near: "dish_id", Far: "tag_id"}},
				{Name: "orders", To: "Order", Many: true, Through: &model.Join{Table: "order_dishes", Near: "dish_id", Far: "order_id", Inverse: "dishes"}},
			},
		},
		{
			Name: "Order", Plural: "Orders", Path: "orders", Table: "orders", Owner: "guestId", Allow: all([]string{"owner", "manager"}),
			Fields: []model.Field{
				serial, text("note"), only(text("tip"), "owner"), key("guestId", "guest_id", "User", model.UUID),
				key("restaurantId", "restaurant_id", "Restaurant", model.UUID), only(key("giftId", "gift_id", "Tag", model.UUID), "owner"),
			},
			Links: []model.Link{
				{Name: "guest", To: "User", Key: "guestId"},
				{Name: "gift", To: "Tag", Key: "giftId"},
				{Name: "restaurant", To: "Restaurant", Key: "restaurantId"},
				{Name: "dishes", To: "Dish", Many: true, Through: &model.Join{Table: "order_dishes", Near: "order_id", Far: "dish_id"}},
			},
		},
		{
			// Whoever has a tag may look it up; to list them is for managers.
			Name: "Tag", Plural: "Tags", Path: "tags", Table: "tags", Allow: model.Allow{View: public, List: []string{"manager"}},
			Fields: []model.Field{id, text("name")},
			Links: []model.Link{
				{Name: "dishes", To: "Dish", Many: true, Through: &model.Join{Table: "dish_tags", Near: "tag_id", Far: "dish_id", Inverse: "tags"}},
			},
		},
		{
			// Everybody may list plans, but not see which restaurant they are of.
			Name: "Plan", Plural: "Plans", Path: "plans", Table: "plans", Allow: all(public),
			Fields: []model.Field{id, text("name"), only(key("restaurantId", "restaurant_id", "Restaurant", model.UUID), "manager")},
			Links:  []model.Link{{Name: "restaurant", To: "Restaurant", Key: "restaurantId"}},
		},
	}
	byName := map[string]*model.Entity{}
	for _, e := range entities {
		byName[e.Name] = e
	}
	return byName
}

const townSchema = `
CREATE TABLE users (id UUID PRIMARY KEY, name TEXT, phone TEXT, password TEXT NOT NULL DEFAULT '', roles JSONB NOT NULL, boss_id UUID);
CREATE TABLE friends (from_id UUID NOT NULL, to_id UUID NOT NULL, PRIMARY KEY (from_id, to_id));
CREATE TABLE cards (id UUID PRIMARY KEY, name TEXT, user_id UUID UNIQUE);
CREATE TABLE restaurants (id UUID PRIMARY KEY, name TEXT, host_id UUID);
CREATE TABLE dishes (id BIGINT GENERATED BY DEFAULT AS IDENTITY (START WITH 100) PRIMARY KEY, name TEXT, restaurant_id UUID, cost BIGINT);
CREATE TABLE orders (id BIGINT GENERATED BY DEFAULT AS IDENTITY (START WITH 100) PRIMARY KEY, note TEXT, tip TEXT, guest_id UUID, restaurant_id UUID, gift_id UUID);
CREATE TABLE tags (id UUID PRIMARY KEY, name TEXT);
CREATE TABLE plans (id UUID PRIMARY KEY, name TEXT, restaurant_id UUID);
CREATE TABLE dish_tags (dish_id BIGINT NOT NULL, tag_id UUID NOT NULL, PRIMARY KEY (dish_id, tag_id));
CREATE TABLE order_dishes (order_id BIGINT NOT NULL, dish_id BIGINT NOT NULL, PRIMARY KEY (order_id, dish_id))`

// uid is the id that is known by a word.
func uid(word string) string {
	return fmt.Sprintf("01941f29-7c00-7a3e-8b1d-%012x", []byte((word + "      ")[:6]))
}

const townRows = `
INSERT INTO users VALUES ('ann','Ann','111','hash','[]',NULL), ('bob','Bob','222','hash','["admin"]','ann'), ('max','Max','333','hash','[]','ann');
INSERT INTO friends VALUES ('ann','bob'), ('ann','ann'), ('bob','max');
INSERT INTO cards VALUES ('cardann','gold','ann');
INSERT INTO restaurants VALUES ('roma','Roma','max'), ('oslo','Oslo','ann'), ('void','Void',NULL);
INSERT INTO dishes VALUES (1,'pasta','roma',4), (2,'pizza','roma',3), (3,'fish','oslo',9), (4,'soup','roma',1), (5,'air',NULL,0);
INSERT INTO orders VALUES (1,'no salt','5','ann','roma','veg'), (2,'fast','7','bob','roma','hot'), (3,'slow','9','bob','oslo',NULL), (4,'mine','0','max',NULL,'hot');
INSERT INTO tags VALUES ('hot','hot'), ('veg','veg');
INSERT INTO plans VALUES ('expand','expand','roma');
INSERT INTO dish_tags VALUES (1,'hot'), (1,'veg'), (2,'hot'), (3,'hot');
INSERT INTO order_dishes VALUES (1,1), (2,1), (2,3), (3,3)`

type town struct {
	*testing.T

	all     map[string]crud.Service
	counter *storetest.Counter
	db      *store.DB

	ann, bob, max *gate.Principal // two guests, and a manager

	poisoned bool
}

// newTown fills a town, whose rules may be other ones than usual.
func newTown(t *testing.T, db *store.DB, edits ...func(map[string]*model.Entity)) *town {
	t.Helper()
	schema := townSchema
	if db.Dialect() == store.SQLite {
		schema = strings.NewReplacer(" GENERATED BY DEFAULT AS IDENTITY (START WITH 100)", "", "UUID", "TEXT", "JSONB", "TEXT", "BIGINT", "INTEGER").Replace(schema)
	}
	run(t, db, strings.TrimSpace(schema))
	rows := strings.TrimSpace(townRows)
	for _, word := range []string{"ann", "bob", "max", "cardann", "roma", "oslo", "void", "hot", "veg", "expand"} {
		rows = strings.ReplaceAll(rows, "('"+word+"'", "('"+uid(word)+"'")
		if word != "expand" && word != "cardann" {
			rows = strings.ReplaceAll(rows, ",'"+word+"',", ",'"+uid(word)+"',")
			rows = strings.ReplaceAll(rows, ",'"+word+"')", ",'"+uid(word)+"')")
		}
	}
	rows = strings.ReplaceAll(rows, "('"+uid("hot")+"','"+uid("hot")+"')", "('"+uid("hot")+"','hot')")
	rows = strings.ReplaceAll(rows, "('"+uid("veg")+"','"+uid("veg")+"')", "('"+uid("veg")+"','veg')")
	run(t, db, rows)
	policy, err := authz.NewPolicy([]authz.Role{{Name: "manager", Permissions: []string{"manage:users"}}, {Name: "guest", Default: true}})
	if err != nil {
		t.Fatal(err)
	}
	counted, counter := storetest.Counted(t, db)
	w := &town{T: t, all: map[string]crud.Service{}, counter: counter, db: counted}
	var list []crud.Service
	entities := townEntities()
	for _, edit := range edits {
		edit(entities)
	}
	for _, name := range slices.Sorted(maps.Keys(entities)) {
		r := newResource(t, counted, policy, entities[name], pointers(entities[name]))
		if name == "User" {
			r.UsePasswords(hasher{})
		}
		w.all[name] = r
		list = append(list, r)
	}
	if err := crud.Link(list...); err != nil {
		t.Fatal(err)
	}
	who := func(name string, roles ...string) *gate.Principal {
		return &gate.Principal{Subject: uid(name), Roles: roles}
	}
	w.ann, w.bob, w.max = who("ann", "guest"), who("bob", "guest"), who("max", "guest", "manager")
	return w
}

// paths makes includes of their paths: "orders.guest tags".
func paths(list string) []query.Include {
	var out []query.Include
	for path := range strings.FieldsSeq(list) {
		at := &out
		for name := range strings.SplitSeq(path, ".") {
			i := slices.IndexFunc(*at, func(x query.Include) bool { return x.Relation == name })
			if i < 0 {
				i = len(*at)
				*at = append(*at, query.Include{Relation: name})
			}
			at = &(*at)[i].Query.Include
		}
	}
	return out
}

// find answers a page as compact JSON, with ids as their words, and how many
// queries that took.
func (w *town) find(who *gate.Principal, entity string, q query.Query) (string, int, error) {
	w.Helper()
	w.counter.Take()
	rows, err := w.all[entity].FindRows(as(w.T, who), &q)
	asked := len(w.counter.Take())
	if err != nil {
		return "", asked, err
	}
	return w.readable(rows.AppendJSON(nil)), asked, nil
}

func (w *town) readable(raw []byte) string {
	w.Helper()
	if !json.Valid(raw) {
		w.Fatalf("not JSON: %s", raw)
	}
	text := strings.ReplaceAll(string(raw), `"`, "")
	for _, word := range []string{"ann", "bob", "max", "cardann", "roma", "oslo", "void", "hot", "veg", "expand"} {
		text = strings.ReplaceAll(text, uid(word), "#"+word)
	}
	return text
}

// TestInclude_toOne follows keys: of others, of one's own, through three levels.
func TestInclude_toOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		tests := []struct {
			name    string
			who     *gate.Principal
			entity  string
			include string
			fields  []string
			want    string
			queries int
		}{
			{
				"the restaurant of each dish", nil, "Dish", "restaurant",
				[]string{"name"},
				`[{id:1,name:pasta,restaurant:{id:#roma,name:Roma}},{id:2,name:pizza,restaurant:{id:#roma,name:Roma}},` +
					`{id:3,name:fish,restaurant:{id:#oslo,name:Oslo}},{id:4,name:soup,restaurant:{id:#roma,name:Roma}},{id:5,name:air,restaurant:null}]`, 2,
			},
			{
				"a guest that one may not see", w.ann, "Card", "user", []string{"name"}, // one's own
				`[{id:#cardann,name:gold,user:{id:#ann,name:Ann,phone:111,roles:[],bossId:null}}]`, 2,
			},
			{
				"the same, for another", w.bob, "Card", "user",
				[]string{"name"},
				`[{id:#cardann,name:gold,user:null}]`, 2,
			},
			{
				"the same, for a manager, who is not told a phone number", w.max, "Card", "user",
				[]string{"name"},
				`[{id:#cardann,name:gold,user:{id:#ann,name:Ann,roles:[],bossId:null}}]`, 2,
			},
			{
				"S5: what a dish costs, by way of a restaurant", w.ann, "Order", "restaurant", nil,
				`[{id:1,note:no salt,tip:5,guestId:#ann,restaurantId:#roma,giftId:#veg,restaurant:{id:#roma,name:Roma}}]`, 2,
			},
			{
				"two levels to oneself", w.max, "User", "boss.boss",
				[]string{"name"},
				`[{id:#ann,name:Ann,boss:null},{id:#bob,name:Bob,boss:{id:#ann,name:Ann,roles:[],bossId:null,boss:null}},` +
					`{id:#max,name:Max,boss:{id:#ann,name:Ann,roles:[],bossId:null,boss:null}}]`, 2, // nobody is above Ann
			},
			{
				"one to one, from the end without the key", w.max, "User", "card",
				[]string{"name"},
				`[{id:#ann,name:Ann,card:{id:#cardann,name:gold,userId:#ann}},{id:#bob,name:Bob,card:null},{id:#max,name:Max,card:null}]`, 2,
			},
			{
				"what one may get and not list", w.ann, "Order", "gift",
				[]string{"note"},
				`[{id:1,note:no salt,gift:{id:#veg,name:veg}}]`, 2,
			},
			{
				"two relations at once", w.max, "Order", "guest restaurant",
				[]string{"note"},
				`[{id:1,note:no salt,guest:{id:#ann,name:Ann,roles:[],bossId:null},restaurant:{id:#roma,name:Roma,hostId:#max}},` +
					`{id:2,note:fast,guest:{id:#bob,name:Bob,roles:[admin],bossId:#ann},restaurant:{id:#roma,name:Roma,hostId:#max}},` +
					`{id:3,note:slow,guest:{id:#bob,name:Bob,roles:[admin],bossId:#ann},restaurant:{id:#oslo,name:Oslo,hostId:#ann}},` +
					`{id:4,note:mine,guest:{id:#max,name:Max,phone:333,roles:[],bossId:#ann},restaurant:null}]`, 3,
			},
			{
				"a key that one may read on one's own rows alone", w.max, "Order", "gift",
				[]string{"note"},
				`[{id:1,note:no salt},{id:2,note:fast},{id:3,note:slow},{id:4,note:mine,gift:{id:#hot,name:hot}}]`, 2,
			},
		}
		for _, tt := range tests {
			got, queries, err := w.find(tt.who, tt.entity, query.Query{Select: tt.fields, Include: paths(tt.include), NoTotal: true})
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			if diff := gocmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
			if queries != tt.queries {
				t.Errorf("%s: %d queries, want %d", tt.name, queries, tt.queries)
			}
		}
	})
}

// TestInclude_refused: what may not be followed is refused before anything is read,
// in the words of what is not there, or by the path where a right is missing.
func TestInclude_refused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		for _, tt := range []struct {
			name    string
			who     *gate.Principal
			entity  string
			include string
			status  int
			problem string
		}{
			{"S4: orders, as nobody", nil, "Restaurant", "orders", 401, "orders forbidden"},
			{"S4: guests of orders, as nobody", nil, "Restaurant", "orders.guest", 401, "orders forbidden"},
			{"S4: guests by way of dishes, as nobody", nil, "Restaurant", "dishes.orders.guest", 401, "dishes.orders forbidden"},
			{"the accounts, as a role that has no right", &gate.Principal{Subject: uid("ann"), Scopes: []string{"read:tags"}}, "Card", "user", 403, "user forbidden"},
			{"what one may get and not list", w.ann, "Dish", "tags", 403, "tags forbidden"},
			{"an unknown relation", w.max, "Dish", "nonsense", 400, "nonsense unknown"},
			{"a field", w.max, "Dish", "name", 400, "name unknown"},
			{"a key", w.max, "Dish", "restaurantId", 400, "restaurantId unknown"},
			{"a relation whose key one may not read", w.ann, "Restaurant", "host", 400, "host unknown"},
			{"its other end", w.ann, "Restaurant", "plans", 400, "plans unknown"},
			{"a relation deep down", nil, "Dish", "restaurant.host", 400, "restaurant.host unknown"},
			{"four levels", w.max, "User", "boss.boss.boss.boss", 400, "boss.boss.boss limit"},
		} {
			_, queries, err := w.find(tt.who, tt.entity, query.Query{Include: paths(tt.include)})
			if got := status(t, err); got != tt.status || strings.Join(problems(err), ", ") != tt.problem {
				t.Errorf("%s: %d %v, want %d %s", tt.name, got, problems(err), tt.status, tt.problem)
			}
			if queries != 0 {
				t.Errorf("%s: %d queries before it was refused", tt.name, queries)
			}
			if _, err := w.all[tt.entity].GetRow(as(t, tt.who), "x", &query.Selection{Include: paths(tt.include)}); status(t, err) != tt.status {
				t.Errorf("%s, of one row: %v", tt.name, err)
			}
		}
		unknown, hidden := refusal(t, w, w.ann, "Restaurant", "nowhere"), refusal(t, w, w.ann, "Restaurant", "hostxxx")
		if strings.ReplaceAll(hidden, "hostxxx", "nowhere") != unknown {
			t.Errorf("%s is told from %s", hidden, unknown)
		}
		closed := refusal(t, w, w.ann, "Restaurant", "host")
		if strings.ReplaceAll(closed, "host", "nowhere") != unknown {
			t.Errorf("a relation that is closed is told from none: %s, %s", closed, unknown)
		}
		choosy := []query.Include{{Relation: "restaurant", Query: query.Query{Limit: 1}}}
		if _, _, err := w.find(nil, "Dish", query.Query{Include: choosy}); status(t, err) != http.StatusBadRequest {
			t.Errorf("a page of one row: %v", err)
		}
		for _, field := range []string{"password", "cost", "phone"} {
			inner := []query.Include{{Relation: "user", Query: query.Query{Select: []string{field}}}}
			_, _, err := w.find(w.max, "Card", query.Query{Include: inner})
			if (field == "phone") != (err == nil) { // somebody's own phone may be asked for, and is not told of others
				t.Errorf("%s of a user: %v", field, err)
			}
		}
	})
}

// TestInclude_toMany: pages inside of rows, whose totals count what the caller may
// list, of children and of pairs.
func TestInclude_toMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		page := func(q query.Query, relation string) []query.Include {
			return []query.Include{{Relation: relation, Query: q}}
		}
		named := query.Query{Select: []string{"name"}}
		tests := []struct {
			name    string
			who     *gate.Principal
			entity  string
			include []query.Include
			fields  []string
			want    string
			queries int
		}{
			{
				"dishes of each restaurant, without what they cost", nil, "Restaurant", paths("dishes"),
				[]string{"name"},
				`[{id:#oslo,name:Oslo,dishes:{total:1,limit:10,skip:0,data:[{id:3,name:fish,restaurantId:#oslo}]}},` +
					`{id:#roma,name:Roma,dishes:{total:3,limit:10,skip:0,data:[{id:1,name:pasta,restaurantId:#roma},{id:2,name:pizza,restaurantId:#roma},{id:4,name:soup,restaurantId:#roma}]}},` +
					`{id:#void,name:Void,dishes:{total:0,limit:10,skip:0,data:[]}}]`, 2,
			},
			{
				"a page of them, in an order", nil, "Restaurant",
				page(query.Query{Select: []string{"name"}, Limit: 1, Skip: 1, Sort: []query.Sort{{Field: "name", Descending: true}}}, "dishes"),
				[]string{"name"},
				`[{id:#oslo,name:Oslo,dishes:{total:1,limit:1,skip:1,data:[]}},` +
					`{id:#roma,name:Roma,dishes:{total:3,limit:1,skip:1,data:[{id:2,name:pizza}]}},` +
					`{id:#void,name:Void,dishes:{total:0,limit:1,skip:1,data:[]}}]`, 2,
			},
			{
				"how many there are", nil, "Restaurant", page(query.Query{CountOnly: true}, "dishes"),
				[]string{"name"},
				`[{id:#oslo,name:Oslo,dishes:{total:1,limit:0,skip:0,data:[]}},{id:#roma,name:Roma,dishes:{total:3,limit:0,skip:0,data:[]}},` +
					`{id:#void,name:Void,dishes:{total:0,limit:0,skip:0,data:[]}}]`, 2,
			},
			{
				"some of them", nil, "Restaurant",
				page(query.Query{Select: []string{"name"}, Where: query.Term{Field: "name", Op: query.StartsWith, Value: "pa"}}, "dishes"),
				[]string{"name"},
				`[{id:#oslo,name:Oslo,dishes:{total:0,limit:10,skip:0,data:[]}},{id:#roma,name:Roma,dishes:{total:1,limit:10,skip:0,data:[{id:1,name:pasta}]}},` +
					`{id:#void,name:Void,dishes:{total:0,limit:10,skip:0,data:[]}}]`, 2,
			},
			{
				"by a search", nil, "Restaurant", page(query.Query{Select: []string{"name"}, Search: "PIZ"}, "dishes"),
				[]string{"id"},
				`[{id:#oslo,dishes:{total:0,limit:10,skip:0,data:[]}},{id:#roma,dishes:{total:1,limit:10,skip:0,data:[{id:2,name:pizza}]}},` +
					`{id:#void,dishes:{total:0,limit:10,skip:0,data:[]}}]`, 2,
			},
			{
				"hidden children of a visible parent: others' orders are neither shown nor counted", w.ann, "Restaurant", paths("orders"),
				[]string{"name"},
				`[{id:#oslo,name:Oslo,orders:{total:0,limit:10,skip:0,data:[]}},` +
					`{id:#roma,name:Roma,orders:{total:1,limit:10,skip:0,data:[{id:1,note:no salt,tip:5,guestId:#ann,restaurantId:#roma,giftId:#veg}]}},` +
					`{id:#void,name:Void,orders:{total:0,limit:10,skip:0,data:[]}}]`, 2,
			},
			{
				"a manager sees all orders, and nobody's tip", w.max, "Restaurant", page(query.Query{Select: []string{"tip"}}, "orders"),
				[]string{"name"},
				`[{id:#oslo,name:Oslo,orders:{total:1,limit:10,skip:0,data:[{id:3}]}},{id:#roma,name:Roma,orders:{total:2,limit:10,skip:0,data:[{id:1},{id:2}]}},` +
					`{id:#void,name:Void,orders:{total:0,limit:10,skip:0,data:[]}}]`, 2,
			},
			{
				"pairs", w.max, "Dish", page(named, "tags"),
				[]string{"name"},
				`[{id:1,name:pasta,tags:{total:2,limit:10,skip:0,data:[{id:#hot,name:hot},{id:#veg,name:veg}]}},` +
					`{id:2,name:pizza,tags:{total:1,limit:10,skip:0,data:[{id:#hot,name:hot}]}},{id:3,name:fish,tags:{total:1,limit:10,skip:0,data:[{id:#hot,name:hot}]}},` +
					`{id:4,name:soup,tags:{total:0,limit:10,skip:0,data:[]}},{id:5,name:air,tags:{total:0,limit:10,skip:0,data:[]}}]`, 2,
			},
			{
				"pairs from the other end, a page of them", w.max, "Tag", page(query.Query{Select: []string{"name"}, Limit: 2, Skip: 1}, "dishes"),
				[]string{"name"},
				`[{id:#hot,name:hot,dishes:{total:3,limit:2,skip:1,data:[{id:2,name:pizza},{id:3,name:fish}]}},{id:#veg,name:veg,dishes:{total:1,limit:2,skip:1,data:[]}}]`, 2,
			},
			{
				"pairs with rows of the same entity", w.max, "User", page(named, "friends"),
				[]string{"name"},
				`[{id:#ann,name:Ann,friends:{total:2,limit:10,skip:0,data:[{id:#ann,name:Ann},{id:#bob,name:Bob}]}},` +
					`{id:#bob,name:Bob,friends:{total:1,limit:10,skip:0,data:[{id:#max,name:Max}]}},{id:#max,name:Max,friends:{total:0,limit:10,skip:0,data:[]}}]`, 2,
			},
			{
				"the team of oneself, of whom one may see nobody", w.ann, "User", page(named, "team"),
				[]string{"name"},
				`[{id:#ann,name:Ann,team:{total:0,limit:10,skip:0,data:[]}}]`, 2,
			},
			{
				"three levels, on which the guest of one's order is oneself, with one's own phone", w.ann, "Restaurant",
				[]query.Include{{Relation: "dishes", Query: query.Query{
					Select: []string{"name"}, Where: query.Term{Field: "name", Op: query.Eq, Value: "pasta"}, Limit: 2,
					Include: []query.Include{{Relation: "orders", Query: query.Query{
						Select: []string{"tip"}, Include: []query.Include{{Relation: "guest", Query: query.Query{Select: []string{"phone"}}}},
					}}},
				}}},
				[]string{"name"},
				`[{id:#oslo,name:Oslo,dishes:{total:0,limit:2,skip:0,data:[]}},` +
					`{id:#roma,name:Roma,dishes:{total:1,limit:2,skip:0,data:[{id:1,name:pasta,orders:{total:1,limit:10,skip:0,data:[{id:1,tip:5,guest:{id:#ann,phone:111}}]}}]}},` +
					`{id:#void,name:Void,dishes:{total:0,limit:2,skip:0,data:[]}}]`, 4,
			},
			{
				"the same as a manager, whose the phone and the tip are not", w.max, "Restaurant",
				[]query.Include{{Relation: "dishes", Query: query.Query{
					Select: []string{"cost"}, Limit: 2,
					Include: []query.Include{{Relation: "orders", Query: query.Query{
						Select: []string{"tip"}, Limit: 2, Include: []query.Include{{Relation: "guest", Query: query.Query{Select: []string{"phone"}}}},
					}}},
				}}},
				[]string{"name"},
				`[{id:#oslo,name:Oslo,dishes:{total:1,limit:2,skip:0,data:[{id:3,cost:9,orders:{total:2,limit:2,skip:0,data:[{id:2,guest:{id:#bob}},{id:3,guest:{id:#bob}}]}}]}},` +
					`{id:#roma,name:Roma,dishes:{total:3,limit:2,skip:0,data:[{id:1,cost:4,orders:{total:2,limit:2,skip:0,data:[{id:1,guest:{id:#ann}},{id:2,guest:{id:#bob}}]}},` +
					`{id:2,cost:3,orders:{total:0,limit:2,skip:0,data:[]}}]}},{id:#void,name:Void,dishes:{total:0,limit:2,skip:0,data:[]}}]`, 4,
			},
		}
		for _, tt := range tests {
			got, queries, err := w.find(tt.who, tt.entity, query.Query{
				Select: tt.fields, Include: tt.include, NoTotal: true, Limit: 5, Sort: []query.Sort{{Field: "name"}},
			})
			if tt.entity == "Dish" { // whose names are in no order
				got, queries, err = w.find(tt.who, tt.entity, query.Query{Select: tt.fields, Include: tt.include, NoTotal: true})
			}
			if err != nil {
				t.Errorf("%s: %v %v", tt.name, err, problems(err))
				continue
			}
			if diff := gocmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
			if queries != tt.queries {
				t.Errorf("%s: %d queries, want %d", tt.name, queries, tt.queries)
			}
		}
	})
}

// TestInclude_aliases: one relation twice, under two names, is two questions.
func TestInclude_aliases(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		term := func(name string) query.Query {
			return query.Query{Select: []string{"name"}, Where: query.Term{Field: "name", Op: query.Eq, Value: name}, NoTotal: true}
		}
		include := []query.Include{{Relation: "dishes", As: "a", Query: term("soup")}, {Relation: "dishes", As: "b", Query: term("pizza")}}
		w.counter.Take()
		row, err := w.all["Restaurant"].GetRow(as(t, nil), uid("roma"), &query.Selection{Fields: []string{"name"}, Include: include})
		if err != nil {
			t.Fatal(err)
		}
		want := `{id:#roma,name:Roma,a:{total:-1,limit:10,skip:0,data:[{id:4,name:soup}]},b:{total:-1,limit:10,skip:0,data:[{id:2,name:pizza}]}}`
		if got := w.readable(row.AppendJSON(nil)); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		if n := len(w.counter.Take()); n != 3 {
			t.Errorf("%d queries", n)
		}
		include[1].As = "a"
		if _, err := w.all["Restaurant"].GetRow(as(t, nil), uid("roma"), &query.Selection{Include: include}); status(t, err) != http.StatusBadRequest {
			t.Errorf("two relations of one name: %v", err)
		}
	})
}

// TestInclude_tooMuch: what would be too many rows is refused before anything is
// read, however the limits multiply.
func TestInclude_tooMuch(t *testing.T) {
	w := newTown(t, storetest.SQLite(t))
	limited := func(limit int, relation string, inner ...query.Include) query.Include {
		return query.Include{Relation: relation, Query: query.Query{Limit: limit, Include: inner}}
	}
	for _, tt := range []struct {
		name   string
		limit  int
		with   []query.Include
		status int
	}{
		{"100×49", 100, []query.Include{limited(49, "dishes")}, 200},
		{"100×50", 100, []query.Include{limited(50, "dishes")}, 400}, // and the hundred themselves
		{"100×100×100", 100, []query.Include{limited(100, "dishes", limited(100, "tags"))}, 400},
		{"more than a page can have", 100, []query.Include{limited(1<<40, "dishes")}, 400},
		{"defaults of three levels", 0, []query.Include{limited(0, "dishes", limited(0, "tags"))}, 200},
		{"defaults of four levels", 0, []query.Include{limited(0, "dishes", limited(0, "tags", limited(0, "dishes")))}, 400},
		{"to one below many", 100, []query.Include{limited(24, "dishes", limited(0, "restaurant"))}, 200},
		{"twice the same", 100, []query.Include{limited(30, "dishes"), {Relation: "dishes", As: "again", Query: query.Query{Limit: 30}}}, 400},
		{"counts alone", 100, []query.Include{{Relation: "dishes", Query: query.Query{CountOnly: true}}}, 200},
	} {
		_, queries, err := w.find(w.max, "Restaurant", query.Query{Limit: tt.limit, Include: tt.with})
		if got := status(t, err); got != tt.status || (got != 200) != (queries == 0) {
			t.Errorf("%s: %d (%v) after %d queries, want %d", tt.name, got, problems(err), queries, tt.status)
		}
	}
	var wide []query.Include
	for i := range query.MaxIncludes + 1 {
		wide = append(wide, query.Include{Relation: "dishes", As: fmt.Sprint("x", i), Query: query.Query{Limit: 1}})
	}
	lenient := query.Query{Limit: 1, Include: wide, Lenient: true}
	if _, queries, err := w.find(w.max, "Restaurant", lenient); status(t, err) != http.StatusBadRequest || queries != 0 {
		t.Errorf("many relations: %v after %d queries", err, queries)
	}
	if _, _, err := w.find(w.max, "Restaurant", query.Query{Lenient: true, Limit: 100, Include: []query.Include{limited(100, "dishes")}}); status(t, err) != http.StatusBadRequest {
		t.Errorf("too many rows of a lenient query: %v", err)
	}
}

// TestInclude_manyParents: the text of a statement does not depend on how many rows
// there are.
func TestInclude_manyParents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		for i := range 95 {
			run(t, db, fmt.Sprintf("INSERT INTO restaurants (id, name) VALUES ('%s', 'x')", uid(fmt.Sprint("r", i))))
			run(t, db, fmt.Sprintf("INSERT INTO dishes (id, name, restaurant_id) VALUES (%d, 'y', '%s')", 100+i, uid(fmt.Sprint("r", i))))
		}
		texts := func(limit int) []string {
			w.counter.Take()
			q := &query.Query{Limit: limit, NoTotal: true, Include: []query.Include{{Relation: "dishes", Query: query.Query{Limit: 3, Include: paths("restaurant tags")}}}}
			q.Include[0].Query.Include[1].Query.Limit = 3
			rows, err := w.all["Restaurant"].FindRows(as(t, w.max), q)
			if err != nil {
				t.Fatal(err)
			}
			if rows.Len() != limit {
				t.Fatalf("%d restaurants, want %d", rows.Len(), limit)
			}
			return w.counter.Take()
		}
		if diff := gocmp.Diff(texts(2), texts(98)); diff != "" {
			t.Errorf("statements of 2 and of 98 rows differ: %s", diff)
		}
		if n := len(texts(98)); n != 4 {
			t.Errorf("%d statements for 4 relations and rows", n)
		}
	})
}

func refusal(t *testing.T, w *town, who *gate.Principal, entity, include string) string {
	t.Helper()
	_, _, err := w.find(who, entity, query.Query{Include: paths(include)})
	e, ok := errors.AsType[*gate.Error](err)
	if !ok {
		t.Fatalf("%s: %v", include, err)
	}
	raw, err := json.Marshal(e.Errors)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(e.Status, e.Message, string(raw))
}

// TestInclude_lenient: a surface that answers field by field gets the refusal in
// the place of the rows.
func TestInclude_lenient(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		sel := &query.Selection{Include: paths("host dishes.orders"), Lenient: true}
		for i := range sel.Include {
			sel.Include[i].Query.Lenient = true
		}
		row, err := w.all["Restaurant"].GetRow(as(t, nil), uid("roma"), sel)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := row.One("host"); status(t, err) != http.StatusForbidden {
			t.Errorf("host: %v", err)
		}
		dishes, err := row.Many("dishes")
		if err != nil || dishes.Len() != 3 {
			t.Fatalf("dishes: %v, %v", dishes, err)
		}
		if orders, err := dishes.At(0).Many("orders"); orders != nil || status(t, err) != http.StatusUnauthorized {
			t.Errorf("orders of a dish: %v, %v", orders, err)
		}
		if got := w.readable(row.AppendJSON(nil)); strings.Contains(got, "orders") || strings.Contains(got, "host") || strings.Contains(got, "cost") {
			t.Errorf("what was refused is answered: %s", got)
		}
	})
}
