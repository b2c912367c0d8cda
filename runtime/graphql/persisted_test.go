package graphql_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store/storetest"
)

// named sends the name of a document, with its text or without.
func (s *shop) named(t *testing.T, who *gate.Principal, document string, whole bool, variables string) answer {
	t.Helper()
	sum := sha256.Sum256([]byte(document))
	body := map[string]any{
		"extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hex.EncodeToString(sum[:])}},
		"variables":  json.RawMessage(variables),
	}
	if whole {
		body["query"] = document
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return s.send(t, who, "application/json", string(raw))
}

// TestPersisted: a document is known by its name when somebody has sent it, to
// everybody, with the rights of who asks and the limits of every other.
func TestPersisted(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	const document = `query($n: Int) {orders(limit:$n) {note} a: items(limit:$n) {id} b: items(limit:$n) {id} c: items(limit:$n) {id} d: items(limit:$n) {id}
		e: items(limit:$n) {id} f: items(limit:$n) {id} g: items(limit:$n) {id} h: items(limit:$n) {id} i: items(limit:$n) {id} j: items(limit:$n) {id}}`
	for _, step := range []struct {
		name      string
		who       *gate.Principal
		whole     bool
		variables string
		status    int
		want      string
	}{
		{"not known", s.ann, false, `{"n":1}`, 200, `"message":"PersistedQueryNotFound","extensions":{"code":"PERSISTED_QUERY_NOT_FOUND"}`},
		{"made known", s.ann, true, `{"n":1}`, 200, `"note":"no salt"`},
		{"known", s.ann, false, `{"n":1}`, 200, `"note":"no salt"`},
		{"to others, by their rights", s.bob, false, `{"n":1}`, 200, `"orders":[{"note":null}]`},
		{"to nobody, by theirs", nil, false, `{"n":1}`, 200, `"code":"UNAUTHENTICATED"`},
		{"with too much", s.ann, false, `{"n":100}`, 400, `"code":"LIMIT_EXCEEDED"`},
		{"with a variable that is no number", s.ann, false, `{"n":"x"}`, 400, `"code":"LIMIT_EXCEEDED"`},
	} {
		if got := s.named(t, step.who, document, step.whole, step.variables); got.status != step.status || !strings.Contains(got.text, step.want) {
			t.Errorf("%s: %d %s", step.name, got.status, got.text)
		}
	}
	for i := range 200 {
		s.named(t, s.ann, fmt.Sprintf(`{item(id:"%d") {id}}`, i), true, `{}`)
	}
	if got := s.named(t, s.ann, document, false, `{"n":1}`); got.code() != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("after 200 others: %s", got.text)
	}
}

// TestPersisted_attacks: what is not valid, or has a password in it, is not kept, and
// a name stands for nothing else.
func TestPersisted_attacks(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	for _, document := range []string{
		`{items {nope}}`, `{`, `mutation {login(strategy:"local" credentials:{email:"a" password:"b"}) {accessToken}}`,
	} {
		s.named(t, nil, document, true, `{}`)
		if got := s.named(t, nil, document, false, `{}`); got.code() != "PERSISTED_QUERY_NOT_FOUND" {
			t.Errorf("%s is kept: %s", document, got.text)
		}
	}
	sum := sha256.Sum256([]byte(`{items {id}}`))
	good := hex.EncodeToString(sum[:])
	for _, body := range []string{
		`{"query":"{items {name}}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + good + `"}}}`,
		`{"extensions":{"persistedQuery":{"version":2,"sha256Hash":"` + good + `"}}}`,
		`{"extensions":{"persistedQuery":{"sha256Hash":"` + good + `"}}}`,
		`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + good[1:] + `"}}}`,
		`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + good + `00"}}}`,
		`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":7}}}`,
		`{"extensions":{"persistedQuery":{"version":1}}}`,
		`{"extensions":{"persistedQuery":"` + good + `"}}`,
		`{"extensions":{"persistedQuery":[]}}`,
		`{"extensions":{}}`, `{"query":""}`,
	} {
		if got := s.send(t, nil, "application/json", body); got.status != 400 || got.code() != "BAD_REQUEST" {
			t.Errorf("%s: %d %s", body, got.status, got.text)
		}
	}
}
