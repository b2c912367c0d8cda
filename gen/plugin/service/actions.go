package service

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

const actionPackage = "github.com/gatewright/gate/runtime/action"

// actions is what the templates of the actions print.
type actions struct{ *gen.Build }

// Imports returns the packages that the types and the calls need.
func (a *actions) Imports() []string {
	list := []string{"context", actionPackage}
	for _, r := range a.Records() {
		if len(r.Members) > 0 {
			list = append(list, modelPackage)
		}
		for _, m := range r.Members {
			if m.Record == nil {
				list = append(list, typeImports(m.Field)...)
			}
		}
	}
	for _, x := range a.Actions() {
		if x.Output.Entity != nil && x.Output.Entity.IDField().ID == design.Serial {
			list = append(list, "strconv")
		}
	}
	return list
}

// Actions returns the actions as the templates print them.
func (a *actions) Actions() []act {
	var out []act
	for _, x := range a.Design.Actions {
		out = append(out, act{x})
	}
	return out
}

// First is the action that the example is about.
func (a *actions) First() act { return act{a.Design.Actions[0]} }

// Records returns the structs.
func (a *actions) Records() []record {
	var out []record
	for _, r := range a.Design.Records() {
		out = append(out, record{r})
	}
	return out
}

// act is one action.
type act struct{ *design.Action }

// Doc is the comment of the field that holds the code.
func (a act) Doc() string {
	words := make([]string, len(a.Allow))
	for i, r := range a.Allow {
		words[i] = r.String()
	}
	doc := a.GoName + " is behind the action " + a.Name + ", for " + cmp.Or(strings.Join(words, ", "), "nobody") + "."
	if a.Description != "" {
		doc += " " + a.Description
	}
	return doc
}

// Func is the type of the code.
func (a act) Func() string {
	in := "ctx context.Context"
	if a.Row != nil {
		in += ", row *" + a.Row.Name
	}
	if a.Input != nil {
		in += ", in " + a.Input.Name
	}
	switch out := a.Output; {
	case out.None():
		return "func(" + in + ") error"
	case out.Entity != nil && !out.List:
		return "func(" + in + ") (*" + out.Entity.Name + ", error)"
	case out.Entity != nil:
		return "func(" + in + ") ([]" + out.Entity.Name + ", error)"
	case out.List:
		return "func(" + in + ") ([]" + out.Record.Name + ", error)"
	}
	return "func(" + in + ") (" + a.Output.Record.Name + ", error)"
}

// Call is the call of the code.
func (a act) Call() string {
	args := "ctx"
	if a.Row != nil {
		args += ", row"
	}
	if a.Input != nil {
		args += ", action.In[" + a.Input.Name + "](in)"
	}
	return "a.Actions." + a.GoName + "(" + args + ")"
}

// Serial reports whether ids of the rows that are answered are numbers.
func (a act) Serial() bool { return a.Output.Entity.IDField().ID == design.Serial }

// Changes reports whether the code runs in a transaction.
func (a act) Changes() bool { return a.GraphQL != design.Query && a.Method != "GET" }

// Rules are the words of who may call it.
func (a act) Rules() gen.Expr { return texts(a.Allow) }

// record is one struct.
type record struct{ *design.Record }

// Doc is the comment of the struct.
func (r record) Doc() string {
	doc := r.Name + " is the type of that name in gate.yaml."
	for _, end := range []struct{ suffix, what string }{{"Input", "takes"}, {"Output", "answers"}} {
		if name, ok := strings.CutSuffix(r.Name, end.suffix); ok && r.Description == "" {
			doc = r.Name + " is what the action " + gen.Lower(name) + " " + end.what + "."
		}
	}
	if r.Description != "" {
		doc += " " + r.Description
	}
	return doc
}

// Values returns the members as the template prints them.
func (r record) Values() []value {
	var out []value
	for _, m := range r.Members {
		out = append(out, value{m, r.Name})
	}
	return out
}

// Enums returns the members that have a list of values.
func (r record) Enums() []value {
	return slices.DeleteFunc(r.Values(), func(v value) bool { return len(v.Values) == 0 })
}

// value is one member.
type value struct {
	*design.Member

	Of string // the record
}

func (v value) column() column { return column{Field: v.Field, Of: v.Of} }

// EnumType is the type of one value of an enum or multi-enum.
func (v value) EnumType() string { return v.column().EnumType() }

// Many reports whether the member has any number of values.
func (v value) Many() bool { return v.List || v.column().Many() }

// GoType returns the type of the member in the struct.
func (v value) GoType() string {
	one := *v.Field
	one.Required = v.Required || v.List
	typ := "*"
	if one.Required {
		typ = ""
	}
	if v.Record != nil {
		typ += v.Record.Name
	} else {
		typ = column{Field: &one, Of: v.Of}.GoType()
	}
	if v.List {
		typ = "[]" + typ
	}
	return typ
}

// Meta returns what the runtime is told about the value.
func (v value) Meta() []gen.Member {
	if v.Record != nil {
		m := members{}
		m.text("Name", v.Key)
		m.flag("Required", v.Required)
		m.text("Description", v.Description)
		return m
	}
	return slices.DeleteFunc(v.column().Meta(), func(m gen.Member) bool { return m.Name == "Column" })
}
