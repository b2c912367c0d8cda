package crud_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/store/storetest"
)

// TestRetry_nested has the database undo requests that write several rows: of all
// tries one is kept, with each row and each pair once. What bodies inside of others
// name is counted for one try, so that no try is refused for what those before it
// named.
func TestRetry_nested(t *testing.T) {
	tags := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(`{"name":"t%d"}`, i)
		}
		return strings.Join(list, ",")
	}
	for _, tt := range []struct {
		name     string
		id, body string
		dishes   string   // of the restaurant, in the end
		told     []string // once each
		tags     int      // that were made and tied
	}{
		{
			name: "create", body: `{"name":"new","dishes":{"create":[{"name":"a","tags":{"create":[` + tags(60) + `],"connect":[{"id":"HOT"}]}},{"name":"b"}],"connect":[{"id":5}]}}`,
			dishes: "a air b", told: []string{"Dish create", "Dish create", "Dish update", "Restaurant create"}, tags: 60,
		},
		{
			name: "update", id: "OSLO", body: `{"name":"new","dishes":{"create":[{"name":"a","tags":{"create":[` + tags(60) + `]}}]}}`,
			dishes: "a fish", told: []string{"Dish create", "Restaurant update"}, tags: 60,
		},
	} {
		for _, fails := range []int{0, 1, 2, crud.MaxTries} {
			t.Run(fmt.Sprintf("%s, undone %d times", tt.name, fails), func(t *testing.T) {
				db := storetest.Postgres(t)
				w := newTown(t, db, strict)
				before := w.kept(db)
				tries, hooks, committed := 0, 0, 0
				var told []string
				for _, name := range []string{"Restaurant", "Dish", "Tag"} {
					r, ok := w.all[name].(*crud.Resource[record])
					if !ok {
						t.Fatal("not a resource")
					}
					r.OnChange(func(_ context.Context, c crud.Changed) {
						if name != "Tag" {
							told = append(told, name+" "+c.Action.String())
						}
					})
					if name == "Dish" {
						r.After(authz.Create, func(context.Context, *crud.Change[record]) error { hooks++; return nil })
						continue
					}
					for _, action := range []authz.Action{authz.Create, authz.Update} {
						if name == "Tag" {
							continue
						}
						r.After(action, func(ctx context.Context, _ *crud.Change[record]) error {
							if tries++; tries > fails {
								committed++
								return nil
							}
							_, err := db.Write().ExecContext(ctx, "DO $$ BEGIN RAISE EXCEPTION 'undone' USING ERRCODE = '40P01'; END $$")
							return err
						})
					}
				}
				err := w.write(w.max, "Restaurant", tt.id, tt.body)
				if fails == crud.MaxTries {
					if tries != crud.MaxTries || len(told) != 0 || status(t, err) != http.StatusServiceUnavailable && !db.Classify(err).Retry {
						t.Errorf("%d tries, told %v, %v", tries, told, err)
					}
					if now := w.kept(db); now != before {
						t.Errorf("something is left:\n%s\n%s", before, now)
					}
					return
				}
				if err != nil {
					t.Fatal(err, problems(err))
				}
				slices.Sort(told)
				if diff := gocmp.Diff(tt.told, told); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
				if want := (fails + 1) * strings.Count(strings.Join(tt.told, " "), "Dish create"); tries != fails+1 || hooks != want || committed != 1 {
					t.Errorf("%d tries, %d hooks of dishes, want %d", tries, hooks, want)
				}
				if got := w.column(db, "SELECT d.name FROM dishes d JOIN restaurants r ON d.restaurant_id = r.id WHERE r.name = 'new' ORDER BY 1"); got != tt.dishes {
					t.Errorf("dishes %s, want %s", got, tt.dishes)
				}
				if got := w.column(db, "SELECT CAST(count(*) AS text) FROM tags t JOIN dish_tags p ON p.tag_id = t.id JOIN dishes d ON d.id = p.dish_id WHERE t.name LIKE 't%' AND d.name = 'a'"); got != fmt.Sprint(tt.tags) {
					t.Errorf("%s tags, want %d", got, tt.tags)
				}
			})
		}
	}
}
