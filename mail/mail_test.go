package mail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/mail"
)

func message() mail.Message {
	return mail.Message{To: "ann@kitchen.example", Subject: "Hello", Text: "Hello Ann,\nhttps://kitchen.example/?token=abc\n"}
}

// TestLOG12_canonical: one address, in one spelling.
func TestLOG12_canonical(t *testing.T) {
	for address, want := range map[string]string{
		"ann@kitchen.example": "ann@kitchen.example", " Ann@Kitchen.EXAMPLE\t": "ann@kitchen.example", "ａｎｎ＠kitchen.example": "ann@kitchen.example",
		"a+b.c_d-e@x.example": "a+b.c_d-e@x.example", "ann@localhost": "ann@localhost", "jürgen@x.example": "jürgen@x.example",
		"ju\u0308rgen@x.example": "jürgen@x.example", "ann@xn--kitchn-dva.example": "ann@xn--kitchn-dva.example", "mıke@x.example": "mıke@x.example",
		strings.Repeat("a", 64) + "@x.example":   strings.Repeat("a", 64) + "@x.example",
		"ann@" + strings.Repeat("a.", 124) + "a": "ann@" + strings.Repeat("a.", 124) + "a",
	} {
		if got, err := mail.Canonical(address); got != want || err != nil {
			t.Errorf("Canonical(%q) = %q, %v, want %q", address, got, err, want)
		}
	}
	for _, address := range []string{
		"", " ", "ann", "@", "ann@", "@x.example", "a@x@y", "a@x.com,b@y.com", "a@x.com;b@y.com", "a@x.com b@y.com", "a@x.com\nb@y.com", "a@x.com\r\nBcc:b@y.com",
		"a\x00@x.com", "a@x.com\x00", "a\u2028b@x.com", "a\u202eb@x.com", "a\u200bb@x.com", `"a"@x.com`, `a"b@x.com`, "a'@x.com,", "<a@x.com>", "Ann <a@x.com>", "a(b)@x.com", "a:b@x.com",
		`a\b@x.com`, "a[b]@x.com", ".a@x.com", "a.@x.com", "a..b@x.com", "a@.x.com", "a@x..com", "a@x.com.", "a@-x.com", "a@x-.com", "a@[127.0.0.1]", "a@x_y.com", "a@kitchén.example", "a@кухня.example",
		"a@x.com%0abcc:b@y.com ", "a@x.com?bcc=b@y.com", strings.Repeat("a", 65) + "@x.example", "ann@" + strings.Repeat("a.", 125) + "a", "ann@" + strings.Repeat("a", 64) + ".example",
		strings.Repeat("a", 1<<20), "\xff@x.com", "\ufffd@x.com",
	} {
		if got, err := mail.Canonical(address); got != "" || !errors.Is(err, mail.ErrAddress) {
			t.Errorf("Canonical(%q) = %q, %v, want %v", address, got, err, mail.ErrAddress)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add(" Ann@Kitchen.example")
	f.Add("a@x.com,b@y.com")
	f.Add("ﬃ@x.example")
	f.Fuzz(func(t *testing.T, address string) {
		one, err := mail.Canonical(address)
		if err != nil {
			if one != "" || !errors.Is(err, mail.ErrAddress) {
				t.Fatalf("Canonical(%q) = %q, %v", address, one, err)
			}
			return
		}
		if again, err := mail.Canonical(one); again != one || err != nil {
			t.Errorf("Canonical(%q) = %q, whose canonical form is %q, %v", address, one, again, err)
		}
		list, err := netmail.ParseAddressList(one)
		if err != nil || len(list) != 1 || list[0].Address != one || list[0].Name != "" {
			t.Errorf("Canonical(%q) = %q, which others read as %v, %v", address, one, list, err)
		}
		if strings.Count(one, "@") != 1 || len(one) > 254 || strings.ContainsAny(one, " ,;\r\n\"<>") {
			t.Errorf("Canonical(%q) = %q", address, one)
		}
	})
}

// TestHOK04_headers: no header field of one letter becomes two.
func TestHOK04_headers(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	folder, err := mail.Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	queue, err := mail.NewQueue(folder, mail.QueueConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = queue.Close(t.Context()) }()
	var out bytes.Buffer
	for name, change := range map[string]func(*mail.Message){
		"two recipients":       func(m *mail.Message) { m.To = "a@x.example,b@y.example" },
		"recipient of lines":   func(m *mail.Message) { m.To = "a@x.example\r\nBcc: b@y.example" },
		"recipient with blank": func(m *mail.Message) { m.To = " a@x.example" },
		"no recipient":         func(m *mail.Message) { m.To = "" },
		"no subject":           func(m *mail.Message) { m.Subject = "" },
		"subject CR":           func(m *mail.Message) { m.Subject = "x\rBcc: b@y.example" },
		"subject LF":           func(m *mail.Message) { m.Subject = "x\nBcc: b@y.example" },
		"subject comma":        func(m *mail.Message) { m.Subject = "x, y" },
		"subject NUL":          func(m *mail.Message) { m.Subject = "x\x00" },
		"subject separator":    func(m *mail.Message) { m.Subject = "x\u2028y" },
		"subject backwards":    func(m *mail.Message) { m.Subject = "x\u202ey" },
		"subject not UTF-8":    func(m *mail.Message) { m.Subject = "\xff" },
		"subject long":         func(m *mail.Message) { m.Subject = strings.Repeat("x", 201) },
		"no text":              func(m *mail.Message) { m.Text = "" },
		"text long":            func(m *mail.Message) { m.Text = strings.Repeat("x", 300<<10) },
		"text not UTF-8":       func(m *mail.Message) { m.Text = "\xff" },
	} {
		for _, sender := range []mail.Sender{folder, mail.Console(&out), queue} {
			m := message()
			change(&m)
			err := sender.Send(t.Context(), m)
			if !errors.Is(err, mail.ErrAddress) && !errors.Is(err, mail.ErrHeader) && !errors.Is(err, mail.ErrRefused) {
				t.Errorf("%s: %T: %v, want a refusal", name, sender, err)
			}
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 || out.Len() > 0 {
		t.Errorf("%d letters were written, printed: %s", len(files), &out)
	}
}

func TestHOK04_inert(t *testing.T) {
	for text, bad := range map[string]string{
		"http://evil.example/x": "http:/", "evil.example": "evil.e", "www.evil.example": "www.e", "ann@evil.example": "@e", "x\r\nBcc: y": "\n",
		"<a href=x>": "<a", "+49 30 1234": "+4", "a\u202eb": "\u202e", "\u2028": "\u2028", "\xff": "\xff",
	} {
		got := mail.Inert(text)
		if strings.Contains(got, bad) {
			t.Errorf("Inert(%q) = %q, with %q in it", text, got, bad)
		}
		if strings.ReplaceAll(got, "\u2060", "") == "" && strings.ContainsAny(text, "abcdefg") {
			t.Errorf("Inert(%q) is empty", text)
		}
	}
	if got := mail.Inert("Ann Marie O\u2019Hara"); !strings.HasPrefix(got, "Ann Marie O") {
		t.Errorf("Inert changes a name to %q", got)
	}
	if got := []rune(mail.Inert(strings.Repeat("é", 500))); len(got) != 101 {
		t.Errorf("%d characters are left of 500, want 100 and a mark", len(got))
	}
}

// TestOPS09_secretsStayInside: a letter holds a link that opens an account.
func TestOPS09_secretsStayInside(t *testing.T) {
	m := message()
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "letter", m)
	for _, text := range []string{fmt.Sprint(m), fmt.Sprintf("%+v %#v %s %q", m, m, m, m), logged.String()} {
		if strings.Contains(text, "token") || strings.Contains(text, "ann@") {
			t.Errorf("it shows %s", text)
		}
	}
}

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	folder, err := mail.Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := message()
	m.Subject, m.HTML = "Grüße", "<p>Hello</p>"
	for _, html := range []string{"<p>Hello</p>", ""} {
		m.HTML = html
		if err := folder.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, file := range append(files, dir) {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s may be read by others: %v %v", file, info.Mode(), err)
		}
	}
	data, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	letter, err := netmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(letter.Header.Get("Subject"))
	if err != nil || subject != "Grüße" || letter.Header.Get("To") != "<ann@kitchen.example>" {
		t.Errorf("subject %q to %q: %v", subject, letter.Header.Get("To"), err)
	}
	body, err := io.ReadAll(letter.Body)
	if err != nil || !strings.Contains(string(body), "token=3Dabc") {
		t.Errorf("body %q, %v", body, err)
	}
	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{open, "", files[0]} {
		if _, err := mail.Folder(dir); err == nil {
			t.Errorf("Folder(%q) accepts it", dir)
		}
	}
}

func TestRates(t *testing.T) {
	now := time.Now()
	rates := mail.NewRates(mail.RatesConfig{MaxEntries: 2, Now: func() time.Time { return now }})
	take := func(key string) (n int) {
		for range 10 {
			if ok, _ := rates.Allow(context.Background(), key, 3, time.Hour); ok {
				n++
			}
		}
		return n
	}
	if n := take("a"); n != 3 {
		t.Errorf("%d, want 3", n)
	}
	now = now.Add(time.Hour - 1)
	if n := take("a"); n != 0 {
		t.Errorf("a moment before the hour: %d, want 0", n)
	}
	now = now.Add(1)
	if n := take("a"); n != 3 {
		t.Errorf("an hour later: %d, want 3", n)
	}
	take("b")
	take("c") // and a is forgotten
	if n := take("a"); n != 3 {
		t.Errorf("a counter too many is kept: %d", n)
	}
}
