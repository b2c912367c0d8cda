package realtime_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// patience bounds every wait of a test.
const patience = 8 * time.Second

// A message is what a WebSocket brings.
type message struct {
	ID     json.Number     `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *problem        `json:"error"`

	Event   string          `json:"event"`
	EventID string          `json:"eventId"`
	Data    json.RawMessage `json:"data"`
}

type problem struct {
	Name    string `json:"name"`
	Message string `json:"message"`
	Code    int    `json:"code"`
	Class   string `json:"className"`
}

// A client is a WebSocket, and what it was told.
type client struct {
	t      testing.TB
	ws     *websocket.Conn
	events []message
}

func dialAs(t testing.TB, s *shop, token string, header http.Header) (*client, int, error) {
	t.Helper()
	if header == nil {
		header = http.Header{}
	}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ws, res, err := websocket.Dial(ctx, s.url+"/ws", &websocket.DialOptions{HTTPHeader: header})
	if res == nil {
		return nil, 0, err
	}
	if res.Body != nil {
		_ = res.Body.Close()
	}
	if err != nil {
		return nil, res.StatusCode, err
	}
	ws.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &client{t: t, ws: ws}, res.StatusCode, nil
}

// dial connects somebody; the empty name is nobody.
func dial(t testing.TB, s *shop, name string) *client {
	t.Helper()
	token := ""
	if name != "" {
		token = s.token(t, name)
	}
	c, _, err := dialAs(t, s, token, nil)
	check(t, err)
	return c
}

func (c *client) send(text string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	check(c.t, c.ws.Write(ctx, websocket.MessageText, []byte(text)))
}

func (c *client) read() (message, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	_, data, err := c.ws.Read(ctx)
	if err != nil {
		return message{}, err
	}
	var m message
	if err := json.Unmarshal(data, &m); err != nil {
		c.t.Errorf("%s: %v", data, err)
	}
	return m, nil
}

// ask sends a request and returns its answer; events that come first are kept.
func (c *client) ask(text string) message {
	c.t.Helper()
	c.send(text)
	for {
		m, err := c.read()
		check(c.t, err)
		if m.Event == "" {
			return m
		}
		c.events = append(c.events, m)
	}
}

// must asks for what is not to be refused.
func (c *client) must(text string) message {
	c.t.Helper()
	m := c.ask(text)
	if m.Error != nil {
		c.t.Fatalf("%s: %d %s", text, m.Error.Code, m.Error.Message)
	}
	return m
}

// event returns the next event.
func (c *client) event() message {
	c.t.Helper()
	if len(c.events) > 0 {
		m := c.events[0]
		c.events = c.events[1:]
		return m
	}
	m, err := c.read()
	check(c.t, err)
	if m.Event == "" {
		c.t.Fatalf("an answer instead of an event: %s", m.Result)
	}
	return m
}

// closed waits for the end of the connection.
func (c *client) closed() websocket.CloseError {
	c.t.Helper()
	for {
		_, err := c.read()
		if err == nil {
			continue
		}
		var closed websocket.CloseError
		if !errors.As(err, &closed) {
			c.t.Fatalf("not closed: %v", err)
		}
		return closed
	}
}

// A sse is a stream of server-sent events.
type sse struct {
	t      testing.TB
	res    *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func stream(t testing.TB, s *shop, token, query string, header http.Header) *sse {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/events"+query, http.NoBody)
	check(t, err)
	maps.Copy(req.Header, header)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := s.http.Client().Do(req)
	check(t, err)
	t.Cleanup(func() { cancel(); _ = res.Body.Close() })
	return &sse{t: t, res: res, lines: bufio.NewScanner(res.Body), cancel: cancel}
}

// began returns the id with which a stream begins.
func (s *sse) began() string {
	s.t.Helper()
	impatient := time.AfterFunc(patience, s.cancel)
	defer impatient.Stop()
	id := ""
	for s.lines.Scan() && s.lines.Text() != "" {
		if text, ok := strings.CutPrefix(s.lines.Text(), "id: "); ok {
			id = text
		}
	}
	return id
}

// next returns the fields of the next event, nil at the end.
func (s *sse) next() map[string]string {
	s.t.Helper()
	impatient := time.AfterFunc(patience, s.cancel)
	defer impatient.Stop()
	event := map[string]string{}
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch {
		case s.lines.Text() == "" && event["data"] != "":
			return event
		case s.lines.Text() == "": // no event, but what it says of the id counts
		case name != "":
			event[name] = value
		}
	}
	return nil
}
