package smtp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/mail/smtp"
)

// server speaks enough of RFC 5321 to take a letter.
type server struct {
	t        *testing.T
	listener net.Listener
	tls      *tls.Config // for STARTTLS; nil offers none
	implicit bool
	rcpt     string        // the answer to RCPT TO
	silent   bool          // never says a word
	came     chan struct{} // gets one for a client of a silent one

	mu    sync.Mutex
	plain []string // lines that came unencrypted
	lines []string // all of them
	done  sync.WaitGroup
}

func start(t *testing.T, change func(*server)) *server {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, listener: listener, tls: certificate(t), rcpt: "250 2.1.5 fine"}
	if change != nil {
		change(s)
	}
	s.done.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.done.Go(func() { s.talk(conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); s.done.Wait() })
	return s
}

var testServer = sync.OnceValue(func() *httptest.Server { return httptest.NewTLSServer(http.NotFoundHandler()) })

func certificate(t *testing.T) *tls.Config {
	t.Helper()
	return &tls.Config{Certificates: testServer().TLS.Certificates, MinVersion: tls.VersionTLS12}
}

func trusting() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(testServer().Certificate())
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

func (s *server) talk(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	encrypted := s.implicit
	if s.implicit {
		conn = tls.Server(conn, s.tls)
	}
	if s.silent {
		_ = conn.SetDeadline(time.Time{})
		s.came <- struct{}{}
		_, _ = bufio.NewReader(conn).ReadString('\n')
		return
	}
	say := func(line string) { _, _ = fmt.Fprintf(conn, "%s\r\n", line) }
	say("220 test")
	in := bufio.NewReader(conn)
	data := false
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		s.mu.Lock()
		s.lines = append(s.lines, line)
		if !encrypted {
			s.plain = append(s.plain, line)
		}
		s.mu.Unlock()
		verb := strings.ToUpper(strings.Fields(line + " .")[0])
		switch {
		case data && line == ".":
			data = false
			say("250 2.0.0 taken")
		case data:
		case verb == "EHLO":
			say("250-test")
			if s.tls != nil && !encrypted {
				say("250-STARTTLS")
			}
			say("250-ENHANCEDSTATUSCODES")
			say("250 AUTH PLAIN LOGIN")
		case verb == "STARTTLS":
			say("220 go on")
			conn, encrypted = tls.Server(conn, s.tls), true
			in = bufio.NewReader(conn)
		case verb == "AUTH":
			say("235 2.7.0 welcome")
		case verb == "RCPT":
			say(s.rcpt)
		case verb == "DATA":
			data = true
			say("354 go on")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 2.0.0 fine")
		}
	}
}

func (s *server) said() (plain, all string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.plain, "\n"), strings.Join(s.lines, "\n")
}

func (s *server) sender(t *testing.T, scheme string, trust *tls.Config) *smtp.Sender {
	t.Helper()
	sender, err := smtp.New(smtp.Config{
		URL:  scheme + "://gate:hunter2@" + s.listener.Addr().String() + "?helo=kitchen.example",
		From: "id@kitchen.example", FromName: "Orchard Kitchen", TLS: trust, Timeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

var letter = mail.Message{To: "ann@kitchen.example", Subject: "Grüße", Text: "https://kitchen.example/?token=abc", HTML: "<p>Hello</p>"}

func TestSend(t *testing.T) {
	for name, scheme := range map[string]string{"STARTTLS": "smtp", "TLS": "smtps"} {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(s *server) { s.implicit = scheme == "smtps" })
			sender := s.sender(t, scheme, trusting())
			sender.Remote()
			if err := sender.Send(t.Context(), letter); err != nil {
				t.Fatal(err)
			}
			plain, all := s.said()
			for _, want := range []string{
				"EHLO kitchen.example", "MAIL FROM:<id@kitchen.example>", "RCPT TO:<ann@kitchen.example>", "From: \"Orchard Kitchen\" <id@kitchen.example>",
				"To: <ann@kitchen.example>", "Subject: =?UTF-8?q?Gr=C3=BC=C3=9Fe?=", "Auto-Submitted: auto-generated", "text/plain", "text/html",
			} {
				if !strings.Contains(all, want) {
					t.Errorf("the server did not see %q:\n%s", want, all)
				}
			}
			if strings.Count(all, "RCPT") != 1 {
				t.Errorf("more than one recipient:\n%s", all)
			}
			if strings.Contains(plain, "AUTH") || strings.Contains(plain, "MAIL") || strings.Contains(plain, "Z2F0ZQ") {
				t.Errorf("it went unencrypted:\n%s", plain)
			}
		})
	}
}

// TestOPS09_mailIsEncrypted: without TLS neither password nor letter leaves for
// another machine, and a certificate that nobody vouches for is none.
func TestOPS09_mailIsEncrypted(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*server)
		trust  *tls.Config
	}{
		"no STARTTLS":         {func(s *server) { s.tls = nil }, trusting()},
		"unknown certificate": {nil, nil},
		"other name":          {nil, &tls.Config{RootCAs: trusting().RootCAs, ServerName: "other.example", MinVersion: tls.VersionTLS12}},
		"TLS 1.1":             {func(s *server) { s.tls.MinVersion, s.tls.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 }, trusting()},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, tt.change)
			sender := s.sender(t, "smtp", tt.trust)
			sender.Remote()
			err := sender.Send(t.Context(), letter)
			if err == nil || errors.Is(err, mail.ErrRefused) {
				t.Errorf("Send = %v, want an error that may pass", err)
			}
			if _, all := s.said(); strings.Contains(all, "AUTH") || strings.Contains(all, "MAIL") {
				t.Errorf("it went out:\n%s", all)
			}
		})
	}
}

// TestOPS09_withoutPassword: a server that wants no password gets no letter in
// the clear either.
func TestOPS09_withoutPassword(t *testing.T) {
	s := start(t, func(s *server) { s.tls = nil })
	sender, err := smtp.New(smtp.Config{URL: "smtp://" + s.listener.Addr().String(), From: "id@kitchen.example"})
	if err != nil {
		t.Fatal(err)
	}
	sender.Remote()
	if err := sender.Send(t.Context(), letter); err == nil || errors.Is(err, mail.ErrRefused) {
		t.Errorf("Send = %v, want an error that may pass", err)
	}
	if _, all := s.said(); strings.Contains(all, "MAIL") {
		t.Errorf("it went out:\n%s", all)
	}
}

func TestSend_ownMachine(t *testing.T) {
	s := start(t, func(s *server) { s.tls = nil })
	sender, err := smtp.New(smtp.Config{URL: "smtp://" + s.listener.Addr().String(), From: "id@kitchen.example"})
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), letter); err != nil {
		t.Error(err)
	}
}

func TestSend_answers(t *testing.T) {
	for answer, final := range map[string]bool{"550 5.1.1 no such <ann@kitchen.example>": true, "450 4.2.1 later <ann@kitchen.example>": false} {
		s := start(t, func(s *server) { s.rcpt = answer })
		err := s.sender(t, "smtp", trusting()).Send(t.Context(), letter)
		if err == nil || errors.Is(err, mail.ErrRefused) != final {
			t.Errorf("%s: %v, want final %t", answer, err, final)
		}
		if strings.Contains(fmt.Sprint(err), "ann@") || strings.Contains(fmt.Sprint(err), "hunter2") || !strings.Contains(fmt.Sprint(err), answer[:3]) {
			t.Errorf("the error is %v", err)
		}
	}
	if err := start(t, nil).sender(t, "smtp", trusting()).Send(t.Context(), mail.Message{To: "a@x.example,b@y.example", Subject: "x", Text: "x"}); !errors.Is(err, mail.ErrAddress) {
		t.Errorf("two recipients: %v", err)
	}
}

func TestSend_givesUp(t *testing.T) {
	s := start(t, func(s *server) { s.silent, s.came = true, make(chan struct{}, 1) })
	sender := s.sender(t, "smtp", trusting()) // whose own patience is a minute
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := make(chan error, 1)
	go func() { sent <- sender.Send(ctx, letter) }()
	<-s.came
	cancel()
	select {
	case err := <-sent:
		if !errors.Is(err, context.Canceled) || errors.Is(err, mail.ErrRefused) {
			t.Errorf("Send = %v, want an error that may pass", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it goes on after the end of its context")
	}
	_ = s.listener.Close()
	if err := sender.Send(t.Context(), letter); err == nil || errors.Is(err, mail.ErrRefused) {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestNew_refuses(t *testing.T) {
	const from = "id@kitchen.example"
	for name, cfg := range map[string]smtp.Config{
		"nothing":            {},
		"no from":            {URL: "smtp://mail.example"},
		"two from":           {URL: "smtp://mail.example", From: "a@x.example,b@y.example"},
		"from name of lines": {URL: "smtp://mail.example", From: from, FromName: "a\r\nBcc: b"},
		"helo of lines":      {URL: "smtp://mail.example?helo=a%0d%0ab", From: from},
		"other scheme":       {URL: "http://mail.example", From: from},
		"no scheme":          {URL: "mail.example:587", From: from},
		"no host":            {URL: "smtp://", From: from},
		"path":               {URL: "smtp://mail.example/x", From: from},
		"port":               {URL: "smtp://mail.example:0", From: from},
		"user alone":         {URL: "smtp://gate@mail.example", From: from},
		"password alone":     {URL: "smtp://:hunter2@mail.example", From: from},
		"unknown setting":    {URL: "smtp://mail.example?starttls=off", From: from},
		"setting twice":      {URL: "smtp://mail.example?helo=a&helo=b", From: from},
		"not a URL":          {URL: "smtp://gate:hunter2%@mail.example", From: from},
		"time-out":           {URL: "smtp://mail.example", From: from, Timeout: -1},
	} {
		_, err := smtp.New(cfg)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: New = %v, want an error without the password", name, err)
		}
	}
	sender, err := smtp.New(smtp.Config{URL: "smtps://gate:hunter2@mail.example", From: from})
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", sender, sender, sender, sender); strings.Contains(text, "hunter2") || !strings.Contains(text, "mail.example:465") {
		t.Errorf("it prints %s", text)
	}
}
