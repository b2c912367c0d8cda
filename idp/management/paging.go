package management

import (
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The bounds of pages.
const (
	defaultPage = 50
	maxPage     = 100
	// maxUsers is how many users a search shows, on all its pages.
	maxUsers = 1000
)

// A page is the part of a list that is asked for.
type page struct {
	number, size int
	totals       bool
	// checkpoint is set where take and from are used: size objects after from.
	checkpoint bool
	from       string
}

func (p page) start() int { return p.number * p.size }

// page reads what the query says of paging.
func (q *request) page() (page, error) {
	p := page{size: defaultPage}
	var err error
	if p.number, err = q.number("page", 0, 0, 1<<30); err != nil {
		return p, err
	}
	if p.size, err = q.number("per_page", defaultPage, 0, maxPage); err != nil {
		return p, err
	}
	if p.totals, err = q.flag("include_totals"); err != nil {
		return p, err
	}
	if q.query.Has("take") || q.query.Has("from") {
		p.checkpoint, p.from = true, q.query.Get("from")
		if p.size, err = q.number("take", defaultPage, 1, maxPage); err != nil {
			return p, err
		}
	}
	if p.size == 0 {
		p.size = defaultPage
	}
	return p, nil
}

// number reads a parameter of the query.
func (q *request) number(name string, otherwise, least, most int) (int, error) {
	s := q.query.Get(name)
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	switch {
	case err != nil:
		return 0, badQuery("'Expected type integer but found type string' on property %s.", name)
	case n < least:
		return 0, badQuery("'Value %d is less than minimum %d' on property %s.", n, least, name)
	case n > most:
		return 0, badQuery("'Value %d is greater than maximum %d' on property %s.", n, most, name)
	}
	return n, nil
}

func (q *request) flag(name string) (bool, error) {
	switch q.query.Get(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, badQuery("'Expected type boolean but found type string' on property %s.", name)
}

// A part is one page of a list with what belongs around it.
type part struct {
	key    string
	items  []object
	total  int
	next   string // of a checkpoint; empty on the last page
	length bool   // whether "length" is told beside the totals
	// unknown is set where nobody counted the total.
	unknown bool
}

// show returns the answer for a page.
func (q *request) show(p page, s part) (answer, error) {
	for i := range s.items {
		s.items[i] = q.pick(s.items[i])
	}
	if s.items == nil {
		s.items = []object{}
	}
	if p.checkpoint {
		body := map[string]any{s.key: s.items}
		link := ""
		if s.next != "" {
			body["next"] = s.next
			link = q.link(map[string]string{"next": s.next})
		}
		return answer{status: 200, body: body, link: link}, nil
	}
	link := q.pageLink(p, s.total)
	if s.unknown && len(s.items) == p.size {
		link = q.link(map[string]string{"next": strconv.Itoa(p.number + 1)})
	}
	if !p.totals {
		return answer{status: 200, body: s.items, link: link}, nil
	}
	body := map[string]any{s.key: s.items, "start": p.start(), "limit": p.size, "total": s.total}
	if s.length {
		body["length"] = len(s.items)
	}
	return answer{status: 200, body: body, link: link}, nil
}

// pageLink returns the header Link (RFC 8288) of a page.
func (q *request) pageLink(p page, total int) string {
	if total <= 0 {
		return ""
	}
	last := (total - 1) / p.size
	to := map[string]string{"first": "0", "last": strconv.Itoa(last)}
	if p.number < last {
		to["next"] = strconv.Itoa(p.number + 1)
	}
	if p.number > 0 {
		to["prev"] = strconv.Itoa(p.number - 1)
	}
	return q.link(to)
}

func (q *request) link(to map[string]string) string {
	var b strings.Builder
	for _, rel := range slices.Sorted(maps.Keys(to)) {
		query := maps.Clone(q.query)
		if query == nil {
			query = url.Values{}
		}
		name := "page"
		if q.query.Has("take") || q.query.Has("from") {
			name = "from"
		}
		query[name] = []string{to[rel]}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString("<" + prefix + q.path + "?" + query.Encode() + `>; rel="` + rel + `"`)
	}
	return b.String()
}

// pick returns the members of o that the parameters fields and include_fields
// ask for.
func (q *request) pick(o object) object {
	fields := q.query.Get("fields")
	if fields == "" {
		return o
	}
	names := map[string]bool{}
	for name := range strings.SplitSeq(fields, ",") {
		names[strings.TrimSpace(name)] = true
	}
	include := q.query.Get("include_fields") != "false"
	picked := object{}
	for name, value := range o {
		if names[name] == include {
			picked[name] = value
		}
	}
	return picked
}

// pages answers with a page of a whole list: id names what a checkpoint is at,
// show makes the answer of one.
func pages[T any](q *request, key string, all []T, id func(T) string, show func(T) (object, error)) (answer, error) {
	p, err := q.page()
	if err != nil {
		return answer{}, err
	}
	from := p.start()
	if p.checkpoint {
		if from, err = after(p.from, all, id); err != nil {
			return answer{}, err
		}
	}
	from = min(from, len(all))
	some := all[from:min(from+p.size, len(all))]
	s := part{key: key, total: len(all)}
	for _, v := range some {
		o, err := show(v)
		if err != nil {
			return answer{}, err
		}
		s.items = append(s.items, o)
	}
	if p.checkpoint && from+len(some) < len(all) {
		s.next = cursor(from+len(some), id(some[len(some)-1]))
	}
	return q.show(p, s)
}

// cursor names a place in a list: what was shown last, and where that was.
func cursor(at int, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(at) + " " + id))
}

// after returns where to go on: after what was shown last or, when that is gone,
// where it was.
func after[T any](from string, all []T, id func(T) string) (int, error) {
	if from == "" {
		return 0, nil
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(from)
	at, last, two := strings.Cut(string(data), " ")
	n, bad := strconv.Atoi(at)
	if err != nil || !two || bad != nil || n < 0 {
		return 0, badQuery("'no checkpoint of this list' on property from.")
	}
	if i := slices.IndexFunc(all, func(v T) bool { return id(v) == last }); i >= 0 {
		return i + 1, nil
	}
	return max(0, n-1), nil
}
