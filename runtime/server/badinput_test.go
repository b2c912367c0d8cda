package server_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
)

// TestBadInput_bodies: what a sign-up may not be. Every answer names what is
// wrong and none is a fault of the service.
func TestBadInput_bodies(t *testing.T) {
	r := start(t, options{})
	pw := `"password":"` + goodPassword + `"`
	for _, tt := range []struct {
		name, body string
		status     int
		want       string // in the answer
	}{
		{"empty", ``, 415, ""},
		{"nothing but blanks", ` `, 400, "JSON"},
		{"half an object", `{"email":`, 400, "JSON"},
		{"text behind", `{} x`, 400, "JSON"},
		{"two objects", `{}{}`, 400, "JSON"},
		{"number", `1`, 400, "JSON"},
		{"null", `null`, 400, "JSON"},
		{"list in a list", `[[]]`, 400, ""},
		{"empty list", `[]`, 400, ""},
		{"not UTF-8", "{\"email\":\"\xff@x.example\"}", 400, ""},
		{"lone surrogate", `{"email":"\ud800@x.example",` + pw + `}`, 400, ""},
		{"NUL", `{"email":"a@x.example","name":"a\u0000b",` + pw + `}`, 400, "name"},
		{"member twice", `{"email":"a@x.example","email":"b@x.example",` + pw + `}`, 400, "email"},
		{"member twice in another case", `{"email":"a@x.example","Email":"b@x.example",` + pw + `}`, 400, ""},
		{"30,000 brackets", strings.Repeat("[", 30000), 400, ""},
		{"30,000 objects deep", strings.Repeat(`{"a":`, 30000), 400, ""},
		{"unknown field", `{"email":"a@x.example","isAdmin":true,` + pw + `}`, 400, "isAdmin"},
		{"prototype", `{"email":"a@x.example","__proto__":{"roles":["menu-admin"]},` + pw + `}`, 400, "__proto__"},
		{"id", `{"email":"a@x.example","id":"0198c1f0-0000-7000-8000-000000000000",` + pw + `}`, 400, "id"},
		{"createdAt", `{"email":"a@x.example","createdAt":"2020-01-01T00:00:00Z",` + pw + `}`, 400, "createdAt"},
		{"roles", `{"email":"a@x.example","roles":["menu-admin"],` + pw + `}`, 403, "roles"},
		{"all of them", `{"email":1,"id":"x","roles":[],"zzz":1,"password":2}`, 400, `"zzz"`},
		{"number for a text", `{"email":5,` + pw + `}`, 400, "email"},
		{"object for a text", `{"email":{"$ne":null},` + pw + `}`, 400, "email"},
		{"list for a text", `{"email":["a@x.example"],` + pw + `}`, 400, "email"},
		{"null for a required field", `{"email":null,` + pw + `}`, 400, "email"},
		{"nothing for a required field", `{` + pw + `}`, 400, "email"},
		{"two addresses", `{"email":"a@x.example,b@y.example",` + pw + `}`, 400, "email"},
		{"address with two @", `{"email":"a@x@y.example",` + pw + `}`, 400, "email"},
		{"address of a thousand characters", `{"email":"` + strings.Repeat("a", 1000) + `@x.example",` + pw + `}`, 400, "email"},
		{"password is a number", `{"email":"a@x.example","password":123456789012345}`, 400, "password"},
		{"password is an object", `{"email":"a@x.example","password":{"$gte":""}}`, 400, "password"},
		{"password is short", `{"email":"a@x.example","password":"short"}`, 400, "password"},
		{"password is common", `{"email":"a@x.example","password":"passwordpassword"}`, 400, "password"},
		{"password is the service", `{"email":"a@x.example","password":"restaurant-2026!"}`, 400, "password"},
		{"password is a book", `{"email":"a@x.example","password":"` + strings.Repeat("p", 100_000) + `"}`, 400, "password"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.do("POST", "/api/users", tt.body).is(tt.status)
			if !strings.Contains(a.Body, tt.want) {
				t.Errorf("the answer does not say %q: %s", tt.want, a.Body)
			}
			if strings.Contains(a.Body, goodPassword) {
				t.Errorf("the answer repeats the password: %s", a.Body)
			}
		})
	}
	if got := r.do("POST", "/api/users", `{"email":1,"id":"x","roles":[],"zzz":1,"password":2}`).json()["errors"]; len(got.([]any)) != 5 {
		t.Errorf("not every wrong field is named: %v", got)
	}
	r.signUp("a@x.example")
	for _, email := range []string{"a@x.example", "A@X.example"} {
		a := r.do("POST", "/api/users", `{"email":"`+email+`",`+pw+`}`).is(409)
		if !strings.Contains(a.Body, `"email"`) {
			t.Errorf("409 does not name the field: %s", a.Body)
		}
	}
}

// TestLOG11_credentials: an operator is not a value, and no spelling of
// credentials is a fault of the service.
func TestLOG11_credentials(t *testing.T) {
	r := start(t, options{})
	r.signUp("a@x.example")
	for _, tt := range []struct {
		body   string
		status int
	}{
		{`{"strategy":"local","email":{"$ne":null},"password":"` + goodPassword + `"}`, 400},
		{`{"strategy":"local","email":{"$in":["a@x.example"]},"password":"` + goodPassword + `"}`, 400},
		{`{"strategy":"local","email":["a@x.example"],"password":"` + goodPassword + `"}`, 400},
		{`{"strategy":"local","email":"a@x.example","password":{"$gte":""}}`, 400},
		{`{"strategy":"local","email":"a@x.example","password":["` + goodPassword + `"]}`, 400},
		{`{"strategy":"local","email":"a@x.example","password":true}`, 400},
		{`{"strategy":"local","email":"a@x.example","password":null}`, 400},
		{`{"strategy":"local","email":"a@x.example","password":12345}`, 400},
		{`{"strategy":{"toString":1},"email":"a@x.example"}`, 400},
		{`{"strategy":["local"],"email":"a@x.example"}`, 400},
		{`{"strategy":"nobody","email":"a@x.example"}`, 401},
		{`{"email":"a@x.example","password":"` + goodPassword + `"}`, 401},
		{`{"strategy":"local"}`, 401},
		{`{"strategy":"local","email":"","password":""}`, 401},
		{`{"strategy":"local","email":"a@x.example","password":"` + goodPassword + ` "}`, 401},
		{`{"strategy":"local","email":"a@x.example' OR '1'='1","password":"` + goodPassword + `"}`, 401},
		{`{"strategy":"local","email":"` + strings.Repeat("a", 1000) + `@x.example","password":"x"}`, 400},
		{`{"strategy":"jwt"}`, 401},
		{`{"strategy":"jwt","accessToken":{"a":1}}`, 400},
		{`{"strategy":"jwt","accessToken":"a.b.c"}`, 401},
		{`"local"`, 400},
		{`null`, 400},
		{`[{"strategy":"local"}]`, 400},
		{`{"strategy":"local","strategy":"jwt"}`, 400},
	} {
		t.Run(tt.body[:min(len(tt.body), 60)], func(t *testing.T) {
			r.do("POST", "/api/authentication", tt.body).is(tt.status)
		})
	}
	r.do("GET", "/api/authentication?strategy=local&email=a@x.example&password="+goodPassword, "").is(405)
}

// TestBadInput_queries: what may not stand in a query string.
func TestBadInput_queries(t *testing.T) {
	r := start(t, options{})
	deep := "$or[0]"
	for range 1000 {
		deep += "[$or][0]"
	}
	var many []string
	for i := range 60 {
		many = append(many, fmt.Sprintf("$or[%d][name]=x%d", i, i))
	}
	for _, tt := range []struct {
		query string
		want  string
	}{
		{"$limit=-1", "$limit"},
		{"$limit=all", "$limit"},
		{"$limit=1.5", "$limit"},
		{"$limit=NaN", "$limit"},
		{"$limit=+5", "$limit"},
		{"$limit=", "$limit"},
		{"$limit=5&$limit=6", "$limit"},
		{"$limit[]=5", "$limit"},
		{"$limit[$gt]=5", "$limit"},
		{"$skip=-1", "$skip"},
		{"$skip=1000000000", "skip"},
		{"$sort=name", "$sort"},
		{"$sort[name]=2", "$sort[name]"},
		{"$sort[name]=asc", "$sort[name]"},
		{"$sort[nosuch]=1", "nosuch"},
		{"$sort[secret]=1", "secret"},
		{"$select[]=nosuch", "nosuch"},
		{"$select[]=secret", "secret"},
		{"$select[a]=name", "$select"},
		{"secret=x", "secret"},
		{"secret[$startsWith]=xy", "secret"},
		{"$or[0][secret]=x", "secret"},
		{"nosuch=1", "nosuch"},
		{"__proto__[x]=1", "__proto__"},
		{"constructor=1", "constructor"},
		{"name[$where]=1", "$where"},
		{"name[$regex]=.*", "$regex"},
		{"name[$like]=a%25", "name"},
		{"name[$ilike]=ab%25", "$ilike"},
		{"price[$like]=12%25", "price"},
		{"name[x]=1", `"field":"name"`},
		{"name=1&name=2", "name"},
		{"name[]=1&name[]=2", "name"},
		{"name[$ne]=1&name[$ne]=2", "name[$ne]"},
		{"name=1&name[$ne]=2", "name"},
		{"name[$contains]=a", "name"},
		{"name[$null]=maybe", "name[$null]"},
		{"price[$lt]=cheap", "price"},
		{"price[$in][]=1&price[$in][]=x", "price"},
		{"price[$in][a]=1", "price[$in]"},
		{"price[$contains]=12", "price"},
		{"id=nonsense", ""},
		{"$where=1", "$where"},
		{"$include=user", "user"},
		{"$include=a.b.c.d", "$include"},
		{"$include=" + strings.Repeat("a", 8000), "$include"},
		{"$include[user]=1", "$include[user]"},
		{"$include[user][$include][$include][$limit]=1", "user"},
		{"$include[user'--][$limit]=1", "user'--"},
		{"$or=1", "$or"},
		{"$or[0]=1", "$or[0]"},
		{"$or[name]=1", "$or"},
		{"$or[1][name]=1", "$or"},
		{"$or[99999999999][name]=1", "$or"},
		{"$not=1", "$not"},
		{deep + "[name]=1", ""},
		{strings.Join(many, "&"), ""},
		{"name[=1", "name["},
		{"name]=1", "name]"},
		{"name[$ne]x=1", "name[$ne]x"},
		{"[name]=1", "[name]"},
		{"=1", ""},
		{"name=%zz", "name"},
		{"%zz=1", ""},
		{"name=%00", "name"},
		{"name=%ff", "name"},
		{"t1.password=1", `"field":"t1"`},
		{"name'--=1", "name'--"},
		{strings.Repeat("a", 20000) + "=1", ""},
		{strings.Repeat("a=1&", 400), ""},
	} {
		t.Run(tt.query[:min(len(tt.query), 60)], func(t *testing.T) {
			a := r.do("GET", "/api/items?"+tt.query, "")
			if tt.query == "id=nonsense" && a.Status == 200 {
				return // an id that cannot be: no rows
			}
			a.is(400)
			if !strings.Contains(a.Body, tt.want) {
				t.Errorf("the answer does not name %q: %s", tt.want, a.Body)
			}
			if len(a.Body) > 8<<10 {
				t.Errorf("the answer has %d bytes", len(a.Body))
			}
		})
	}
	hidden := r.do("GET", "/api/items?secret=x", "").Body
	unknown := r.do("GET", "/api/items?secre7=x", "").Body
	if strings.ReplaceAll(unknown, "secre7", "secret") != hidden {
		t.Errorf("a hidden field is told from an unknown one:\n%s\n%s", hidden, unknown)
	}
	if got := r.do("GET", "/api/items?$limit=1000000000", "").is(200).json()["limit"]; got != 100.0 {
		t.Errorf("$limit of a billion became %v", got)
	}
	if got := r.do("GET", "/api/items?$limit=99999999999999999999", "").is(200).json()["limit"]; got != 100.0 {
		t.Errorf("$limit beyond every integer became %v", got)
	}
}

// TestAUZ13_orderOfAnswers: who may not ask at all is not told what is wrong
// with the question.
func TestAUZ13_orderOfAnswers(t *testing.T) {
	r := start(t, options{})
	r.signUp("c@x.example")
	customer := r.login("c@x.example")
	for _, tt := range []struct {
		method, path, body string
	}{
		{"GET", "/api/users?nosuch=1", ""},
		{"GET", "/api/users?$limit=x", ""},
		{"POST", "/api/items", `{"bad`},
		{"POST", "/api/items?nosuch=1", `{}`},
		{"PATCH", "/api/items/x", `nonsense`},
		{"PUT", "/api/items/x?$limit=1", `{}`},
		{"DELETE", "/api/items/x?a=b", ""},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			r.do(tt.method, tt.path, tt.body).is(401)
			r.do(tt.method, tt.path, tt.body, customer...).is(403)
		})
	}
	r.do("POST", "/api/items", "x", "Content-Type", "text/plain").is(401)
	r.do("POST", "/api/items", "x", append(customer, "Content-Type", "text/plain")...).is(403)
}

// TestLOG01_sameAnswer: an unknown account and a wrong password are the same
// bytes, headers included.
func TestLOG01_sameAnswer(t *testing.T) {
	for _, o := range []options{{}, {noTokens: true, basic: true}} {
		r := start(t, o)
		r.signUp("a@x.example")
		ask := func(email string) answer {
			if o.noTokens {
				req, err := http.NewRequestWithContext(t.Context(), "GET", "/", nil)
				if err != nil {
					t.Fatal(err)
				}
				req.SetBasicAuth(email, "not-the-right-one")
				return r.do("GET", "/api/items", "", "Authorization", req.Header.Get("Authorization"))
			}
			return r.do("POST", "/api/authentication", fmt.Sprintf(`{"strategy":"local","email":%q,"password":"not-the-right-one"}`, email))
		}
		known, unknown := ask("a@x.example").is(401), ask("b@x.example").is(401)
		if known.Body != unknown.Body {
			t.Errorf("%s\n%s", known.Body, unknown.Body)
		}
		for _, a := range []answer{known, unknown} {
			a.Header.Del("X-Request-Id")
			a.Header.Del("Date")
		}
		if a, b := fmt.Sprint(known.Header), fmt.Sprint(unknown.Header); a != b {
			t.Errorf("headers:\n%s\n%s", a, b)
		}
	}
}

// TestLOG16_lockedDatabase: while another process keeps the database to itself,
// writing answers 503, soon and with a time to come back; it recovers at once.
func TestLOG16_lockedDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "locked.db")
	r := start(t, options{change: func(s *server.Service) {
		s.Open = func(ctx context.Context, _ string) (*store.DB, error) {
			return sqlite.Open(ctx, file, sqlite.Config{BusyTimeout: 100 * time.Millisecond})
		}
	}})
	r.signUp("ada@x.example", "menu-admin")
	ada := r.login("ada@x.example")
	other, err := sqlite.Open(t.Context(), file, sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	err = other.InTx(t.Context(), func(context.Context, *sql.Tx) error {
		for _, a := range []answer{
			r.do("POST", "/api/items", `{"name":"x","price":1}`, ada...),
			r.do("POST", "/api/users", `{"email":"b@x.example","password":"`+goodPassword+`"}`),
			r.do("POST", "/api/authentication", `{"strategy":"local","email":"ada@x.example","password":"`+goodPassword+`"}`),
			r.do("DELETE", "/api/authentication", "", ada...),
		} {
			a.is(503)
			if a.Header.Get("Retry-After") == "" || strings.Contains(a.Body, "lock") || strings.Contains(a.Body, "database") {
				t.Errorf("503 is %v %s", a.Header, a.Body)
			}
		}
		r.do("GET", "/api/items", "").is(200)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.do("POST", "/api/items", `{"name":"x","price":1}`, ada...).is(201)
	r.do("GET", "/api/me", "", ada...).is(200)
}

// TestLOG16_closedDatabase: without a database nothing is decided, and nobody is
// told that their token is bad.
func TestLOG16_closedDatabase(t *testing.T) {
	r := start(t, options{})
	r.signUp("ada@x.example", "menu-admin")
	ada := r.login("ada@x.example")
	if err := r.app.DB.Close(); err != nil {
		t.Fatal(err)
	}
	for _, a := range []answer{
		r.do("GET", "/api/items", ""),
		r.do("GET", "/api/items", "", ada...),
		r.do("GET", "/api/me", "", ada...),
		r.do("POST", "/api/authentication", `{"strategy":"local","email":"ada@x.example","password":"`+goodPassword+`"}`),
		r.do("POST", "/api/users", `{"email":"b@x.example","password":"`+goodPassword+`"}`),
	} {
		a.is(503)
		if a.Header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
	}
	if a := r.do("GET", "/health/ready", "").is(503); a.Body != "" {
		t.Errorf("readiness tells: %s", a.Body)
	}
	r.do("GET", "/health/live", "").is(200)
}
