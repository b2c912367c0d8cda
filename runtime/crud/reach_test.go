package crud_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// ask answers a query string with the ids of the rows and their number.
func (w *town) ask(who *gate.Principal, entity, raw string) (string, int, error) {
	w.Helper()
	q, err := rest.Feathers{}.Find(raw)
	if err != nil {
		return "", 0, err
	}
	w.counter.Take()
	return w.answer(w.all[entity].FindRows(as(w.T, who), q))
}

func (w *town) answer(rows *crud.Rows, err error) (string, int, error) {
	w.Helper()
	asked := len(w.counter.Take())
	if err != nil {
		return "", asked, err
	}
	var ids []string
	for i := range rows.Len() {
		id := string(rows.At(i).AppendField(nil, 0))
		ids = append(ids, w.readable([]byte(id)))
	}
	return fmt.Sprintf("%s (%d)", strings.Join(ids, " "), rows.Total), asked, nil
}

// TestRelated_byKey: SQLite finds the rows that a condition leads to by the key that
// leads to them, whatever else its statistics say is the better index.
func TestRelated_byKey(t *testing.T) {
	db := storetest.SQLite(t)
	w := newTown(t, db)
	run(t, db, `CREATE INDEX dishes_restaurant ON dishes (restaurant_id);
CREATE INDEX dishes_name ON dishes (name);
ANALYZE;
DELETE FROM sqlite_stat1 WHERE tbl = 'dishes';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('dishes', 'dishes_restaurant', '50000 100'), ('dishes', 'dishes_name', '50000 2');
ANALYZE sqlite_schema`)
	for _, raw := range []string{"dishes[$some][name]=Oslo", "dishes[$none][name]=Oslo", "dishes[$every][name]=Oslo"} {
		q, err := rest.Feathers{}.Find(raw)
		if err != nil {
			t.Fatal(err)
		}
		w.counter.Take()
		if _, err := w.all["Restaurant"].FindRows(as(t, w.max), q); err != nil {
			t.Fatal(err, problems(err))
		}
		texts := w.counter.Take()
		if len(texts) == 0 {
			t.Fatal("asked nothing")
		}
		for _, text := range texts {
			if plan := planOf(t, db, text); !strings.Contains(plan, "dishes_restaurant (restaurant_id=?)") || strings.Contains(plan, "dishes_name") {
				t.Errorf("%s\n%s", text, plan)
			}
		}
	}
}

// planOf returns how SQLite goes about a statement.
func planOf(t *testing.T, db *store.DB, text string) string {
	t.Helper()
	rows, err := db.Write().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, make([]any, strings.Count(text, "$"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(detail + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

// TestRelated finds rows by the rows that their relations lead to, of which those
// alone are there that the caller may get or list.
func TestRelated(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		for _, tt := range []struct {
			who         *gate.Principal
			entity, raw string
			want        string
		}{
			{nil, "Dish", "restaurant.name=Roma", "1 2 4 (3)"},
			{nil, "Dish", "restaurant[name]=Roma", "1 2 4 (3)"},
			{nil, "Dish", "restaurant.name[$startsWith]=Os", "3 (1)"},
			{nil, "Dish", "restaurant[name][$startsWith]=Os", "3 (1)"},
			{nil, "Dish", "restaurant[$or][0][name]=Oslo&restaurant[$or][1][name]=Void", "3 (1)"},
			{nil, "Dish", "$not[restaurant.name]=Roma", "3 5 (2)"}, // who has none has none that is called so
			{nil, "Dish", "restaurant[$not][name]=Roma", "3 (1)"},
			{nil, "Dish", "$or[0][restaurant.name]=Oslo&$or[1][name]=air", "3 5 (2)"},
			{nil, "Restaurant", "dishes.name=pasta", "#roma (1)"},
			{nil, "Restaurant", "dishes[$some][name]=pasta", "#roma (1)"},
			{nil, "Restaurant", "dishes[$none][name]=pasta", "#oslo #void (2)"},
			{nil, "Restaurant", "dishes[$every][name][$ne]=pasta", "#oslo #void (2)"},
			{nil, "Restaurant", "dishes[$every][name][$in][]=fish&dishes[$some][name]=fish", "#oslo (1)"},
			{w.max, "Restaurant", "dishes[name]=pasta&dishes[cost]=3", " (0)"}, // of one dish
			{w.max, "Restaurant", "dishes.name=pasta&dishes.cost=3", "#roma (1)"},
			{w.max, "Dish", "tags.name=veg", "1 (1)"},
			{w.max, "Dish", "tags[$none][name]=hot", "4 5 (2)"},
			{w.max, "Tag", "dishes.restaurant.name=Oslo", "#hot (1)"},
			{w.max, "Tag", "dishes[restaurant][name]=Oslo&dishes[name]=pasta", " (0)"},
			{w.max, "User", "boss.name=Ann", "#bob #max (2)"}, // of rows of the same table
			{w.max, "User", "team.name=Max", "#ann (1)"},
			{w.max, "User", "team[$none][name][$null]=false", "#bob #max (2)"},
			{w.max, "User", "friends.name=Ann", "#ann (1)"},
			{w.max, "User", "friends.friends.name=Max", "#ann (1)"},
			{w.max, "User", "card.name=gold", "#ann (1)"},
			{w.max, "Order", "guest.boss.name=Ann", "2 3 4 (3)"},
			{w.max, "Order", "guest.name=Bob&$skip=1&$limit=1", "3 (2)"},

			// Ann sees herself and her order, and no other guest or order.
			{w.ann, "Restaurant", "orders.note=no salt", "#roma (1)"},
			{w.ann, "Restaurant", "orders.note=fast", " (0)"},
			{w.ann, "Restaurant", "$limit=0&orders.note[$startsWith]=fa", " (0)"},
			{w.ann, "Restaurant", "$limit=0&orders.note[$startsWith]=no", " (1)"},
			{w.ann, "Restaurant", "orders[$none][note]=fast", "#oslo #roma #void (3)"},
			{w.ann, "Restaurant", "orders[$every][note]=no salt", "#oslo #roma #void (3)"},
			{w.ann, "Card", "user.name=Ann", "#cardann (1)"},
			{w.bob, "Card", "user.name=Ann", " (0)"},
			{w.bob, "Card", "user[$not][name]=Bob", " (0)"},
			{w.ann, "Card", "user.phone=111", "#cardann (1)"}, // of herself she may read it, and there is nobody else
			{w.bob, "Card", "user.phone=111", " (0)"},
			{w.ann, "Restaurant", "dishes.orders.note=fast", " (0)"},
			{w.ann, "Restaurant", "dishes.orders.note=no salt", "#roma (1)"},
		} {
			got, asked, err := w.ask(tt.who, tt.entity, tt.raw)
			if err != nil || got != tt.want {
				t.Errorf("%s?%s: %s %v %v, want %s", tt.entity, tt.raw, got, err, problems(err), tt.want)
			}
			if asked > 2 {
				t.Errorf("%s?%s: %d statements", tt.entity, tt.raw, asked)
			}
		}
		within := query.Query{Include: []query.Include{{Relation: "dishes", Query: query.Query{
			Select: []string{"id"}, Where: query.Related{Relation: "restaurant", Quantifier: query.SomeRow, Where: query.Term{Field: "name", Op: query.Eq, Value: "Oslo"}},
		}}}, Select: []string{"id"}}
		if got, _, err := w.find(nil, "Restaurant", within); err != nil || !strings.Contains(got, "{id:#oslo,dishes:{total:1,limit:10,skip:0,data:[{id:3}]}},{id:#roma,dishes:{total:0") {
			t.Errorf("inside of rows: %s, %v", got, err)
		}
	})
}

// TestRelated_refused: what may not be read of a row does not exist for whoever
// comes by a relation, either: no question reaches the database.
func TestRelated_refused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		for _, tt := range []struct {
			name        string
			who         *gate.Principal
			entity, raw string
			status      int
			problem     string
		}{
			{"S1: a password, as nobody", nil, "Restaurant", "orders[some][guest][password][$startsWith]=ha", 401, "orders forbidden"},
			{"S1: the same, as a guest", w.ann, "Restaurant", "orders[some][guest][password][$startsWith]=ha", 400, "orders.some unknown"},
			{"S1: the same, in our words", nil, "Restaurant", "orders.guest.password[$startsWith]=ha", 401, "orders forbidden"},
			{"a password", w.max, "Card", "user.password[$startsWith]=ha", 400, "user.password unknown"},
			{"a password, by its absence", w.max, "Card", "user[$not][password][$null]=true", 400, "user.password unknown"},
			{"a password, counted", w.max, "Card", "$limit=0&user.password[$startsWith]=ha", 400, "user.password unknown"},
			{"a password, by one's own", w.ann, "Card", "user.password[$startsWith]=ha", 400, "user.password unknown"},
			{"S6: what a dish costs", w.ann, "Restaurant", "dishes.cost[$gte]=4", 400, "dishes.cost unknown"},
			{"what a dish costs, in two steps", w.ann, "Order", "restaurant.dishes.cost[$gte]=4", 400, "restaurant.dishes.cost unknown"},
			{"what every dish costs", w.ann, "Restaurant", "dishes[$every][cost][$gte]=4", 400, "dishes.cost unknown"},
			{"a field of one's own rows alone", w.max, "Card", "user.phone[$startsWith]=22", 400, "user.phone unknown"},
			{"the same, of many", w.max, "Restaurant", "orders.tip=7", 400, "orders.tip unknown"},
			{"a relation whose key one may not read", w.ann, "Restaurant", "host.name=Max", 400, "host unknown"},
			{"its other end", w.ann, "Restaurant", "plans.name=expand", 400, "plans unknown"},
			{"a key of one's own rows alone", w.max, "Order", "gift.name=hot", 400, "gift unknown"},
			{"rows that one may not list", nil, "Restaurant", "orders.note=fast", 401, "orders forbidden"},
			{"such rows, deep down", nil, "Restaurant", "dishes.orders.note=fast", 401, "dishes.orders forbidden"},
			{"rows that one may get and not list", w.ann, "Dish", "tags.name=hot", 403, "tags forbidden"},
			{"before all other mistakes", w.ann, "Dish", "nonsense=1&tags.name=hot", 403, "tags forbidden"},
			{"no relation", w.max, "Dish", "nowhere.name=x", 400, "nowhere unknown"},
			{"a key", w.max, "Dish", "restaurantId.name=x", 400, "restaurantId unknown"},
			{"an alias", w.max, "Dish", "t1.name=x", 400, "t1 unknown"},
			{"a column of the statement", w.max, "Dish", `restaurant.t1."id"=x`, 400, "restaurant.t1 unknown"},
			{"a field as a relation", w.max, "Dish", "name[lt]=x", 400, "name unknown"},
			{"a relation as a field", w.max, "Dish", "restaurant=x", 400, "restaurant unknown"},
			{"a relation that is null", w.max, "Dish", "restaurant[$null]=true", 400, "restaurant unknown"},
			{"three relations", w.max, "Tag", "dishes.restaurant.host.name=x", 400, "dishes.restaurant.host.name limit"},
			{"three relations, in brackets", w.max, "Tag", "dishes[restaurant][host][name]=x", 400, "dishes.restaurant.host limit"},
			{"to count one", w.max, "Dish", "restaurant[$none][name]=x", 400, "restaurant type"},
			{"no condition", w.max, "Restaurant", "dishes[$some]=x", 400, "dishes[$some] malformed"},
			{"sorted by it", w.max, "Dish", "$sort[restaurant.name]=1", 400, "restaurant.name unknown"},
			{"sorted by what is hidden", w.ann, "Order", "$sort[guest.password]=1", 400, "guest.password unknown"},
			{"selected", w.max, "Dish", "$select=restaurant.name", 400, "restaurant.name unknown"},
			{"no name", w.max, "Dish", "restaurant.=x", 400, "restaurant. malformed"},
			{"dots", w.max, "Dish", "..=x", 400, ".. malformed"},
			{"a parameter", w.max, "Dish", "restaurant.$limit=5", 400, "$limit unknown"},
			{"eleven relations", w.max, "Dish", strings.TrimSuffix(strings.Repeat("$or[][restaurant.name]=x&", 11), "&"), 400, "$or[][restaurant.name] malformed"},
		} {
			w.counter.Take()
			_, asked, err := w.ask(tt.who, tt.entity, tt.raw)
			got := strings.Join(problems(err), ", ")
			if s := status(t, err); s != tt.status || !strings.HasPrefix(got, tt.problem) {
				t.Errorf("%s: %d %s, want %d %s", tt.name, s, got, tt.status, tt.problem)
			}
			if asked != 0 {
				t.Errorf("%s: %d statements before it was refused", tt.name, asked)
			}
		}
		var many query.Or
		for range query.MaxRelated + 1 {
			many = append(many, query.Related{Relation: "restaurant", Where: query.Term{Field: "name", Op: query.Eq, Value: "x"}})
		}
		if _, _, err := w.find(nil, "Dish", query.Query{Where: many}); status(t, err) != http.StatusBadRequest || problems(err)[0] != "restaurant limit" {
			t.Errorf("%d relations: %v %v", len(many), err, problems(err))
		}
		if _, _, err := w.find(nil, "Dish", query.Query{Where: many[1:]}); err != nil {
			t.Errorf("%d relations: %v", query.MaxRelated, err)
		}
		if _, _, err := w.find(nil, "Dish", query.Query{Where: query.Related{Relation: "restaurant"}}); status(t, err) != http.StatusBadRequest {
			t.Errorf("a relation without a condition: %v", err)
		}
		words := func(raw string) string {
			_, _, err := w.ask(w.ann, "Restaurant", raw)
			e, _ := errors.AsType[*gate.Error](err)
			return fmt.Sprint(err, problems(err), e.Errors)
		}
		for _, pair := range [][2]string{{"dishes.cost", "dishes.nope"}, {"host.name", "nope.name"}, {"plans.name", "nope.name"}} {
			hidden, unknown := strings.NewReplacer("cost", "nope", "host", "nope", "plans", "nope").Replace(words(pair[0]+"=1")), words(pair[1]+"=1")
			if hidden != unknown {
				t.Errorf("%s is told from %s: %s, %s", pair[0], pair[1], hidden, unknown)
			}
		}
	})
}
