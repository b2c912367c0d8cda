package crud_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestSearch_fields: words of a field that the caller may not read find nothing,
// alone and beside words of others, although the index has them.
func TestSearch_fields(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run(t, db, strings.TrimSpace(schemas[db.Dialect()]))
		policy, err := authz.NewPolicy(roles())
		if err != nil {
			t.Fatal(err)
		}
		e := itemEntity()
		e.Fields[ItemImage].Searchable, e.Fields[ItemImage].View = true, []string{"manager"}
		items := newResource(t, db, policy, e, (*Item).pointer)
		if err := crud.Link(items); err != nil {
			t.Fatal(err)
		}
		for name, image := range map[string]string{"soup": "https://hidden.example/salt", "salt and pepper": "https://plain.example/soup"} {
			_, err := items.Create(system(t), &crud.Change[Item]{
				Row: Item{Name: name, Price: model.MustDecimal("1"), Image: &image}, Set: model.Fields(ItemName, ItemPrice, ItemImage),
			})
			if err != nil {
				t.Fatal(err, problems(err))
			}
		}
		manager := &gate.Principal{Subject: "01890000-0000-7000-8000-000000000000", Roles: []string{"manager"}}
		for _, tt := range []struct {
			who  *gate.Principal
			text string
			want []string
		}{
			{nil, "hidden", nil},
			{nil, "hid", nil},
			{nil, "soup hidden", nil},
			{nil, "hidden soup", nil},
			{nil, "soup", []string{"soup"}},
			{nil, "salt", []string{"salt and pepper"}},
			{nil, "s_image hidden", nil},
			{nil, `"} : hidden {"s_image`, nil},
			{manager, "hidden", []string{"soup"}},
			{manager, "soup hidden", []string{"soup"}},
			{manager, "salt", []string{"salt and pepper", "soup"}},
		} {
			q := &query.Query{Search: tt.text, Sort: []query.Sort{{Field: "name"}}}
			page, err := items.Find(as(t, tt.who), q)
			if err != nil {
				t.Errorf("%q: %v", tt.text, err)
				continue
			}
			var got []string
			for _, row := range page.Data {
				got = append(got, row.Name)
			}
			if !slices.Equal(got, tt.want) || page.Total != int64(len(tt.want)) {
				t.Errorf("%v searches %q: %q of %d, want %q", tt.who, tt.text, got, page.Total, tt.want)
			}
		}
	})
}
