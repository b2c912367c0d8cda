package crud_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestChange_dropped: a change that has values and names none of them is a fault of the
// code, and not a row without them.
func TestChange_dropped(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx, soup := system(t), s.item(t, "stew", "3", "1")
		broth := func() *crud.Change[Item] { return &crud.Change[Item]{Row: Item{Name: "broth"}} }
		for name, change := range map[string]func() (*Item, error){
			"create": func() (*Item, error) { return s.items.Create(ctx, broth()) },
			"patch":  func() (*Item, error) { return s.items.Patch(ctx, soup, broth()) },
			"update": func() (*Item, error) { return s.items.Update(ctx, soup, broth()) },
		} {
			if _, err := change(); err == nil || !strings.Contains(err.Error(), `has a value for "name" and an empty Set`) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := s.items.Patch(ctx, soup, &crud.Change[Item]{}); err != nil {
			t.Errorf("a change of nothing: %v", err)
		}
	})
}

// TestResource_options: methods of a resource take what those of a service do.
func TestResource_options(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		docs := newDocs(t, newShop(t, db))
		ctx := system(t)
		doc, err := docs.Create(ctx, &crud.Change[Doc]{Row: Doc{Text: "a"}, Set: model.Fields(DocText)})
		if err != nil {
			t.Fatal(err)
		}
		change := &crud.Change[Doc]{Row: Doc{Text: "b"}, Set: model.Fields(DocText)}
		_, patched := docs.Patch(ctx, doc.ID, change, crud.IfVersion(7))
		_, updated := docs.Update(ctx, doc.ID, change, crud.IfVersion(7))
		_, removed := docs.Remove(ctx, doc.ID, crud.IfVersion(7))
		for name, err := range map[string]error{"patch": patched, "update": updated, "remove": removed} {
			if status(t, err) != http.StatusPreconditionFailed {
				t.Errorf("%s of another version: %v", name, err)
			}
		}
	})
}
