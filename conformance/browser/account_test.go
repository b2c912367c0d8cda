package browser_test

import (
	"bufio"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/conformance/internal/stagetest"
)

// canteen is a design without an application: people look after their accounts on the
// pages of the service.
const canteen = `gate: 1
service: {name: canteen, module: example.com/canteen}
roles:
  guest: {default: true}
  cook: {permissions: ["write:dishes"]}
plugins:
  auth-core: {entity: User}
  auth-session: {}
  auth-letters: {}
  auth-apikey: {}
entities:
  Dish:
    plural: Dishes
    fields: {name: {type: text, required: true}}
    allow: {view: public, list: public, create: "write:dishes"}
  User:
    owner: id
    fields: {email: {type: email, required: true, unique: true}, password: password, name: text, roles: roles}
    allow: {view: owner, create: public, update: owner}
    fieldRules: {roles: {create: nobody, update: nobody}}
`

// TestAccountPages has somebody sign up, come back, lose a password and log devices out,
// on the pages that a service with auth-session has.
func TestAccountPages(t *testing.T) {
	t.Parallel()
	stagetest.Installed(t)
	dir := t.TempDir()
	stagetest.Emit(t, dir, canteen)
	program := stagetest.Compiled(t, dir)
	port, outbox := stagetest.FreePort(t), t.TempDir()
	url := "http://localhost:" + port
	stagetest.Serve(t, program, "ADDR=127.0.0.1:"+port, "PUBLIC_URL="+url, "MAIL_URL=smtp://"+postOffice(t, outbox), "MAIL_FROM=canteen@canteen.example")
	stagetest.Scenario(t, "account.mjs", stagetest.Facts{
		"url": url, "outbox": outbox,
	}, "")
}

// postOffice is a mail server on this machine, which keeps letters in files.
func postOffice(t *testing.T, outbox string) (addr string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var clerks sync.WaitGroup
	clerks.Go(func() {
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			clerks.Go(func() { receive(conn, filepath.Join(outbox, fmt.Sprintf("%04d-", n))) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); clerks.Wait() })
	return l.Addr().String()
}

// receive speaks as much SMTP as a client needs (RFC 5321).
func receive(conn net.Conn, prefix string) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	in := textproto.NewReader(bufio.NewReader(conn))
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 canteen.example")
	var to string
	for {
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		command, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(command) {
		case "RCPT":
			to = strings.Trim(rest[strings.Index(rest, ":")+1:], "<> ")
			say("250 yes")
		case "DATA":
			say("354 go on")
			if err := keep(in.DotReader(), prefix+to); err != nil {
				say("554 " + err.Error())
				return
			}
			say("250 it will be delivered")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 yes")
		}
	}
}

// keep writes what a letter says into a file, which is there when all of it is.
func keep(r io.Reader, file string) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".draft", text, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".draft", file+".txt")
}
