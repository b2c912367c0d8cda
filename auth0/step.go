package auth0

import (
	"errors"
	"fmt"
	"slices"
)

// steps returns how to bring a tenant to d, each step after those that it builds
// on.
func steps(d Desired) []step {
	s := []step{apiStep(d.API)}
	if d.SPA != nil {
		s = append(s, spaStep(d.SPA))
	}
	if d.Machine != nil {
		s = append(s, machineStep(d.Machine), grantStep(d.Machine))
	}
	for i := range d.Roles {
		s = append(s, roleStep(&d.Roles[i]), permissionStep(&d.Roles[i]))
	}
	if d.Action != nil {
		s = append(s, actionStep(d.Action), bindingStep(d.Action))
	}
	for _, c := range d.Connections {
		s = append(s, connectionStep(c))
	}
	return s
}

// destroySteps returns how to take out of a tenant what steps put into it, in the
// reverse order.
func destroySteps(d Desired) []step {
	var s []step
	for _, c := range slices.Backward(d.Connections) {
		s = append(s, disconnectStep(c))
	}
	if d.Action != nil {
		s = append(s, unbindStep(d.Action), actionDelete(d.Action))
	}
	for i := range slices.Backward(d.Roles) {
		s = append(s, roleDelete(&d.Roles[i]))
	}
	if d.Machine != nil {
		s = append(s, grantDelete(d.Machine), clientDelete(d.Machine.Name, machineType))
	}
	if d.Machine == nil && d.SPA != nil { // clients may be read, then
		s = append(s, machinesStay)
	}
	if d.SPA != nil {
		s = append(s, clientDelete(d.SPA.Name, spaType))
	}
	return append(s, apiDelete(d.API))
}

// only returns the one element of found, nil when there is none. More are an
// error: nobody can tell which is meant.
func only[T any](object, name string, found []T, id func(*T) string) (*T, error) {
	if len(found) > 1 {
		var ids []string
		for i := range found {
			ids = append(ids, id(&found[i]))
		}
		return nil, fmt.Errorf("%w: there are %d of the %s %q: %q", ErrConflict, len(found), object, name, ids)
	}
	if len(found) == 0 {
		return nil, nil
	}
	if i := id(&found[0]); i == "" || i == "." || i == ".." {
		return nil, fmt.Errorf("the %s %q has no usable id: %q", object, name, i)
	}
	return &found[0], nil
}

// errNoID is for what was to be made by an earlier step.
var errNoID = errors.New("the tenant returned no id for what was made before")
