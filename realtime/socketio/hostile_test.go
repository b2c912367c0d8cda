package socketio_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatewright/gate/runtime/realtime"
)

// dial opens a socket by hand: Engine.io 4 below Socket.io 5.
func dial(t *testing.T, s *shop, header http.Header) *websocket.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	//nolint:bodyclose // Dial does
	ws, _, err := websocket.Dial(ctx, s.url+"/socket.io/?EIO=4&transport=websocket", &websocket.DialOptions{HTTPHeader: header})
	check(t, err)
	t.Cleanup(func() { _ = ws.CloseNow() })
	read(t, ws, "0{")
	write(t, ws, "40")
	read(t, ws, "40{")
	return ws
}

func write(t *testing.T, ws *websocket.Conn, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	check(t, ws.Write(ctx, websocket.MessageText, []byte(text)))
}

// read returns the next packet that begins like that.
func read(t *testing.T, ws *websocket.Conn, prefix string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	for {
		_, data, err := ws.Read(ctx)
		check(t, err)
		if strings.HasPrefix(string(data), prefix) {
			return string(data)
		}
	}
}

// TestF10_hostileMessages: whatever a socket sends, it is refused in the words of
// Feathers, and the socket goes on.
func TestF10_hostileMessages(t *testing.T) {
	s := newShop(t, nil)
	ws := dial(t, s, nil)
	write(t, ws, `421["create","authentication",{"strategy":"local","name":"ann","password":"ann"},{}]`)
	if got := read(t, ws, "431["); !strings.Contains(got, `"accessToken"`) {
		t.Fatalf("log-in: %s", got)
	}
	for _, tt := range []struct{ message, want string }{
		{`["find"]`, `"code":400`},
		{`["find",null]`, `"code":400`},
		{`["find",{"toString":1}]`, `"code":400`},
		{`["find","notes",{},{},{}]`, `Too many arguments for 'find' method`},
		{`["get","notes"]`, `"code":404`},
		{`["get","notes",{"$gt":""},{}]`, `"code":400`},
		{`["get","notes",["1"],{}]`, `"code":400`},
		{`["find","ghosts",{}]`, `Service 'ghosts' not found`},
		{`["find","__proto__",{}]`, `"code":404`},
		{`["get","authentication","x",{}]`, `Method 'get' not allowed on service 'authentication'`},
		{`["find","notes","text=1"]`, `"code":400`},
		{`["find","notes",[1]]`, `"code":400`},
		{`["find","notes",{"__proto__":{"x":1}}]`, `"code":400`},
		{`["find","notes",{"$where":"1"}]`, `"code":400`},
		{`["find","notes",{"text":{"$regex":".*"}}]`, `"code":400`},
		{`["find","notes",{"remark":"x"}]`, `"code":400`},
		{`["create","notes",null,{}]`, `"code":400`},
		{`["create","notes",{"text":{"$ne":1}},{}]`, `"code":400`},
		{`["create","notes",{"text":"a","__proto__":{"x":1}},{}]`, `"code":400`},
		{`["patch","notes",null,{"text":"all"},{}]`, `"code":405`},
		{`["remove","notes",null,{}]`, `"code":405`},
		{`["create","authentication",{"strategy":"local","name":{"$ne":null},"password":{"$ne":null}},{}]`, `"code":400`},
		{`["create","authentication",{"strategy":{"toString":1}},{}]`, `"code":400`},
		{`["create","authentication",[],{}]`, `"code":400`},
		{`["remove","authentication","not the token",{}]`, `"code":401`},
		{`["create","notes",` + strings.Repeat(`{"a":`, 500) + `1` + strings.Repeat(`}`, 500) + `,{}]`, `"code":400`},
	} {
		write(t, ws, "427"+tt.message)
		if got := read(t, ws, "437["); !strings.Contains(got, tt.want) || !strings.Contains(got, `"className"`) || len(got) > 2000 {
			t.Errorf("%.80s: %.300s, want %s", tt.message, got, tt.want)
		}
	}
	write(t, ws, `42["create","notes",{"text":"nobody waits"},{}]`)
	write(t, ws, `42["constructor","notes"]`)
	write(t, ws, `427["find","notes",{"text":"nobody waits"}]`)
	if got := read(t, ws, "437["); !strings.Contains(got, `"total":1`) {
		t.Errorf("the socket does not go on: %s", got)
	}
}

// TestF10_brokenPackets: what is no packet ends the connection, and nothing else.
func TestF10_brokenPackets(t *testing.T) {
	s := newShop(t, nil)
	for _, packet := range []string{
		"4", "49", "42", "42[", "42{}", "42[]", `42[{"a":1}]`, `42["connect"]`, `427["get","notes",1e400]`, "451-", "459999999999-[]",
		`42/other,["find"]`, "40/other,", "43[]", "431[1]", "\xff\xfe", strings.Repeat("4", 100), "42" + strings.Repeat("[", 50_000),
		"42" + strings.Repeat("x", realtime.MaxMessage+1),
	} {
		ws := dial(t, s, nil)
		_ = ws.Write(t.Context(), websocket.MessageText, []byte(packet))
		_ = ws.Write(t.Context(), websocket.MessageBinary, []byte{0, 1, 2})
		_ = ws.CloseNow()
	}
	ws := dial(t, s, nil)
	write(t, ws, `421["find","notes",{}]`)
	if got := read(t, ws, "431["); !strings.Contains(got, `"code":401`) {
		t.Errorf("nobody finds notes: %s", got)
	}
}

// TestSES09_socketOrigin: for every request, not only the first.
func TestSES09_socketOrigin(t *testing.T) {
	s := newShop(t, nil)
	for _, tt := range []struct {
		origin string
		want   int
	}{{"https://evil.example", 403}, {"null", 403}, {s.url, 403}, {origin, 200}, {"", 200}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/socket.io/?EIO=4&transport=polling", http.NoBody)
		check(t, err)
		if tt.origin != "" {
			req.Header.Set("Origin", tt.origin)
		}
		res, err := s.http.Client().Do(req)
		check(t, err)
		_ = res.Body.Close()
		allowed := res.Header.Get("Access-Control-Allow-Origin")
		if res.StatusCode != tt.want || tt.want == 403 && allowed != "" || tt.want == 200 && allowed != tt.origin {
			t.Errorf("%q: %s, allowed %q", tt.origin, res.Status, allowed)
		}
	}
	dial(t, s, http.Header{"Origin": {origin}})
}
