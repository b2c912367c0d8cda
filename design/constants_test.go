package design_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
)

// TestConstants: the constant of a field means that field, whatever stands beside
// it, or is gone.
func TestConstants(t *testing.T) {
	for _, tt := range []struct {
		name     string
		entities string
		more     string
		want     string // those of all fields that are written
	}{
		{"apart", "{Order: {fields: {itemPrice: integer}}, OrderItem: {fields: {price: integer}}}", "", "Order.itemPrice OrderFieldItemPrice, OrderItem.price OrderItemFieldPrice"},
		{
			"two ask for one", "{Order: {fields: {itemFieldPrice: integer}}, OrderFieldItem: {fields: {price: integer}}}", "",
			"Order.itemFieldPrice OrderFieldItemFieldPriceOfOrder, OrderFieldItem.price OrderFieldItemFieldPriceOfOrderFieldItem",
		},
		{
			"in the other order", "{OrderFieldItem: {fields: {price: integer}}, Order: {fields: {itemFieldPrice: integer}}}", "",
			"OrderFieldItem.price OrderFieldItemFieldPriceOfOrderFieldItem, Order.itemFieldPrice OrderFieldItemFieldPriceOfOrder",
		},
		{
			"a key, and the id that an entity has anyway", "{Order: {fields: {itemField: {type: relation, to: OrderFieldItem}}}, OrderFieldItem: {}}", "",
			"Order.itemField OrderFieldItemFieldIDOfOrder, OrderFieldItem.id OrderFieldItemFieldIDOfOrderFieldItem",
		},
		{"the name of an entity", "{Order: {fields: {item: text}}, OrderFieldItem: {}}", "", "Order.item OrderFieldItemField"},
		{"the name of a type", "{Item: {fields: {price: integer}}}", "types: {ItemFieldPrice: {fields: {cents: integer}}}\nactions: {a: {input: ItemFieldPrice}}", "Item.price ItemFieldPriceField"},
		{"the name of what an action takes", "{Order: {fields: {totalInput: integer}}}", "actions: {orderFieldTotal: {input: {a: integer}}}", "Order.totalInput OrderFieldTotalInputField"},
		{"the name of a value", "{Item: {fields: {field: {type: enum, values: [open]}, open: boolean}}}", "", "Item.field ItemFieldField, Item.open ItemFieldOpenField"},
		{
			"the name of the type of an enum", "{Item: {fields: {state: text}}, ItemField: {plural: ItemFieldList, fields: {state: {type: enum, values: [open]}}}}", "",
			"Item.state ItemFieldStateField, ItemField.state ItemFieldFieldState",
		},
	} {
		src := "gate: 1\nservice: {name: shop, module: example.com/shop}\nentities: " + tt.entities + "\n" + tt.more + "\n"
		d, err := design.Parse("gate.yaml", []byte(src))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		names := d.Constants()
		var got []string
		seen := map[string]bool{}
		for _, e := range d.Entities {
			for _, f := range e.Fields {
				if seen[names[f]] || names[f] == "" {
					t.Errorf("%s: %s.%s is %q", tt.name, e.Name, f.Name, names[f])
				}
				seen[names[f]] = true
				if !slices.Contains([]string{"id", "createdAt", "updatedAt"}, f.Name) || names[f] != e.Name+"Field"+f.GoKey && f.Name == "id" && e.Name != "Order" {
					got = append(got, fmt.Sprintf("%s.%s %s", e.Name, f.Name, names[f]))
				}
			}
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestConstants_refused: a design is refused that would not compile, or whose
// constants would mean other fields than before.
func TestConstants_refused(t *testing.T) {
	for _, tt := range []struct{ name, entities, more, want string }{
		{
			"two values", "{Item: {fields: {a: {type: enum, values: [b-c]}, aB: {type: enum, values: [c]}}}}", "",
			`value "c" of Item.aB needs the name "ItemABC" in Go, which belongs to value "b-c" of Item.a`,
		},
		{
			"a value and an entity", "{Item: {fields: {state: {type: enum, values: [log]}}}, ItemStateLog: {}}", "",
			`value "log" of Item.state needs the name "ItemStateLog" in Go, which belongs to entity ItemStateLog`,
		},
		{
			"a value of a type and a type", "{Item: {}}", "types: {Line: {fields: {kind: {type: enum, values: [a]}}}, LineKindA: {fields: {x: integer}}}\nactions: {a: {input: Line}, b: {input: LineKindA}}",
			`value "a" of Line.kind needs the name "LineKindA" in Go, which belongs to type LineKindA`,
		},
		{
			"a value and the type of an enum", "{Item: {fields: {a: {type: enum, values: [b]}, aB: {type: enum, values: [c]}}}}", "",
			`value "b" of Item.a needs the name "ItemAB" in Go, which belongs to enum Item.aB`,
		},
		{
			"a longer name that is taken", "{Order: {fields: {item: text, itemField: text}}, OrderFieldItem: {}}", "",
			`field Order.item needs the name "OrderFieldItemField" in Go, which belongs to field Order.itemField`,
		},
		{
			"a longer name that nobody gets", "{Order: {fields: {itemFieldPrice: integer, itemFieldPriceOfOrder: integer}}, OrderFieldItem: {fields: {price: integer, priceOfOrder: integer}}}", "",
			`field Order.itemFieldPrice needs the name "OrderFieldItemFieldPriceOfOrder" in Go, which belongs to field Order.itemFieldPriceOfOrder`,
		},
	} {
		src := "gate: 1\nservice: {name: shop, module: example.com/shop}\nentities: " + tt.entities + "\n" + tt.more + "\n"
		if _, err := design.Parse("gate.yaml", []byte(src)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v\nwant %s", tt.name, err, tt.want)
		}
	}
}
