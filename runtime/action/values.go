package action

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/gatewright/gate/runtime/model"
)

// values reads the parameters of a query string, or the words of a path, into a
// struct. A list is a parameter that is repeated, t=a&t=b, or has brackets behind it:
// t[]=a&t[]=b or t[0]=a&t[1]=b. A place is place[lat]=1&place[lng]=2.
func (d *decoder) values(r *Record, values url.Values, into reflect.Value) {
	sent := map[string]map[string][]string{} // by the name, and what stands in the brackets
	for name, texts := range values {
		head, inside, brackets := strings.Cut(name, "[")
		m := r.member(head)
		if m == nil || brackets && (!m.many() && m.Type != model.GeoType || !strings.HasSuffix(inside, "]")) {
			d.add(name, model.CodeUnknown, "is not a field of "+r.Name)
			continue
		}
		if sent[head] == nil {
			sent[head] = map[string][]string{}
		}
		sent[head][inside] = texts
	}
	for i := range r.Members {
		m := &r.Members[i]
		group, there := sent[m.Name]
		switch {
		case !there && m.Required:
			d.add(m.Name, model.CodeRequired, "is required")
		case !there:
		case m.many():
			d.repeated(m, group, into.Field(i))
		case m.Type == model.GeoType:
			d.place(m, group, into.Field(i))
		case len(group[""]) > 1:
			d.add(m.Name, model.CodeMalformed, "is there twice")
		default:
			d.text(&m.Field, group[""][0], into.Field(i), m.Name)
		}
	}
}

// many reports whether the member has any number of values.
func (m *Member) many() bool { return m.List || m.Type == model.MultiEnum }

// repeated reads a list.
func (d *decoder) repeated(m *Member, group map[string][]string, into reflect.Value) {
	texts := group[""]
	if group["]"] != nil {
		texts = group["]"]
	}
	if texts == nil {
		for i := range len(group) {
			if at := group[strconv.Itoa(i)+"]"]; len(at) == 1 {
				texts = append(texts, at[0])
			}
		}
	} else if len(group) > 1 {
		texts = nil
	}
	if len(texts) < len(group) {
		d.add(m.Name, model.CodeMalformed, "is a list: repeat the name, or write the numbers from 0 on in brackets behind it")
		return
	}
	if !m.List {
		d.text(&m.Field, texts, into, m.Name)
		return
	}
	list := reflect.MakeSlice(into.Type(), len(texts), len(texts))
	for i, text := range texts {
		d.text(m.element(), text, list.Index(i), m.Name)
	}
	into.Set(list)
}

// place reads a place on earth.
func (d *decoder) place(m *Member, group map[string][]string, into reflect.Value) {
	at := map[string]any{}
	for inside, texts := range group {
		if json.Valid([]byte(texts[0])) && len(texts) == 1 {
			at[strings.TrimSuffix(inside, "]")] = json.Number(texts[0])
		}
	}
	if len(at) < len(group) || at["lat"] == nil || at["lng"] == nil {
		d.add(m.Name, model.CodeType, "must be "+m.Name+"[lat] and "+m.Name+"[lng], in degrees")
		return
	}
	d.text(&m.Field, at, into, m.Name)
}

// text reads what a value was sent as, in words.
func (d *decoder) text(f *model.Field, value any, into reflect.Value, path string) {
	v, err := f.Parse(value)
	if err != nil {
		d.add(path, model.CodeFormat, err.Error())
		return
	}
	f.Store(address(into.Addr()), v)
}
