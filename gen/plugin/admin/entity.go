package admin

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/plugin/clientts"
)

// entity is what the templates print of an entity.
type entity struct{ clientts.Entity }

// Label is what people call a row and the rows: Order item |||| Order items.
func (e entity) Label() string { return words(e.Name) + " |||| " + words(e.Plural) }

// Labels are what people call the fields.
func (e entity) Labels() []label {
	var out []label
	for _, f := range e.Fields {
		out = append(out, label{f.Key, title(f.Name)})
	}
	for _, t := range e.Tabs() {
		out = append(out, label{t.link.Name, t.Label()})
	}
	return out
}

// label is what people call a field: that of a relation not by its key.
type label struct{ Key, Text string }

// words returns a Go name as people write it.
func words(name string) string {
	text := strings.ReplaceAll(gen.Snake(name), "_", " ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// Listed, Shown, Created and Edited report whether somebody uses such a page.
func (e entity) Listed() bool  { return e.Open(e.Allow.List) }
func (e entity) Shown() bool   { return e.Open(e.Allow.View) }
func (e entity) Created() bool { return e.Open(e.Allow.Create) && len(e.Sent("create")) > 0 }
func (e entity) Edited() bool {
	return e.Open(e.Allow.View) && e.Open(e.Allow.Update) && len(e.Inputs("update")) > 0
}

// Searchable reports whether rows are found by words.
func (e entity) Searchable() bool {
	return slices.ContainsFunc(e.Fields, func(f *design.Field) bool { return f.Searchable })
}

// Sortable are the fields that rows are sorted by.
func (e entity) Sortable() string {
	var keys []string
	for _, v := range e.Readable() {
		if v.Sortable() {
			keys = append(keys, gen.Script(v.Key))
		}
	}
	return strings.Join(keys, ", ")
}

// Name of a row: the field that says best which one it is.
func (e entity) Represented() string {
	readable := func(f *design.Field) bool { return f.Access.View == nil }
	for _, name := range []string{"name", "title", "subject", "label"} {
		if f := e.Field(name); f != nil && f.Type == design.Text && readable(f) {
			return f.Key
		}
	}
	for _, f := range e.Fields {
		named := f.Type == design.Text && f.Required || f.Type == design.Email || f.Type == design.Username
		if named && readable(f) {
			return f.Key
		}
	}
	return e.IDField().Key
}

// FirstSort is the order in which rows are at first: the newest first. Ids that are made
// one after the other say which those are by the index that every table has.
func (e entity) FirstSort() string {
	field := e.IDField()
	if field.ID == design.CUID2 {
		for _, f := range e.Fields {
			if f.Type == design.CreatedAt && f.Access.View == nil {
				field = f
			}
		}
	}
	return "{ field: " + gen.Script(field.Key) + ", order: 'DESC' } as const"
}

// shownColumns is how many columns a list has until people turn more on.
const shownColumns = 7

// Hidden are the columns that people turn on first, as a list of texts: those that are
// long or say little, and what is too much.
func (e entity) Hidden() string {
	var keys []string
	shown := 0
	for _, v := range e.Readable() {
		switch v.Field.Type {
		case design.LongText, design.JSON, design.UpdatedAt, design.ID, design.URL, design.Geo, design.MultiEnum:
			keys = append(keys, gen.Script(v.Key))
			continue
		}
		if shown++; v.Field == e.Version || shown > shownColumns && v.Field.Type != design.CreatedAt {
			keys = append(keys, gen.Script(v.Key))
		}
	}
	return strings.Join(keys, ", ")
}

// Columns are those of the list.
func (e entity) Columns() []string { return e.each(e.Readable(), "view", column) }

// Fields of a page that shows a row.
func (e entity) Shows() []string { return e.each(e.Readable(), "view", shown) }

// Inputs are those of the form of an action.
func (e entity) Inputs(action string) []string {
	var values []clientts.Value
	for _, s := range e.Sent(action) {
		values = append(values, s.Value)
	}
	if action == "update" {
		for _, v := range e.Readable() {
			if rules := v.Access.Update; v.Field.Type == design.File && (rules == nil || e.Open(rules)) {
				values = append(values, v)
			}
		}
	}
	return e.each(values, action, func(v clientts.Value) string { return input(v, action) })
}

// each prints fields. One with a rule of its own is there for whom it lets in.
func (e entity) each(values []clientts.Value, action string, text func(clientts.Value) string) []string {
	var out []string
	for _, v := range values {
		jsx := text(v)
		if v.Access.Rules(action) != nil {
			jsx = "{may." + action + "('" + v.Key + "') && " + jsx + "}"
		}
		out = append(out, jsx)
	}
	return out
}

// Narrowed reports whether a page asks what the person may do with fields.
func (e entity) Narrowed(list []string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.HasPrefix(s, "{may.") })
}

// NarrowedAtAll reports whether any page does.
func (e entity) NarrowedAtAll() bool {
	return e.Narrowed(slices.Concat(e.Columns(), e.Shows(), e.Inputs("create"), e.Inputs("update")))
}

// Choices are the lists of values, each a constant of the file.
func (e entity) Choices() []choices {
	var out []choices
	for _, f := range e.Fields {
		if len(f.Values) > 0 {
			out = append(out, choices{f.Key + "Choices", f.Values})
		}
	}
	inputs := strings.Join(slices.Concat(e.Inputs("create"), e.Inputs("update")), "\n")
	for _, v := range e.Readable() {
		if roles := v.Roles(); roles != nil && strings.Contains(inputs, v.Key+"Choices}") {
			c := choices{Name: v.Key + "Choices"}
			for _, r := range roles {
				c.Values = append(c.Values, design.Value{Name: r.Name})
			}
			out = append(out, c)
		}
	}
	return out
}

type choices struct {
	Name   string
	Values []design.Value
}

// Lines are the choices, one a line.
func (c choices) Lines() []string {
	var out []string
	for _, v := range c.Values {
		label := v.Label
		if label == "" {
			label = strings.ReplaceAll(v.Name, "-", " ")
			label = strings.ToUpper(label[:1]) + label[1:]
		}
		out = append(out, "{ id: "+gen.Script(v.Name)+", name: "+gen.Script(label)+" },")
	}
	return out
}

// component finds what a text uses of react-admin.
var component = regexp.MustCompile(`<([A-Z]\w+)|\b(required|minLength|maxLength|minValue|maxValue|email)\(|field={(\w+)}`)

// Components lists what the file takes from react-admin.
func (e entity) Components() string {
	var parts []string
	if e.Listed() {
		parts = append(parts, "<List <DataTable <ColumnsButton <CreateButton <ExportButton <FilterButton <TopToolbar")
	}
	if e.Shown() && e.Tabs() == nil {
		parts = append(parts, "<SimpleShowLayout")
	} else if e.Shown() {
		parts = append(parts, "<TabbedShowLayout")
	}
	var names []string
	for _, m := range component.FindAllStringSubmatch(strings.Join(append(parts, e.texts()...), "\n"), -1) {
		if name := m[1] + m[2] + m[3]; !slices.ContainsFunc(own, func(f file) bool { return slices.Contains(f.names, name) }) {
			names = append(names, name)
		}
	}
	return list(names)
}

// texts are the fields and inputs of all pages.
func (e entity) texts() []string {
	var texts []string
	if e.Listed() {
		texts = slices.Concat(e.Columns(), e.Filters(), e.Facts())
	}
	if e.Shown() {
		texts = append(texts, e.Shows()...)
	}
	if e.Created() {
		texts = append(texts, e.Inputs("create")...)
	}
	if e.Edited() {
		texts = append(texts, e.Inputs("update")...)
	}
	return texts
}

// list sorts names as the imports of a file have them.
func list(names []string) string {
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return strings.Join(slices.Compact(names), ", ")
}

// A file of the application has components that those of entities use.
type file struct {
	path  string
	names []string
}

var own = []file{
	{"./fields.gen.tsx", []string{"ChoicesField", "GeoField", "JsonField", "RelationInput", "TimeField", "YesNoField"}},
	{"./files.gen.tsx", []string{"FileField", "FileInput", "FileNameField"}},
	{"./inputs.gen.tsx", []string{"GeoInput", "JsonInput", "NewPasswordInput", "TimeInput"}},
}

// imported is what a file takes from another.
type imported struct{ Names, From string }

// Imports are what the file takes from others of the application.
func (e entity) Imports() []imported {
	var out []imported
	add := func(from string, names ...string) { out = append(out, imported{list(names), from}) }
	if e.NarrowedAtAll() {
		add("./access.gen.ts", "useAccess")
	}
	if e.Listed() {
		add("./exporter.gen.ts", "exporter")
	}
	text := strings.Join(e.texts(), "\n")
	for _, f := range own {
		used := slices.DeleteFunc(slices.Clone(f.names), func(name string) bool { return !strings.Contains(text, "<"+name+" ") })
		if len(used) > 0 {
			add(f.path, used...)
		}
	}
	if e.Listed() {
		add("./listRows.gen.tsx", "Rows")
		add("./pages.gen.tsx", "Pages")
	}
	switch {
	case e.Created() && e.Edited():
		add("./rowForm.gen.tsx", "CreateForm", "EditForm")
	case e.Created():
		add("./rowForm.gen.tsx", "CreateForm")
	case e.Edited():
		add("./rowForm.gen.tsx", "EditForm")
	}
	if tabs := e.Tabs(); e.Shown() && tabs != nil {
		add("./showRow.gen.tsx", "RelatedRows", "ShowRow", "useListed")
	} else if e.Shown() {
		add("./showRow.gen.tsx", "ShowRow")
	}
	var others []string
	for _, t := range e.Tabs() {
		if e.Shown() && t.entity.Name != e.Name && !slices.Contains(others, t.entity.Name) {
			others = append(others, t.entity.Name)
			add("./"+t.entity.Name+".gen.tsx", t.Rows())
		}
	}
	return out
}

// A tab is the part of the page of a row with the rows of a relation to many.
type tab struct {
	entity entity
	link   *design.Link
}

// Tabs are the relations to many whose rows can be listed.
func (e entity) Tabs() []tab {
	var out []tab
	for _, l := range e.Included() {
		to := entity{e.Other(l.To)}
		far := l.Many && l.Field != nil && l.Field.Access.View == nil
		pairs := l.Many && l.Join != nil && l.Inverse != nil
		if to.Listed() && (far || pairs) {
			out = append(out, tab{to, l.Link})
		}
	}
	return out
}

// To is the route of the entity of the rows.
func (t tab) To() string { return t.entity.Route }

// Label is what people call the relation.
func (t tab) Label() string { return title(t.link.Name) }

// Key is where messages have the label.
func (t tab) Key() string { return `"resources.` + t.link.From.Route + `.fields.` + t.link.Name + `"` }

// Path is the last part of the address of the tab.
func (t tab) Path() string { return strings.ReplaceAll(gen.Snake(t.link.Name), "_", "-") }

// Rows is the component with the rows.
func (t tab) Rows() string { return t.entity.Name + "Rows" }

// Open is the tag that holds the rows.
func (t tab) Open() string {
	if t.link.Join != nil {
		return fmt.Sprintf(`<RelatedRows reference="%s" target="%s.%s">`, t.To(), t.link.Inverse.Name, t.link.From.IDField().Key)
	}
	key := t.link.Field.Key
	made := t.entity.Created() && slices.ContainsFunc(t.entity.Sent("create"), func(s clientts.Sent) bool { return s.Key == key })
	if !made {
		return fmt.Sprintf(`<RelatedRows reference="%s" target="%s">`, t.To(), key)
	}
	return fmt.Sprintf(`<RelatedRows reference="%s" target="%s" create="%s">`, t.To(), key, key)
}

// Facts are the fields that a card on a phone shows besides the name of its row.
func (e entity) Facts() []string {
	var out []string
	hidden := e.Hidden()
	for _, v := range e.Readable() {
		if v.Key != e.Represented() && v.Access.View == nil && len(out) < 3 && !strings.Contains(hidden, gen.Script(v.Key)) {
			out = append(out, strings.Replace(field(v, source(v)), " ", ` key="`+v.Key+`" `, 1))
		}
	}
	return out
}

// Written are the fields that the form of a row sends, as a list of texts.
func (e entity) Written() string {
	var keys []string
	for _, s := range e.Sent("update") {
		if s.Field.Type != design.Password {
			keys = append(keys, gen.Script(s.Key))
		}
	}
	return strings.Join(keys, ", ")
}

// Filters are the conditions that a list offers. What only some may read nobody finds by.
func (e entity) Filters() []string {
	var out []string
	if e.Searchable() {
		out = append(out, `<SearchInput key="q" source="q" alwaysOn />`)
	}
	for _, v := range e.Conditions() {
		if v.Access.View == nil {
			out = append(out, filters(v)...)
		}
	}
	return out
}

// title returns a name of a field as people write it.
func title(name string) string {
	var b strings.Builder
	for i, c := range name {
		switch {
		case i == 0:
			b.WriteRune(unicode.ToUpper(c))
		case unicode.IsUpper(c):
			b.WriteString(" " + string(unicode.ToLower(c)))
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// attribute prints a text as the value of an attribute of JSX.
func attribute(s string) string {
	if !strings.ContainsFunc(s, func(c rune) bool {
		return c != ' ' && !unicode.IsLetter(c) && !unicode.IsDigit(c) || c > unicode.MaxASCII
	}) {
		return `"` + s + `"`
	}
	return "{" + gen.Script(s) + "}"
}
