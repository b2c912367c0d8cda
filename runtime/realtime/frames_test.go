package realtime_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAUZ12_frames: pings and frames of which no message comes wait for their turn as
// calls do, a hundred at once and fifty a second. Before they did not, and took no time;
// longer than this they may take.
func TestAUZ12_frames(t *testing.T) {
	t.Parallel()
	// A frame is masked with four zeros, which leaves what it carries as it is.
	frame := func(first byte, payload string) []byte {
		return append([]byte{first, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
	}
	const text, fin, ping, pong = 1, 0x80, 0x89, 0x8A
	call := frame(fin|text, `{"id":7,"method":"unsubscribe","path":"items"}`)
	for name, sent := range map[string][]byte{
		"pings":           append(bytes.Repeat(frame(ping, "x"), 150), call...),
		"pongs":           append(bytes.Repeat(frame(pong, "x"), 150), call...),
		"empty fragments": append(append(frame(text, ""), bytes.Repeat(frame(0, ""), (256<<10+150*(4<<10))/6)...), frame(fin, `{"id":7,"method":"unsubscribe","path":"items"}`)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := rawWebSocket(t, newShop(t, nil))
			start := time.Now()
			go func() { _, _ = conn.Write(sent) }()
			answer := ""
			for part := make([]byte, 4<<10); !strings.Contains(answer, `{"id":7,"result":null}`); {
				n, err := conn.Read(part)
				if err != nil {
					t.Fatalf("%v after %q", err, answer)
				}
				answer += string(part[:n])
			}
			if took := time.Since(start); took < 900*time.Millisecond {
				t.Errorf("answered after %v", took)
			}
			if name == "pings" && strings.Count(answer, "\x8a\x01x") != 150 {
				t.Errorf("%d pongs", strings.Count(answer, "\x8a\x01x"))
			}
		})
	}
}

// rawWebSocket opens one of nobody, whose frames are for the test.
func rawWebSocket(t *testing.T, s *shop) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	check(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	check(t, conn.SetDeadline(time.Now().Add(4*patience)))
	key := make([]byte, 16)
	_, _ = rand.Read(key)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/ws", nil)
	check(t, err)
	r.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {base64.StdEncoding.EncodeToString(key)},
	}
	check(t, r.Write(conn))
	var head []byte
	for one := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, one...) {
		_, err := io.ReadFull(conn, one)
		check(t, err)
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101")) {
		t.Fatalf("%s", head)
	}
	return conn
}
