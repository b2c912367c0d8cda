package design

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Clause says what a field of a row holds.
type Clause struct {
	Field *Field
	// Values are those of which the field has one: strings (of texts, enums,
	// decimals as their exact literal, dates as 2006-01-02), bools or int64s. None
	// means that the field is null.
	Values []any
	Not    bool // the field has none of them, or is null; without values: is not null
	Pos    Position
}

// String returns the clause in words: "status is published".
func (c Clause) String() string {
	is := " is "
	if c.Not {
		is = " is not "
	}
	if len(c.Values) == 0 {
		return c.Field.Name + is + "null"
	}
	values := make([]string, len(c.Values))
	for i, v := range c.Values {
		values[i] = fmt.Sprint(v)
		if c.Field.Type == Text {
			values[i] = strconv.QuoteToGraphic(values[i])
		}
	}
	word := " or "
	if c.Not {
		word = " nor "
	}
	return c.Field.Name + is + strings.Join(values, word)
}

// Condition returns what a row has to be like for the rule to count, in words:
// "status is published and hidden is false". It is empty when the rule counts
// for all rows.
func (r Rule) Condition() string {
	clauses := make([]string, len(r.When))
	for i, c := range r.When {
		clauses[i] = c.String()
	}
	return strings.Join(clauses, " and ")
}

// Words returns the rule with its condition: "owner when status is draft".
func (r Rule) Words() string {
	if len(r.When) == 0 {
		return r.String()
	}
	return r.String() + " when " + r.Condition()
}

// same reports whether two rules say the same.
func (r Rule) same(o Rule) bool {
	return r.Kind == o.Kind && r.Name == o.Name && slices.EqualFunc(r.When, o.When, func(a, b Clause) bool {
		return a.Field == b.Field && a.Not == b.Not && slices.Equal(a.Values, b.Values)
	})
}

// maxConditionValues is how many values a clause lists at most.
const maxConditionValues = 100

func conditionKeys() []key {
	return []key{
		{name: "rules", doc: "Who may, if the row is like this: one rule, or a list of which any one is enough.", schema: ref("words")},
		{name: "when", doc: "What the row is like: fields with their values, all of which hold. A list means any of its values, null that there is none.", schema: object{
			"type": "object", "minProperties": 1, "maxProperties": maxEntries,
			"propertyNames": ref("fieldName"), "additionalProperties": ref("fieldIs"),
		}},
	}
}

// conditionSchemas are the definitions of what stands behind the fields of "when".
func conditionSchemas() object {
	value := object{"type": []string{"string", "number", "boolean"}}
	is := []object{ref("fieldValue"), {"type": "null"}, {"type": "array", "items": ref("fieldValue"), "minItems": 1, "maxItems": maxConditionValues, "uniqueItems": true}}
	not := mapping("Anything but this.", []key{{name: "not", doc: "A value, a list of values, or null.", schema: object{"oneOf": is}}}, "not")
	return object{
		"fieldValue": value,
		"fieldIs":    object{"description": "A value, a list of values, null, or {not: …}.", "oneOf": append(slices.Clone(is), not)},
	}
}

// conditional reads {rules: …, when: …}.
func (l *loader) conditional(e *Entity, n *node, path string) []Rule {
	if n.get("when") == nil && n.get("rules") == nil {
		hint := "public, signed-in, owner, nobody, a role or a permission"
		if len(n.entries) == 1 {
			hint = fmt.Sprintf("a permission is written without a space: %s", verbNoun.example)
		}
		l.errs.Add(n.pos, path, "a rule has to be text, not a mapping", hint)
		return nil
	}
	l.object(n, path, "a rule with a condition", conditionKeys())
	words, when := n.get("rules"), n.get("when")
	switch {
	case words == nil:
		l.errs.Add(n.pos, path, "a condition says of which rows, and not who may", "add: rules: with who may, such as public")
		return nil
	case when == nil:
		l.errs.Add(n.pos, path, "rules without a condition need no mapping", "write the rules alone, or add: when:")
		return nil
	}
	clauses := l.when(e, when, path+".when")
	var rules []Rule
	for _, r := range l.words(e, words, path+".rules") {
		if r.Kind == Nobody {
			l.errs.Add(r.Pos, path+".rules", "nobody needs no condition", "remove it: who is not let in by a rule is not let in")
			continue
		}
		r.When = clauses
		rules = append(rules, r)
	}
	if words.kind == KindList && len(words.items) == 0 {
		l.errs.Add(words.pos, path+".rules", "a condition says of which rows, and not who may", "name somebody, such as public")
	}
	if len(clauses) == 0 { // reported; without it the rule would count for all rows
		return nil
	}
	return rules
}

// when reads what a row is like. It returns nothing when anything is wrong.
func (l *loader) when(e *Entity, n *node, path string) []Clause {
	if n.kind != KindMapping || len(n.entries) == 0 {
		what := n.describe()
		if n.kind == KindMapping {
			what = "an empty one"
		}
		l.errs.Add(n.pos, path, "when has to be a mapping from fields to values, not "+what, "write it like {status: published}")
		return nil
	}
	before := len(l.errs.Problems)
	l.duplicates(n, path, foldName)
	var names []string
	for _, f := range e.Fields {
		names = append(names, f.Name)
	}
	var clauses []Clause
	for _, en := range n.entries {
		at := join(path, en.key)
		f := e.Field(en.key)
		if f == nil {
			l.errs.Add(en.pos, at, fmt.Sprintf("unknown field %s%s", quote(en.key), l.didYouMean(en.key, names)), "")
			continue
		}
		clauses = append(clauses, l.clause(f, en, at))
	}
	if len(l.errs.Problems) > before {
		return nil
	}
	return clauses
}

// clause reads what a field is: a value, a list of them, null, or not one of
// these.
func (l *loader) clause(f *Field, en entry, path string) Clause {
	c := Clause{Field: f, Pos: en.pos}
	n := en.value
	if n.kind == KindMapping {
		if !l.object(n, path, "a condition on "+quote(f.Name), []key{{name: "not"}}) || n.get("not") == nil {
			if len(n.entries) == 0 {
				l.errs.Add(n.pos, path, "an empty mapping says nothing of a field", "write a value, a list of values, null, or {not: …}")
			}
			return c
		}
		c.Not, n, path = true, n.get("not"), path+".not"
	}
	switch {
	case f.Type == Password || f.Type == Roles || f.Type == JSON:
		l.errs.Add(n.pos, path, fmt.Sprintf("field %s is of type %s, which nothing can be said of", quote(f.Name), f.Type), "use a field of another type")
	case f.Computed != nil:
		l.errs.Add(n.pos, path, fmt.Sprintf("field %s is computed, and the database cannot ask for it", quote(f.Name)), "say what the fields are that it is made of")
	case n.isNull() && f.Required:
		l.errs.Add(n.pos, path, fmt.Sprintf("field %s is required and never null", quote(f.Name)), "")
	case n.isNull():
	case f.CaseInsensitive:
		l.errs.Add(n.pos, path, fmt.Sprintf("field %s is the same in letters of either case and can be compared with null alone", quote(f.Name)), "write null or {not: null}, or use an enum")
	case !comparesExactly(f.Type):
		l.errs.Add(n.pos, path, fmt.Sprintf("field %s is of type %s and can be compared with null alone", quote(f.Name), f.Type), "write null or {not: null}, or use a field of type "+exactTypes())
	case n.kind == KindList:
		c.Values = l.valuesOf(f, n, path)
	default:
		c.Values = l.valueOf(f, n, path)
	}
	return c
}

func (l *loader) valuesOf(f *Field, n *node, path string) []any {
	switch {
	case len(n.items) == 0:
		l.errs.Add(n.pos, path, "an empty list of values fits no row", "")
	case len(n.items) > maxConditionValues:
		l.errs.Add(n.pos, path, fmt.Sprintf("more than %d values", maxConditionValues), "a field of type boolean may say it shorter")
		return nil
	}
	var values []any
	for i, item := range l.list(n, path) {
		at := path + "[" + strconv.Itoa(i) + "]"
		if item.isNull() {
			l.errs.Add(item.pos, at, "null cannot stand in a list of values", "write a second rule for it")
			continue
		}
		for _, v := range l.valueOf(f, item, at) {
			if slices.Contains(values, v) {
				l.errs.Add(item.pos, at, fmt.Sprintf("value %v is listed twice", v), "")
				continue
			}
			values = append(values, v)
		}
	}
	return values
}

// valueOf reads one value that a field can have. It returns none when it is
// wrong.
func (l *loader) valueOf(f *Field, n *node, path string) []any {
	switch f.Type {
	case Boolean:
		if v, ok := l.boolean(n, path); ok {
			return []any{v}
		}
		return nil
	case Int, Decimal:
		return l.numberOf(f, n, path)
	}
	s, ok := l.text(n, path, lengthLimit(f.Type))
	if !ok {
		return nil
	}
	wrong := f.wrongText(s)
	if f.Type == Date && wrong == "" {
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			wrong = "is no day such as 2006-01-02"
		}
	}
	if wrong != "" {
		l.errs.Add(n.pos, path, fmt.Sprintf("value %s %s: no row has it", quote(s), wrong), "")
		return nil
	}
	return []any{s}
}

func (l *loader) numberOf(f *Field, n *node, path string) []any {
	s := l.number(f, n, path)
	if s == "" {
		return nil
	}
	wrong := f.misfit(s)
	if wrong == "" {
		wrong = f.outside(s)
	}
	if wrong != "" {
		l.errs.Add(n.pos, path, "value "+s+" "+wrong+": no row has it", "")
		return nil
	}
	if f.Type == Decimal {
		return []any{s}
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil // cannot be: number has read it
	}
	return []any{v}
}

// comparesExactly reports whether values of the type are equal in one sense
// only: not by case, not by zone, not nearly.
func comparesExactly(t Type) bool {
	return slices.Contains([]Type{Text, Enum, Int, Decimal, Boolean, Date}, t)
}

func exactTypes() string { return "text, enum, integer, decimal, boolean or date" }
