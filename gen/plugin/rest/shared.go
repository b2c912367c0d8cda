package rest

import (
	"slices"
	"strings"

	"github.com/gatewright/gate/gen"
)

// shared writes the parameters of operations that stand there more than once, word for
// word, as components, and refers to them. It returns all components, those that were
// there first: a list takes a parameter for each field, and is there once for each
// relation that leads to it. Those with a list of words stay where they are, for clients
// call the type of the words after the operation.
func shared(paths, components gen.Object) (gen.Object, error) {
	taken, count, names := map[string]bool{}, map[string]int{}, map[string]string{}
	err := eachParameter(paths, func(_ string, _ []any, _ int, _ gen.Object, text string) {
		if !strings.Contains(text, `"enum"`) {
			count[text]++
		}
	})
	if err != nil {
		return nil, err
	}
	err = eachParameter(paths, func(path string, list []any, i int, p gen.Object, text string) {
		if count[text] < 2 {
			return
		}
		if names[text] == "" {
			name := free(taken, path, p)
			if name == "" {
				return
			}
			names[text] = name
			components = append(components, gen.Property{Name: name, Value: p})
		}
		list[i] = ref(names[text])
	})
	return components, err
}

// free returns a name for a parameter: query.status, or, where another one has that,
// query.tickets.status by the path. It is empty if that is taken, too. The place in the
// front keeps it from being the name of an entity in the code of clients.
func free(taken map[string]bool, path string, parameter gen.Object) string {
	text, _ := parameter[0].Value.(string)
	in, _ := parameter[1].Value.(string)
	route, _, _ := strings.Cut(strings.TrimPrefix(path, "/api/"), "/")
	for _, name := range []string{in + "." + plain(text), in + "." + plain(route) + "." + plain(text)} {
		if !taken[name] {
			taken[name] = true
			return name
		}
	}
	return ""
}

// plain leaves out what the name of a component may not have.
func plain(text string) string {
	return strings.Map(func(c rune) rune {
		if c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return -1
	}, text)
}

// eachParameter calls do for the parameters of paths and their operations that are
// written there: the i-th of a list, and its text.
func eachParameter(paths gen.Object, do func(path string, list []any, i int, p gen.Object, text string)) error {
	for _, path := range paths {
		item, _ := path.Value.(gen.Object)
		members := item
		for _, m := range item {
			if op, ok := m.Value.(gen.Object); ok {
				members = append(slices.Clip(members), op...)
			}
		}
		for _, m := range members {
			list, _ := m.Value.([]any)
			if m.Name != "parameters" {
				continue
			}
			for i := range list {
				p, ok := list[i].(gen.Object)
				if !ok || p[0].Name != "name" || p[1].Name != "in" {
					continue
				}
				text, err := p.MarshalJSON()
				if err != nil {
					return err
				}
				do(path.Name, list, i, p, string(text))
			}
		}
	}
	return nil
}
