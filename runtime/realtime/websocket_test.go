package realtime_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/realtime"
)

func TestSES09_origin(t *testing.T) {
	s := newShop(t, nil)
	for _, tt := range []struct {
		origin []string
		want   int
	}{
		{[]string{"https://evil.example"}, 403},
		{[]string{"null"}, 403},
		{[]string{""}, 403},
		{[]string{origin + ".evil.example"}, 403},
		{[]string{origin + "/"}, 403},
		{[]string{strings.ToUpper(origin)}, 403},
		{[]string{"http://shop.example"}, 403},
		{[]string{s.url}, 403}, // its own host is not on the list, either: names can be rebound
		{[]string{origin, "https://evil.example"}, 403},
		{[]string{origin}, 101},
		{nil, 101},
	} {
		header := http.Header{}
		if tt.origin != nil {
			header["Origin"] = tt.origin
		}
		if _, status, err := dialAs(t, s, s.token(t, "ann"), header); status != tt.want {
			t.Errorf("%v: %d, %v, want %d", tt.origin, status, err, tt.want)
		}
		es := stream(t, s, "", "?entities=items", header)
		if want := max(tt.want, 200); tt.want == 403 && es.res.StatusCode != want || tt.want == 101 && es.res.StatusCode != 200 {
			t.Errorf("events from %v: %s", tt.origin, es.res.Status)
		}
		es.cancel()
	}
}

func TestSES09_tokenNeverInURL(t *testing.T) {
	s := newShop(t, nil)
	token := s.token(t, "ann")
	for _, path := range []string{"/ws?access_token=" + token, "/ws?token=" + token, "/events?entities=notes&access_token=" + token} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, http.NoBody)
		check(t, err)
		res, err := s.http.Client().Do(req)
		check(t, err)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	for _, header := range []string{"Bearer x.y.z", "Bearer " + token + " more", "Nonsense", "Basic YTpi"} {
		if _, status, err := dialAs(t, s, "", http.Header{"Authorization": {header}}); err == nil || status != 401 && status != 400 {
			t.Errorf("%q: %d", header, status)
		}
	}
}

// TestSES09_closed: at the moment of expiry, and soon after a revocation.
func TestSES09_closed(t *testing.T) {
	for _, tt := range []struct {
		name, reason string
		code         websocket.StatusCode
		life         time.Duration
		end          func(*shop, string)
	}{
		// A token ends with a whole second: one of a second may end at once.
		{"expired", "expired", websocket.StatusPolicyViolation, 3 * time.Second, func(*shop, string) {}},
		{"session ended elsewhere", "revoked", websocket.StatusPolicyViolation, time.Hour, func(s *shop, _ string) {
			_ = s.End(context.Background(), "s0")
		}},
		{"account gone", "revoked", websocket.StatusPolicyViolation, time.Hour, func(s *shop, _ string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.roles, "ann")
		}},
		{"logged out by another connection", "revoked", websocket.StatusPolicyViolation, time.Hour, func(s *shop, token string) {
			creds := gate.Credentials{Strategy: "jwt", Fields: map[string]any{"accessToken": token}}
			_, _ = s.svc.Remove(context.Background(), "", creds, gate.External())
		}},
		{"nobody can tell", "unavailable", websocket.StatusTryAgainLater, time.Hour, func(s *shop, _ string) {
			s.fail(gate.ErrUnavailable)
		}},
		{"stopping", "stopping", websocket.StatusGoingAway, time.Hour, func(s *shop, _ string) {
			go func() { _ = s.rt.Close(context.Background()) }()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, func(_ *realtime.Config, c *gate.Config, _ *model.Entity) { c.ExpiresIn = tt.life })
			token := s.token(t, "ann")
			c, _, err := dialAs(t, s, token, nil)
			check(t, err)
			es := stream(t, s, token, "?entities=notes", nil)
			c.must(`{"id":1,"method":"subscribe","path":"notes"}`)
			start := time.Now()
			tt.end(s, token)
			got := c.closed()
			if got.Code != tt.code || got.Reason != tt.reason || time.Since(start) > 5*time.Second {
				t.Errorf("closed with %d %q after %v", got.Code, got.Reason, time.Since(start))
			}
			if event := es.next(); event["event"] != "close" || event["data"] != tt.reason || time.Since(start) > 5*time.Second {
				t.Errorf("the stream ended with %v after %v", event, time.Since(start))
			}
			if es.next() != nil {
				t.Error("the stream goes on")
			}
		})
	}
}

// TestSES09_eachMessage: a call is judged by what its caller may do now.
func TestSES09_eachMessage(t *testing.T) {
	s := newShop(t, nil)
	c := dial(t, s, "cleo")
	c.must(`{"id":1,"method":"create","path":"items","data":{"name":"soup","price":4}}`)
	s.set("cleo")
	if m := c.ask(`{"id":2,"method":"create","path":"items","data":{"name":"tea","price":2}}`); m.Error == nil || m.Error.Code != 403 {
		t.Errorf("without the role: %+v", m)
	}
	check(t, s.End(t.Context(), "s0"))
	// The connection may look by itself at the same moment, and close before the
	// message comes: then there is no answer at all.
	_ = c.ws.Write(t.Context(), websocket.MessageText, []byte(`{"id":3,"method":"find","path":"items"}`))
	m, err := c.read()
	if err == nil {
		if m.Error == nil || m.Error.Code != 401 {
			t.Errorf("after the end of the session: %+v", m)
		}
		_, err = c.read()
	}
	if closed, ok := errors.AsType[websocket.CloseError](err); !ok || closed.Reason != "revoked" {
		t.Errorf("closed with %v", err)
	}
}

func TestSES09_loginAndLogout(t *testing.T) {
	s := newShop(t, nil)
	c := dial(t, s, "")
	if m := c.ask(`{"id":1,"method":"subscribe","path":"notes"}`); m.Error == nil || m.Error.Code != 401 || m.Error.Class != "not-authenticated" {
		t.Fatalf("nobody subscribes to notes: %+v", m)
	}
	if m := c.ask(`{"id":1,"method":"login","data":{"strategy":"local","name":"ann","password":"bob"}}`); m.Error == nil || m.Error.Code != 401 {
		t.Fatalf("wrong password: %+v", m)
	}
	m := c.must(`{"id":1,"method":"login","data":{"strategy":"local","name":"ann","password":"ann"}}`)
	token, _ := values(t, m.Result)["accessToken"].(string)
	c.must(`{"id":2,"method":"subscribe","path":"notes"}`)
	s.newNote(t, "milk")
	if e := c.event(); e.Event != "notes created" || values(t, e.Data)["text"] != "milk" {
		t.Errorf("event %+v", e)
	}
	if m := c.ask(`{"id":3,"method":"logout","key":"another token"}`); m.Error == nil || m.Error.Code != 401 {
		t.Errorf("log-out with another token: %+v", m)
	}
	c.must(`{"id":3,"method":"logout"}`)
	s.newNote(t, "bread")
	if m := c.ask(`{"id":4,"method":"find","path":"notes"}`); m.Error == nil || m.Error.Code != 401 {
		t.Errorf("after the log-out: %+v", m)
	}
	if len(c.events) > 0 {
		t.Errorf("told after the log-out: %s", c.events[0].Data)
	}
	if _, status, err := dialAs(t, s, token, nil); err == nil || status != 401 {
		t.Errorf("the token of a session that was ended: %d", status)
	}
}

func TestSES09_bounds(t *testing.T) {
	s := newShop(t, func(c *realtime.Config, _ *gate.Config, _ *model.Entity) { c.MaxConnections, c.MaxPerPrincipal = 5, 2 })
	dial(t, s, "ann")
	dial(t, s, "ann")
	if _, status, err := dialAs(t, s, s.token(t, "ann"), nil); err == nil || status != 429 {
		t.Errorf("a third connection of one account: %d", status)
	}
	other := dial(t, s, "")
	if m := other.ask(`{"id":1,"method":"login","data":{"strategy":"local","name":"ann","password":"ann"}}`); m.Error == nil || m.Error.Code != 429 {
		t.Errorf("a third one by a login: %+v", m)
	}
	last := dial(t, s, "")
	if _, status, err := dialAs(t, s, "", nil); err == nil || status != 429 {
		t.Errorf("a third one of nobody: %d", status)
	}
	dial(t, s, "bob")
	if _, status, err := dialAs(t, s, s.token(t, "cleo"), nil); err == nil || status != 503 {
		t.Errorf("a sixth in all: %d", status)
	}
	check(t, last.ws.Close(websocket.StatusNormalClosure, ""))
	deadline := time.After(patience)
	for { // its place is free as soon as the server has seen it
		if _, _, err := dialAs(t, s, s.token(t, "cleo"), nil); err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatal("the place of a connection that went is not free")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestSES09_rate(t *testing.T) {
	s := newShop(t, nil)
	c := dial(t, s, "")
	var refused int
	for range 300 {
		if m := c.ask(`{"id":1,"method":"get","path":"items","key":"x"}`); m.Error.Code == 429 {
			refused++
		} else if m.Error.Code != 404 {
			t.Fatalf("%+v", m.Error)
		}
	}
	if refused == 0 {
		t.Error("300 calls at once are answered")
	}
}

// TestAUZ13_hostileMessages: refused by name, and the connection goes on; what
// is too large or no text ends it.
func TestAUZ13_hostileMessages(t *testing.T) {
	s := newShop(t, nil)
	c := dial(t, s, "cleo")
	for text, want := range map[string]int{
		`{`:        400,
		`null`:     400,
		`[]`:       400,
		`"x"`:      400,
		`{"id":1}`: 404,
		`{"id":{},"method":"find","path":"items"}`:                                                      400,
		`{"id":1,"method":{"$ne":1},"path":"items"}`:                                                    400,
		`{"id":1,"method":"find","path":["items"]}`:                                                     400,
		`{"id":1,"method":"find","method":"find","path":"items"}`:                                       400,
		`{"id":1,"method":"find","path":"items","__proto__":{"admin":true}}`:                            400,
		`{"id":1,"method":"find","path":"ghosts"}`:                                                      404,
		`{"id":1,"method":"find","path":"__proto__"}`:                                                   404,
		`{"id":1,"method":"subscribe","path":"ghosts"}`:                                                 404,
		`{"id":1,"method":"constructor","path":"items"}`:                                                405,
		`{"id":1,"method":"get","path":"authentication"}`:                                               405,
		`{"id":1,"method":"patch","path":"items","data":{"price":1}}`:                                   405,
		`{"id":1,"method":"remove","path":"items","key":null}`:                                          400,
		`{"id":1,"method":"get","path":"items","key":{"$gt":""}}`:                                       400,
		`{"id":1,"method":"get","path":"items","key":"\u0000"}`:                                         404,
		`{"id":1,"method":"find","path":"items","query":{"cost":1}}`:                                    400,
		`{"id":1,"method":"find","path":"items","query":{"$where":"1"}}`:                                400,
		`{"id":1,"method":"find","path":"items","query":{"__proto__":{"a":1}}}`:                         400,
		`{"id":1,"method":"find","path":"items","query":"price=1"}`:                                     400,
		`{"id":1,"method":"find","path":"items","query":{"$in":[]}}`:                                    400,
		`{"id":1,"method":"create","path":"items"}`:                                                     400,
		`{"id":1,"method":"create","path":"items","data":[]}`:                                           400,
		`{"id":1,"method":"create","path":"items","data":{"id":"x","name":"a","price":1,"cost":1}}`:     400,
		`{"id":1,"method":"login","data":{"strategy":"local","name":{"$ne":""},"password":{"$ne":""}}}`: 400,
		`{"id":1,"method":"login","data":{"strategy":{"toString":1}}}`:                                  400,
		`{"id":1,"method":"login","data":["local"]}`:                                                    400,
		`{"id":1,"method":"login"}`:                                                                     400,
		`{"id":1,"method":"login","data":{"strategy":"` + strings.Repeat("x", 9<<10) + `"}}`:            413,
	} {
		m := c.ask(text)
		if m.Error == nil || m.Error.Code != want || len(m.Error.Message) > 300 {
			t.Errorf("%.80s: %+v, want %d", text, m.Error, want)
		}
	}
	c.must(`{"id":1,"method":"find","path":"items"}`)

	for _, tt := range []struct {
		kind websocket.MessageType
		data string
		want websocket.StatusCode
	}{
		{websocket.MessageText, `{"id":1,"method":"` + strings.Repeat("x", 64<<10) + `"}`, websocket.StatusMessageTooBig},
		{websocket.MessageBinary, `{"id":1}`, websocket.StatusUnsupportedData},
	} {
		c := dial(t, s, "")
		check(t, c.ws.Write(t.Context(), tt.kind, []byte(tt.data)))
		if got := c.closed(); got.Code != tt.want {
			t.Errorf("closed with %v, want %v", got.Code, tt.want)
		}
	}
}

var ids = regexp.MustCompile(`"id":"[^"]*",?`)

// TestWebSocket_calls: every method, as REST has it.
func TestWebSocket_calls(t *testing.T) {
	s := newShop(t, nil)
	c := dial(t, s, "max")
	soup := values(t, c.must(`{"id":1,"method":"create","path":"items","data":{"name":"soup","price":4,"cost":1}}`).Result)
	id, _ := soup["id"].(string)
	c.must(`{"id":2,"method":"create","path":"/items/","data":[{"name":"tea","price":2},{"name":"fig","price":9}]}`)
	for _, tt := range []struct{ call, want string }{
		{
			`"method":"find","path":"items","query":{"price":{"$lt":5},"$sort":{"price":-1},"$select":["name"],"$limit":5}`,
			`{"total":2,"limit":5,"skip":0,"data":[{"name":"soup"},{"name":"tea"}]}`,
		},
		{
			`"method":"find","path":"items","query":{"$or":[{"name":"fig"},{"price":{"$in":[2,7]}}],"cost":null,"$sort":{"name":"1"},"$select":["name"]}`,
			`{"total":2,"limit":25,"skip":0,"data":[{"name":"fig"},{"name":"tea"}]}`,
		},
		{`"method":"find","path":"items","query":{"cost":{"$ne":null},"$select":["name"]}`, `{"total":1,"limit":25,"skip":0,"data":[{"name":"soup"}]}`},
		{`"method":"get","path":"items","key":"` + id + `","query":{"$select":["name","cost"]}`, `{"name":"soup","cost":1}`},
		{`"method":"patch","path":"items","key":"` + id + `","data":{"price":5},"query":{"$select":["price","cost"]}`, `{"price":5,"cost":1}`},
		{`"method":"update","path":"items","key":"` + id + `","data":{"name":"broth","price":6},"query":{"$select":["name","price","cost"]}`, `{"name":"broth","price":6,"cost":null}`},
		{`"method":"remove","path":"items","key":"` + id + `","query":{"$select":["name"]}`, `{"name":"broth"}`},
	} {
		got := c.must(`{"id":3,` + tt.call + `}`)
		if rest := ids.ReplaceAllString(string(got.Result), ""); rest != tt.want || got.ID != "3" {
			t.Errorf("%s: %s %s", tt.call, got.ID, rest)
		}
	}
	if m := c.ask(`{"id":4,"method":"get","path":"items","key":"` + id + `"}`); m.Error == nil || m.Error.Code != 404 || m.Error.Name != "NotFound" {
		t.Errorf("%+v", m.Error)
	}
}
