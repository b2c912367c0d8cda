package graphql

import (
	"slices"

	"github.com/gatewright/gate/design"
)

// travels says how numbers of a type stand in JSON.
func (w *writer) travels(t design.Type) string {
	for _, e := range w.design.Entities {
		if slices.ContainsFunc(e.Fields, func(f *design.Field) bool { return f.Type == t && f.Quoted }) {
			return "a string in JSON where it may be beyond what a float holds, taken as a number, too."
		}
	}
	return "a number in JSON, taken as a string, too."
}
