package cli

import (
	"bytes"
	"testing"
)

// TestTable: cells with nothing in them keep their column.
func TestTable(t *testing.T) {
	var out bytes.Buffer
	err := table(&out, []string{"id", "name", "type", "callbacks"}, [][]string{
		{"1", "Menu", "spa", "https://menu.example/"},
		{"2", "Job", "machine", ""},
		{"3", "", "", ""},
		{"4", "Web", "web", "http://localhost:3000/"},
	})
	const want = "" +
		"  ID   NAME   TYPE      CALLBACKS\n" +
		"  1    Menu   spa       https://menu.example/\n" +
		"  2    Job    machine\n" +
		"  3\n" +
		"  4    Web    web       http://localhost:3000/\n"
	if err != nil || out.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out.String(), want)
	}
}
