package design_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/gatewright/gate/design"
)

// TestJSON writes designs as JSON, and reads them back to the same.
func TestJSON(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, name := range append(files, "../examples/restaurant/gate.yaml", "../examples/restaurant-auth0/gate.yaml") {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d, err := design.Parse("gate.yaml", src)
		if err != nil {
			continue
		}
		read++
		text := d.JSON()
		if !json.Valid(text) {
			t.Errorf("%s: no JSON:\n%s", name, text)
		}
		again, err := design.Parse("gate.yaml", text)
		if err != nil {
			t.Errorf("%s: %v in\n%s", name, err, text)
			continue
		}
		if got := again.JSON(); string(got) != string(text) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, text)
		}
	}
	if read < 3 {
		t.Errorf("%d designs", read)
	}
	d := parse(t, "gate: 1\nservice: {name: shop, module: example.com/shop, description: \"\\u2028 <b> \\\\ \\\"\"}\nentities:\n  Item: &i {fields: {rate: {type: float, default: .5, min: +0.25}, \"yes\": boolean}}\n  Twin: *i\n")
	again := parse(t, string(d.JSON()))
	f := again.Entity("Twin").Field("rate")
	if again.Service.Description != d.Service.Description || f.Default != 0.5 || f.Min != "0.25" || again.Entity("Item").Field("yes") == nil {
		t.Errorf("got\n%s", d.JSON())
	}
}
