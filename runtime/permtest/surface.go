package permtest

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
)

// A surface is a way to ask the service. Its answers have the statuses of REST.
type surface interface {
	String() string
	// takes reports whether a row can be sent with the field or relation at all.
	takes(e *entity, action, key string) bool
	get(c *caller, e *entity, id string) answer
	// list answers all rows that are listed, page by page.
	list(c *caller, e *entity) answer
	// ask lists with a question about a field: filter, sort or select.
	ask(c *caller, e *entity, question, key string) answer
	create(c *caller, e *entity, body map[string]any) answer
	update(c *caller, e *entity, id string, body map[string]any) answer
	remove(c *caller, e *entity, id string) answer
}

// What can be asked about a field of a list.
const (
	filter = "filter"
	sort   = "sort"
	choose = "select"
)

// An answer is what a surface answered.
type answer struct {
	status int
	rows   []shown
	text   string // for people
}

// shown is a row of an answer.
type shown struct {
	id     string
	fields map[string]bool // by their names in JSON
}

// do sends a request as somebody.
func (k *kit) do(c *caller, method, path string, body any) (status int, answer []byte) {
	k.t.Helper()
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			k.t.Fatal(err)
		}
	}
	return k.doRaw(c, method, path, "application/json", raw)
}

// doRaw sends a body of a type.
func (k *kit) doRaw(c *caller, method, path, media string, raw []byte) (status int, answer []byte) {
	k.t.Helper()
	k.requests++
	req, err := http.NewRequestWithContext(k.ctx(), method, k.url+path, bytes.NewReader(raw))
	if err != nil {
		k.t.Fatal(err)
	}
	maps.Copy(req.Header, c.headers)
	if raw != nil {
		req.Header.Set("Content-Type", media)
	}
	res, err := k.client.Do(req)
	if err != nil {
		k.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	if answer, err = io.ReadAll(res.Body); err != nil {
		k.t.Fatalf("%s %s: %v", method, path, err)
	}
	return res.StatusCode, answer
}

// decode reads JSON and keeps numbers as they are written.
func decode(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(into)
}

// short is as much of an answer as helps.
func short(body []byte) string {
	const most = 300
	s := strings.ToValidUTF8(string(body), "")
	if len(s) > most {
		s = s[:most] + "…"
	}
	return s
}
