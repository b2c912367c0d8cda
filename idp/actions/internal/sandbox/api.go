package sandbox

import (
	"slices"

	"github.com/dop251/goja"
)

// An api is the object of that name. Its members are made when they are first
// used: an action uses one or two of some fifteen.
type api struct {
	machine *machine
	make    goja.Callable
	flow    goja.Value
	self    goja.Value
	names   []string
	members map[string]goja.Value
}

var _ goja.DynamicObject = (*api)(nil)

func (m *machine) api() (goja.Value, error) {
	exports, err := m.builtin("api")
	if err != nil {
		return nil, err
	}
	a := &api{machine: m, members: map[string]goja.Value{}}
	a.make, _ = goja.AssertFunction(member(exports, "make"))
	if a.flow, err = m.parse(m.job.Flow); err != nil {
		return nil, err
	}
	names, _ := goja.AssertFunction(member(exports, "names"))
	list, err := names(goja.Undefined(), m.vm.ToValue(m.job.API))
	if err != nil {
		return nil, err
	}
	if err := m.vm.ExportTo(list, &a.names); err != nil {
		return nil, err
	}
	a.self = m.vm.NewDynamicObject(a)
	return a.self, nil
}

// Get implements goja.DynamicObject.
func (a *api) Get(name string) goja.Value {
	if v, ok := a.members[name]; ok || !slices.Contains(a.names, name) {
		return v
	}
	v, err := a.make(goja.Undefined(), a.self, a.machine.vm.ToValue(a.machine.job.API), a.flow, a.machine.vm.ToValue(name))
	if err != nil {
		panic(err)
	}
	a.members[name] = v
	return v
}

// Set implements goja.DynamicObject.
func (a *api) Set(name string, v goja.Value) bool {
	if !a.Has(name) {
		a.names = append(a.names, name)
	}
	a.members[name] = v
	return true
}

// Has implements goja.DynamicObject.
func (a *api) Has(name string) bool { return slices.Contains(a.names, name) }

// Delete implements goja.DynamicObject.
func (a *api) Delete(name string) bool {
	a.names = slices.DeleteFunc(a.names, func(n string) bool { return n == name })
	delete(a.members, name)
	return true
}

// Keys implements goja.DynamicObject.
func (a *api) Keys() []string { return a.names }
