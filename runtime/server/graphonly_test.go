package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/runtime/server/graph"
)

func withOperations(files fstest.MapFS) options {
	return options{configure: func(a *App) error {
		a.Extend(func(a *server.App) error { return graph.MountOnly(a, files, accountSDL) })
		return nil
	}}
}

// TestMountOnly: a service of its own operations answers the files that it carries, in
// whatever folder, over POST and GET, and nothing else.
func TestMountOnly(t *testing.T) {
	const me = "query Me {\n  me { email }\n}\n"
	r := start(t, withOperations(fstest.MapFS{
		"operations/README.md":           {Data: []byte("# Operations {")},
		"operations/account/me.graphql":  {Data: []byte(me)},
		"operations/sign-up.graphql":     {Data: []byte(`mutation($in: CreateUserInput!) {createUser(input: $in) {email}}`)},
		"operations/drafts/next.graphqx": {Data: []byte(`{`)},
	}))
	if a := r.do("POST", graph.Path, `{"query":"mutation($in: CreateUserInput!) {createUser(input: $in) {email}}","variables":{"in":{"email":"`+ada+`","password":"`+goodPassword+`"}}}`); a.Status != 200 || strings.Contains(a.Body, "errors") {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	bearer := r.login(ada)
	sum := sha256.Sum256([]byte(me))
	named := graph.Path + "?extensions=" + url.QueryEscape(`{"persistedQuery":{"version":1,"sha256Hash":"`+hex.EncodeToString(sum[:])+`"}}`)
	mine := r.do("GET", named, "", bearer...).is(200)
	if mine.Body != `{"data":{"me":{"email":"`+ada+`"}}}` || mine.Header.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("%s %v", mine.Body, mine.Header)
	}
	r.do("GET", named, "", append(bearer, "If-None-Match", mine.Header.Get("Etag"))...).is(304)
	if a := r.do("GET", named, "", append(bearer, "Accept", "text/html")...); a.Status != 200 || strings.Contains(a.Body, "<html") {
		t.Errorf("to a browser: %d %s", a.Status, a.Body)
	}
	if a := r.do("POST", graph.Path, `{"query":"{me{email}}"}`, bearer...); a.Status != 400 || !strings.Contains(a.Body, "OPERATION_NOT_LISTED") {
		t.Errorf("another: %d %s", a.Status, a.Body)
	}
	if a := r.do("GET", graph.Path, "", "Accept", "text/html"); a.Status != 400 || strings.Contains(a.Body, "<html") {
		t.Errorf("a page in production: %d %s", a.Status, a.Body)
	}
	r.do("GET", graph.Path+"/graphql.js", "").is(404)
}
