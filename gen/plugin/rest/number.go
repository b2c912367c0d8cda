package rest

import (
	"encoding/json"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// numberType describes the values of a field of numbers.
func numberType(f *design.Field) (string, gen.Object) {
	var more gen.Object
	typ := "number"
	switch f.Type {
	case design.Int:
		typ = "integer"
		more = append(more, gen.Property{Name: "format", Value: "int64"})
	case design.Float:
		more = append(more, gen.Property{Name: "format", Value: "double"})
	default: // generators of clients take a number without a format for 32 bits
		more = append(more, gen.Property{Name: "format", Value: "double"}, gen.Property{Name: "x-precision", Value: f.Precision}, gen.Property{Name: "x-scale", Value: f.Scale})
	}
	if f.Min != "" {
		more = append(more, gen.Property{Name: "minimum", Value: json.Number(f.Min)})
	}
	if f.Max != "" {
		more = append(more, gen.Property{Name: "maximum", Value: json.Number(f.Max)})
	}
	return typ, more
}

// quoted describes a number that is a string.
func quoted(f *design.Field) gen.Object {
	out := gen.Object{{Name: "format", Value: "int64"}, {Name: "pattern", Value: "^-?[0-9]+$"}}
	if f.Type == design.Decimal {
		out = gen.Object{
			{Name: "format", Value: "decimal"},
			{Name: "pattern", Value: `^-?[0-9]+(\.[0-9]+)?$`},
			{Name: "x-precision", Value: f.Precision},
			{Name: "x-scale", Value: f.Scale},
		}
	}
	if f.Min != "" { // JSON Schema has limits for numbers only
		out = append(out, gen.Property{Name: "x-minimum", Value: f.Min})
	}
	if f.Max != "" {
		out = append(out, gen.Property{Name: "x-maximum", Value: f.Max})
	}
	return out
}

// asWritten is a number as the JSON of a field has it.
func asWritten(f *design.Field, n json.Number) any {
	if f.Quoted {
		return n.String()
	}
	return n
}

// number returns the least number that a field takes, or n if there is none.
func number(f *design.Field, n string) json.Number {
	switch {
	case f.Min != "" && f.Min != "0":
		n = f.Min
	case f.Min == "" && f.Max != "":
		n = f.Max
	}
	return json.Number(n)
}
