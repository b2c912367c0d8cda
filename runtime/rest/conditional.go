package rest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
)

// maxTags is how many entity tags one condition may list.
const maxTags = 20

// precondition reads If-Match, which says of which versions the row has to be to be
// changed (RFC 9110 §13.1.1). A weak tag is no version: it never matches. Which row
// a condition is about says the path, so that there is none without an id.
func precondition(r *http.Request) ([]crud.Option, error) {
	if len(r.Header["If-None-Match"]) > 0 {
		return nil, badHeader("If-None-Match is for GET: a row is made by POST, and not by this")
	}
	if err := notKept(r); err != nil {
		return nil, err
	}
	versions, err := expected(r)
	if err != nil || versions == nil {
		return nil, err
	}
	return []crud.Option{crud.IfVersion(versions...)}, nil
}

// expected returns the versions that If-Match names; nil if any will do.
func expected(r *http.Request) ([]int64, error) {
	tags, all, err := entityTags(r.Header["If-Match"])
	if err != nil || all || tags == nil {
		return nil, err
	}
	versions := []int64{}
	for _, tag := range tags {
		if v, ok := crud.ParseTag(tag.text); ok && !tag.weak {
			versions = append(versions, v)
		}
	}
	return versions, nil
}

func badHeader(message string) error {
	return &gate.Error{Status: http.StatusBadRequest, Message: message}
}

// An entityTag is one of RFC 9110 §8.8.3.
type entityTag struct {
	text string
	weak bool
}

// entityTags reads the lines of If-Match or If-None-Match: a list, nil without a
// line, or all for "*".
func entityTags(lines []string) (tags []entityTag, all bool, err error) {
	if len(lines) == 0 {
		return nil, false, nil
	}
	rest := strings.TrimSpace(strings.Join(lines, ","))
	if rest == "*" {
		return nil, true, nil
	}
	for {
		rest = strings.TrimLeft(rest, " \t,") // empty elements are none (§5.6.1)
		if rest == "" && tags != nil {
			return tags, false, nil
		}
		tag, more, ok := cutTag(rest)
		if !ok || len(tags) == maxTags {
			return nil, false, badHeader(`If-Match and If-None-Match take *, or up to 20 tags as ETag has them, such as "v7"`)
		}
		tags, rest = append(tags, tag), more
	}
}

// cutTag reads the first tag of a list.
func cutTag(s string) (tag entityTag, more string, ok bool) {
	s, tag.weak = strings.CutPrefix(s, "W/")
	s, quoted := strings.CutPrefix(s, `"`)
	text, more, closed := strings.Cut(s, `"`)
	more = strings.TrimLeft(more, " \t")
	if !quoted || !closed || more != "" && more[0] != ',' {
		return tag, "", false
	}
	tag.text = text
	return tag, more, true
}

// mark says which version of the row an answer is. What a row looks like depends on
// who asks, so that no cache may answer one with that of another.
func mark(w http.ResponseWriter, row crud.Row) {
	if tag := row.Tag(); tag != "" {
		h := w.Header()
		h["Etag"] = []string{`"` + tag + `"`}
		h.Add("Vary", "Authorization, Cookie")
	}
}

// known reports whether the sender of a request has the row as it would be answered
// now: If-None-Match (RFC 9110 §13.1.2). It is asked when it is known that the
// caller may get the row.
func known(r *http.Request, row crud.Row) (bool, error) {
	tags, all, err := entityTags(r.Header["If-None-Match"])
	now := row.Tag()
	if err != nil || now == "" {
		return false, err
	}
	return all || slices.ContainsFunc(tags, func(t entityTag) bool { return t.text == now }), nil
}
