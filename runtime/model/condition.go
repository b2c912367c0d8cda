package model

import (
	"errors"
	"fmt"
	"slices"
)

// A Condition is a rule for the rows that are like this, beside the rules of
// [Allow] and of a [Field], which are for all rows.
type Condition struct {
	Action string   // view, list, create, update or delete; of a field one of view, create and update
	Field  string   // name of the field whose rule this is; empty for the rule of the rows
	Rules  []string // as in [Allow]: any one is enough
	Where  []Clause // what a row is like: all of them hold, and there is one at least
}

// A Clause says what a field of a row holds. It can be about fields that are
// the same to the database and to Go: texts of exact case, enums, integers, decimals,
// booleans and dates; of the others save passwords, roles and JSON it can be asked
// whether they are null.
type Clause struct {
	Field  string
	Values []any // one of them, each as [Field.Default] has it, without "now"; none means null
	Not    bool  // or none of them, null being none; without values: not null
}

// Rules returns the words of an action for rows, those for some rows only among
// them: who may do it to any row at all. The slice is the caller's.
func (e *Entity) Rules(action string) []string {
	words := slices.Clone(e.Allow.rules(action))
	for _, c := range e.Conditions {
		if c.Action == action && c.Field == "" {
			words = append(words, c.Rules...)
		}
	}
	if len(words) > 1 { // it stands alone, and adds nothing
		words = slices.DeleteFunc(words, func(word string) bool { return word == "nobody" })
	}
	return words
}

func (a *Allow) rules(action string) []string {
	switch action {
	case "view":
		return a.View
	case "list":
		return a.List
	case "create":
		return a.Create
	case "update":
		return a.Update
	case "delete":
		return a.Delete
	}
	return nil
}

func (e *Entity) checkConditions() error {
	for i := range e.Conditions {
		if err := e.checkCondition(&e.Conditions[i]); err != nil {
			return fmt.Errorf("condition %d: %w", i+1, err)
		}
	}
	return nil
}

func (e *Entity) checkCondition(c *Condition) error {
	actions := []string{"view", "list", "create", "update", "delete"}
	if c.Field != "" {
		actions = []string{"view", "create", "update"}
		if _, ok := e.names[c.Field]; !ok {
			return fmt.Errorf("%q is no field", c.Field)
		}
	}
	switch {
	case !slices.Contains(actions, c.Action):
		return fmt.Errorf("action %q is none of %q", c.Action, actions)
	case len(c.Rules) == 0:
		return errors.New("it has no rules")
	case len(c.Where) == 0:
		return errors.New("it says nothing of the row")
	}
	for i := range c.Where {
		if err := e.checkClause(&c.Where[i]); err != nil {
			return err
		}
	}
	return nil
}

func (e *Entity) checkClause(c *Clause) error {
	id, ok := e.names[c.Field]
	if !ok {
		return fmt.Errorf("%q is no field", c.Field)
	}
	f := &e.Fields[id]
	switch {
	case f.Computed != nil:
		return fmt.Errorf("field %q: it is computed, and the database does not know it", c.Field)
	case f.Type == Password || f.Type == Roles || f.Type == JSON:
		return fmt.Errorf("field %q: a %s cannot be compared", c.Field, f.Type)
	case len(c.Values) == 0 && f.Required:
		return fmt.Errorf("field %q is never null", c.Field)
	case len(c.Values) > 0 && f.FoldsCase():
		return fmt.Errorf("field %q: it is the same in letters of either case, and can be compared with null alone", c.Field)
	case len(c.Values) > 0 && !f.Type.exact():
		return fmt.Errorf("field %q: a %s can be compared with null alone", c.Field, f.Type)
	}
	for _, v := range c.Values {
		if v == nil {
			return fmt.Errorf("field %q: null cannot stand in a list", c.Field)
		}
		if _, err := f.ParseComparand(v); err != nil {
			return fmt.Errorf("field %q: the value %v does not fit: %w", c.Field, v, err)
		}
	}
	return nil
}

// exact reports whether values of the type are equal to Go exactly when they are
// to the database.
func (t Type) exact() bool {
	switch t {
	case Text, Enum, Integer, DecimalType, Boolean, DateType:
		return true
	}
	return false
}
