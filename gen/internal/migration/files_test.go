package migration_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/store"
)

// TestFiles: what files hold goes with its row, moves with the table of its row, and
// is lost with the last file of an entity, which is said.
func TestFiles(t *testing.T) {
	each(t, func(h *history) {
		part := func(table, file, part, row string) string {
			return `INSERT INTO ` + table + ` (file, part, row_id, data) VALUES (` + file + `, ` + part + `, ` + row + `, NULL)`
		}
		h.to("  Item: {fields: {name: text}}\n")
		h.exec(`INSERT INTO items (id, name, ` + times + `) VALUES (` + idA + `, 'fig', ` + at + `)`)
		h.exec(`INSERT INTO items (id, name, ` + times + `) VALUES (` + idB + `, 'nut', ` + at + `)`)
		h.to("  Item: {fields: {name: text, manual: file, photo: {type: file, maxSize: 1KB}}}\n")
		if _, err := h.db.Exec(h.Context(), part("items_files", idC, "0", idA)); h.db.Classify(err).Kind != store.NotNull {
			t.Errorf("a part of nothing: %v", err)
		}
		data := func(s string) string { return strings.Replace(s, "NULL", "'x'", 1) }
		h.exec(data(part("items_files", idA, "0", idA)))
		h.exec(data(part("items_files", idA, "1", idA)))
		h.exec(data(part("items_files", idB, "0", idB)))
		if _, err := h.db.Exec(h.Context(), data(part("items_files", idA, "1", idB))); h.db.Classify(err).Kind != store.Unique {
			t.Errorf("two first parts: %v", err)
		}
		if _, err := h.db.Exec(h.Context(), data(part("items_files", idC, "0", idC))); h.db.Classify(err).Kind != store.ForeignKey {
			t.Errorf("a file of no row: %v", err)
		}
		h.exec(`DELETE FROM items WHERE id = ` + idB)
		if got := h.text(`SELECT COUNT(*) FROM items_files`); got != "2" {
			t.Errorf("%s parts are left, want those of the other row", got)
		}
		h.to("  Product: {renamedFrom: Item, fields: {name: text, photo: file, manual: file}}\n")
		if got := h.text(`SELECT COUNT(*) FROM products_files WHERE row_id = ` + idA); got != "2" {
			t.Errorf("%s parts after the table was renamed", got)
		}
		if left := h.named("item"); left != "" {
			t.Errorf("left behind: %s", left)
		}
		h.exec(data(part("products_files", idB, "0", idA)))
		file := func(key string) string { return `'{"name":"a","key":"` + strings.Trim(key, "'") + `"}'` }
		h.exec(`UPDATE products SET photo = ` + file(idA) + `, manual = ` + file(idB))
		h.to("  Product: {fields: {name: text, manual: file}}\n", "products.photo")
		if got := h.text(`SELECT COUNT(*) FROM products_files WHERE file = ` + idB); got != "1" || h.text(`SELECT COUNT(*) FROM products_files`) != "1" {
			t.Errorf("%s parts of the file that stays", got)
		}
		h.to("  Product: {fields: {name: text}}\n", "products.manual", "products_files")
	})
}
