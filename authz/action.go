package authz

import "fmt"

// Action is something that is done to rows of an entity. The zero value is no
// action.
type Action uint8

// The actions.
const (
	View   Action = iota + 1 // read one row
	List                     // read many
	Create                   // make one
	Update                   // change one
	Delete                   // remove one
)

var actionNames = [...]string{View: "view", List: "list", Create: "create", Update: "update", Delete: "delete"}

// Actions returns all actions in their usual order.
func Actions() []Action { return []Action{View, List, Create, Update, Delete} }

// ParseAction returns the action of the name.
func ParseAction(name string) (Action, error) {
	for _, a := range Actions() {
		if a.String() == name {
			return a, nil
		}
	}
	return 0, fmt.Errorf("authz: unknown action %q", name)
}

// String returns the name, such as "view".
func (a Action) String() string {
	if a < View || a > Delete {
		return fmt.Sprintf("Action(%d)", uint8(a))
	}
	return actionNames[a]
}
