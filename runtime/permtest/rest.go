package permtest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gatewright/gate/runtime/model"
)

// rest is the surface that every service has.
type rest struct{ *kit }

func (*rest) String() string                       { return "rest" }
func (*rest) path(e *entity) string                { return "/api/" + e.model.Path }
func (s *rest) one(e *entity, id string) string    { return s.path(e) + "/" + url.PathEscape(id) }
func (s *rest) answer(status int, b []byte) answer { return answer{status: status, text: short(b)} }
func (s *rest) rowOf(e *entity, m map[string]any) shown {
	r := shown{fields: map[string]bool{}}
	for name := range m {
		r.fields[name] = true
	}
	if id := m[e.id().Name]; id != nil {
		r.id = fmt.Sprint(id)
	}
	return r
}

// takes reports whether a row is sent with the field: no file is, but to a row that is
// there.
func (*rest) takes(e *entity, action, key string) bool {
	f, ok := e.model.Field(key)
	return action != create || !ok || e.model.Fields[f].Type != model.FileType
}

// single sends a request whose answer is a row.
func (s *rest) single(c *caller, e *entity, method, path string, body any) answer {
	status, raw := s.do(c, method, path, body)
	a := s.answer(status, raw)
	if status >= http.StatusBadRequest {
		return a
	}
	var m map[string]any
	if err := decode(raw, &m); err != nil {
		s.t.Errorf("%s %s answers no row: %s", method, path, short(raw))
	}
	a.rows = []shown{s.rowOf(e, m)}
	return a
}

func (s *rest) get(c *caller, e *entity, id string) answer {
	return s.single(c, e, http.MethodGet, s.one(e, id), nil)
}

func (s *rest) list(c *caller, e *entity) answer {
	const size = 100
	var a answer
	for {
		status, raw := s.do(c, http.MethodGet, s.path(e)+"?$limit="+strconv.Itoa(size)+"&$skip="+strconv.Itoa(len(a.rows)), nil)
		a.status, a.text = status, short(raw)
		if status != http.StatusOK {
			return a
		}
		var page struct {
			Total int
			Data  []map[string]any
		}
		if err := decode(raw, &page); err != nil {
			s.t.Errorf("%s answers no page: %s", s.path(e), a.text)
			return a
		}
		for _, m := range page.Data {
			a.rows = append(a.rows, s.rowOf(e, m))
		}
		if len(a.rows) >= page.Total || len(page.Data) == 0 {
			return a
		}
	}
}

func (s *rest) ask(c *caller, e *entity, question, key string) answer {
	q := map[string]string{filter: key + "[$null]=true", sort: "$sort[" + key + "]=1", choose: "$select[]=" + key}[question]
	return s.answer(s.do(c, http.MethodGet, s.path(e)+"?$limit=1&"+q, nil))
}

func (s *rest) create(c *caller, e *entity, body map[string]any) answer {
	return s.single(c, e, http.MethodPost, s.path(e), body)
}

func (s *rest) update(c *caller, e *entity, id string, body map[string]any) answer {
	if f := fileOf(e, body); f != nil {
		return s.send(c, e, id, f, s.rowOf)
	}
	return s.single(c, e, http.MethodPatch, s.one(e, id), body)
}

// replace is another way to update.
func (s *rest) replace(c *caller, e *entity, id string, body map[string]any) answer {
	return s.answer(s.do(c, http.MethodPut, s.one(e, id), body))
}

func (s *rest) remove(c *caller, e *entity, id string) answer {
	return s.single(c, e, http.MethodDelete, s.one(e, id), nil)
}

// sortable reports whether lists can be sorted by fields of that type.
func sortable(t model.Type) bool {
	return !slices.Contains([]model.Type{model.JSON, model.Roles, model.MultiEnum, model.GeoType, model.FileType}, t)
}
