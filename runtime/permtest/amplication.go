package permtest

import (
	"net/http"
	"strconv"
	"strings"
)

// amplication is the surface of services with rest: amplication, in place of rest.
type amplication struct{ *rest }

// spelt names keys by their relations.
func (s *amplication) spelt(e *entity, body map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range body {
		key := name
		name = e.design(name)
		if name != key && v != nil {
			v = map[string]any{"id": v}
		}
		out[name] = v
	}
	return out
}

// single sends a request whose answer is a row.
func (s *amplication) single(c *caller, e *entity, method, path string, body any) answer {
	status, raw := s.do(c, method, path, body)
	a := s.answer(status, raw)
	if status >= http.StatusBadRequest {
		return a
	}
	var m map[string]any
	if err := decode(raw, &m); err != nil {
		s.t.Errorf("%s %s answers no row: %s", method, path, a.text)
	}
	a.rows = []shown{s.read(e, m)}
	return a
}

// read reads a row, which has the id of another one under the name of a relation.
func (s *amplication) read(e *entity, m map[string]any) shown {
	row := map[string]any{}
	for name, v := range m {
		if far, ok := v.(map[string]any); ok && e.wire(name) != name {
			v = far["id"]
		}
		row[e.wire(name)] = v
	}
	return s.rowOf(e, row)
}

func (s *amplication) get(c *caller, e *entity, id string) answer {
	return s.single(c, e, http.MethodGet, s.one(e, id), nil)
}

func (s *amplication) list(c *caller, e *entity) answer {
	const size = 100
	var sum answer
	for {
		status, raw := s.do(c, http.MethodGet, s.path(e)+"?take="+strconv.Itoa(size)+"&skip="+strconv.Itoa(len(sum.rows)), nil)
		sum.status, sum.text = status, short(raw)
		if status != http.StatusOK {
			return sum
		}
		var page []map[string]any
		if err := decode(raw, &page); err != nil {
			s.t.Errorf("%s answers no list: %s", s.path(e), sum.text)
			return sum
		}
		for _, m := range page {
			sum.rows = append(sum.rows, s.read(e, m))
		}
		if len(page) < size {
			return sum
		}
	}
}

// ask knows no question about which fields to answer.
func (s *amplication) ask(c *caller, e *entity, question, key string) answer {
	path := "[" + key + "]"
	if relation, field, ok := strings.Cut(key, "."); ok {
		word := "is"
		if l, ok := e.model.Link(relation); ok && l.Many {
			word = "some"
		}
		path = "[" + relation + "][" + word + "][" + field + "]"
	}
	q := map[string]string{filter: "where" + path + "[isNull]=true", sort: "orderBy" + path + "=asc"}[question]
	return s.answer(s.do(c, http.MethodGet, s.path(e)+"?take=1&"+q, nil))
}

func (s *amplication) create(c *caller, e *entity, body map[string]any) answer {
	return s.single(c, e, http.MethodPost, s.path(e), s.spelt(e, body))
}

// update ties rows on the route of their relation.
func (s *amplication) update(c *caller, e *entity, id string, body map[string]any) answer {
	for name, v := range body {
		verbs, ok := v.(map[string]any)
		if l, link := e.model.Link(name); !ok || !link || !l.Many {
			continue
		}
		for verb, method := range map[string]string{"connect": http.MethodPost, "disconnect": http.MethodDelete} {
			if verbs[verb] == nil {
				continue
			}
			a := s.answer(s.do(c, method, s.one(e, id)+"/"+name, verbs[verb]))
			if a.status == http.StatusCreated {
				a.status = http.StatusOK
			}
			return a
		}
	}
	if f := fileOf(e, body); f != nil {
		return s.send(c, e, id, f, s.read)
	}
	return s.single(c, e, http.MethodPatch, s.one(e, id), s.spelt(e, body))
}

func (s *amplication) remove(c *caller, e *entity, id string) answer {
	return s.single(c, e, http.MethodDelete, s.one(e, id), nil)
}
