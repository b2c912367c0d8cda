package rest

import (
	"strings"

	"github.com/gatewright/gate/gen"
)

// used returns the components that the paths refer to, and those that these refer
// to in turn: which filters and errors there are depends on the design.
func used(paths, components gen.Object) gen.Object {
	found := map[string]bool{}
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				visit(e)
			}
		case gen.Object:
			for _, p := range v {
				ref, ok := p.Value.(string)
				if p.Name != "$ref" || !ok {
					visit(p.Value)
					continue
				}
				if name := strings.TrimPrefix(ref, "#/components/"); !found[name] {
					found[name] = true
					visit(component(components, name))
				}
			}
		}
	}
	visit(paths)
	var out gen.Object
	for _, kind := range components {
		list, _ := kind.Value.(gen.Object)
		var kept gen.Object
		for _, c := range list {
			if found[kind.Name+"/"+c.Name] {
				kept = append(kept, c)
			}
		}
		if len(kept) > 0 {
			out = append(out, gen.Property{Name: kind.Name, Value: kept})
		}
	}
	return out
}

// component returns what schemas/Item and the like name, nil if there is none.
func component(components gen.Object, path string) any {
	var at any = components
	for name := range strings.SplitSeq(path, "/") {
		o, _ := at.(gen.Object)
		at = nil
		for _, p := range o {
			if p.Name == name {
				at = p.Value
			}
		}
	}
	return at
}
