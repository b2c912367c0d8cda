package design

import "fmt"

// Constants names the constants of the fields in the generated package: OrderItemPrice
// for the price of OrderItem. A name never comes to mean another field because one was
// added. Of fields that would have the same one, itemPrice of Order and price of
// OrderItem, none has it: they are OrderItemPriceOfOrder and OrderItemPriceOfOrderItem.
// Where a type or the value of an enum has the name, Field stands behind it.
func (d *Design) Constants() map[*Field]string {
	taken, asked := map[string]bool{}, map[string]int{}
	for _, c := range append(d.goTypes(), d.enumConstants()...) {
		taken[c.name] = true
	}
	for _, c := range d.fieldConstants() {
		asked[c.name]++
	}
	names := map[*Field]string{}
	for _, c := range d.fieldConstants() {
		name := c.name
		if asked[name] > 1 {
			name += "Of" + c.entity
		}
		if taken[name] {
			name += "Field"
		}
		names[c.field] = name
	}
	return names
}

// A declaration is a name in the generated package.
type declaration struct {
	name  string
	owner string // in words
	path  string
	pos   Position

	field  *Field // whose constant it is
	entity string
}

func (d *Design) goTypes() []declaration {
	var list []declaration
	for _, name := range ReservedNames() {
		list = append(list, declaration{name: name, owner: "the generated package itself"})
	}
	for _, e := range d.Entities {
		list = append(list, declaration{name: e.Name, owner: "entity " + e.Name})
	}
	for _, r := range d.Records() {
		list = append(list, declaration{name: r.Name, owner: "type " + r.Name})
	}
	for _, x := range d.enums() {
		list = append(list, declaration{name: x.of + x.field.GoName, owner: "enum " + x.of + "." + x.field.Name})
	}
	return list
}

// An enum is a field with a list of values, and the entity or record that it is of.
type enum struct {
	of    string
	path  string
	field *Field
}

func (d *Design) enums() []enum {
	var list []enum
	for _, e := range d.Entities {
		for _, f := range e.Fields {
			if len(f.Values) > 0 {
				list = append(list, enum{e.Name, "entities." + e.Name + ".fields." + f.Name, f})
			}
		}
	}
	for _, r := range d.Records() {
		for _, m := range r.Members {
			if len(m.Values) > 0 {
				list = append(list, enum{r.Name, d.recordPath(r), m.Field})
			}
		}
	}
	return list
}

// enumConstants lists the constants of the values of enums.
func (d *Design) enumConstants() []declaration {
	var list []declaration
	for _, x := range d.enums() {
		for _, v := range x.field.Values {
			owner := fmt.Sprintf("value %s of %s.%s", quote(v.Name), x.of, x.field.Name)
			list = append(list, declaration{name: x.of + x.field.GoName + v.GoName, owner: owner, path: x.path, pos: v.Pos})
		}
	}
	return list
}

// fieldConstants lists the constants that fields have where nothing is in their way.
func (d *Design) fieldConstants() []declaration {
	var list []declaration
	for _, e := range d.Entities {
		for _, f := range e.Fields {
			path := "entities." + e.Name + ".fields." + f.Name
			list = append(list, declaration{e.Name + "Field" + f.GoKey, "field " + e.Name + "." + f.Name, path, f.Pos, f, e.Name})
		}
	}
	return list
}

// constants reports values of enums whose constants something else has the name of,
// and fields whose longer name is not free either.
func (l *loader) constants() {
	owners := map[string]string{}
	for _, c := range l.d.goTypes() { // which are compared with each other before
		owners[c.name] = c.owner
	}
	claim := func(c declaration) {
		if other, ok := owners[c.name]; ok && other != c.owner {
			l.errs.Add(c.pos, c.path, fmt.Sprintf("%s needs the name %s in Go, which belongs to %s", c.owner, quote(c.name), other), "rename one of them")
			return
		}
		owners[c.name] = c.owner
	}
	for _, c := range l.d.enumConstants() {
		claim(c)
	}
	fields := l.d.fieldConstants()
	for _, c := range fields { // also those that nobody gets: they would be another one's before
		if owners[c.name] == "" {
			owners[c.name] = c.owner
		}
	}
	names := l.d.Constants()
	for _, c := range fields {
		if name := names[c.field]; name != c.name {
			c.name = name
			claim(c)
		}
	}
}
