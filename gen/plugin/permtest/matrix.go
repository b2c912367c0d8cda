package permtest

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen/permissions"
)

// matrix is who may do what as the test reads it: the JSON of a
// [permissions.Matrix] without what nobody could try, or what is said twice. There
// is a line for each caller of an entity and for each field that has rules of its
// own, so that a difference of two versions can be read.
func matrix(d *design.Design) ([]byte, error) {
	m, err := permissions.Of(d)
	if err != nil {
		return nil, err
	}
	tokens := d.Enabled("auth-oidc") || d.Enabled("auth-auth0") || d.Enabled("auth-apikey") // that may give a permission, and no role
	file := file{Service: m.Service, Authentication: m.Authentication, Entities: make([]entity, len(m.Entities)), Actions: m.Actions}
	for _, c := range m.Callers {
		if tokens || c.Kind != permissions.Permission {
			file.Callers = append(file.Callers, caller{c.Kind, c.Name, c.AcrossTenants})
		}
	}
	for i := range m.Entities {
		e := &m.Entities[i]
		file.Entities[i] = entity{Name: e.Name, Owner: e.Owner, Tenant: e.Tenant, Rules: e.Rules}
		for j := range e.Grants {
			if g := &e.Grants[j]; tokens || g.Kind != permissions.Permission {
				file.Entities[i].Grants = append(file.Entities[i].Grants, grantOf(g))
			}
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(file); err != nil {
		return nil, err
	}
	raw := out.Bytes()
	for _, start := range []string{`{"kind":`, `{"name":"`, `"entities":`} {
		raw = bytes.ReplaceAll(raw, []byte(`,`+start), []byte(",\n"+start)) // no text has an unescaped quote
	}
	return raw, nil
}

type file struct {
	Service        string   `json:"service"`
	Authentication bool     `json:"authentication"`
	Callers        []caller `json:"callers"`
	Entities       []entity `json:"entities"`

	Actions []permissions.Action `json:"actions,omitempty"`
}

type caller struct {
	Kind permissions.Kind `json:"kind"`
	Name string           `json:"name,omitempty"`

	AcrossTenants bool `json:"acrossTenants,omitempty"`
}

type entity struct {
	Name   string             `json:"name"`
	Owner  string             `json:"owner,omitempty"`
	Tenant string             `json:"tenant,omitempty"`
	Rules  []permissions.Rule `json:"rules"`
	Grants []grant            `json:"grants"`
}

type grant struct {
	caller

	Rows   permissions.RowCells `json:"rows"`
	Fields []field              `json:"fields"` // those of which something else is true than of the rows
	Links  []permissions.Link   `json:"links,omitempty"`
}

type field struct {
	Name   string            `json:"name"`
	View   *permissions.Cell `json:"view,omitempty"`
	List   *permissions.Cell `json:"list,omitempty"`
	Create *permissions.Cell `json:"create,omitempty"`
	Update *permissions.Cell `json:"update,omitempty"`
}

func grantOf(g *permissions.Grant) grant {
	out := grant{caller: caller{Kind: g.Kind, Name: g.Name}, Rows: g.Rows, Fields: []field{}, Links: g.Links}
	for i := range g.Fields {
		f := &g.Fields[i]
		differs := func(a authz.Action) *permissions.Cell {
			c := f.At(a)
			if reflect.DeepEqual(c, g.Rows.At(a)) {
				return nil
			}
			return &c
		}
		one := field{f.Name, differs(authz.View), differs(authz.List), differs(authz.Create), differs(authz.Update)}
		if one != (field{Name: f.Name}) {
			out.Fields = append(out.Fields, one)
		}
	}
	return out
}
