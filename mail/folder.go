package mail

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"os"
	"time"
)

// Folder returns a sender that writes each letter to a file of its own in dir,
// for development and tests: NAME.eml, whose names sort by time. The folder is
// made when it is not there; only its owner may read it and the letters. What
// should leave the machine goes through package mail/smtp.
func Folder(dir string) (Sender, error) {
	if dir == "" {
		return nil, errors.New("mail folder: without a name")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("mail folder: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("mail folder: %w", err)
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("mail folder %s: not a folder that only its owner may read, chmod 700 it", dir)
	}
	return folder{dir}, nil
}

type folder struct{ dir string }

// Send implements [Sender].
func (f folder) Send(_ context.Context, m Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	now := time.Now().UTC()
	data, err := encode(m, now)
	if err != nil {
		return fmt.Errorf("write letter: %w", err)
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return fmt.Errorf("write letter: %w", err)
	}
	defer root.Close()
	name := now.Format("20060102T150405.000000") + "-" + rand.Text()[:8]
	// Under another name first: who watches the folder reads whole letters.
	if err := root.WriteFile(name+".tmp", data, 0o600); err != nil {
		return fmt.Errorf("write letter: %w", err)
	}
	if err := root.Rename(name+".tmp", name+".eml"); err != nil {
		return fmt.Errorf("write letter: %w", err)
	}
	return nil
}

// encode writes a letter as RFC 5322 and RFC 2045 have it.
func encode(m Message, now time.Time) ([]byte, error) {
	var b bytes.Buffer
	field := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	field("To", "<"+m.To+">")
	field("Subject", mime.QEncoding.Encode("utf-8", m.Subject))
	field("Date", now.Format(time.RFC1123Z))
	field("MIME-Version", "1.0")
	if m.HTML == "" {
		field("Content-Type", "text/plain; charset=utf-8")
		field("Content-Transfer-Encoding", "quoted-printable")
		b.WriteString("\r\n")
		err := quote(&b, m.Text)
		return b.Bytes(), err
	}
	parts := multipart.NewWriter(&b)
	field("Content-Type", mime.FormatMediaType("multipart/alternative", map[string]string{"boundary": parts.Boundary()}))
	b.WriteString("\r\n")
	for _, body := range []struct{ media, text string }{{"text/plain", m.Text}, {"text/html", m.HTML}} {
		w, err := parts.CreatePart(textproto.MIMEHeader{
			"Content-Type":              {body.media + "; charset=utf-8"},
			"Content-Transfer-Encoding": {"quoted-printable"},
		})
		if err != nil {
			return nil, err
		}
		if err := quote(w, body.text); err != nil {
			return nil, err
		}
	}
	err := parts.Close()
	return b.Bytes(), err
}

func quote(w io.Writer, text string) error {
	q := quotedprintable.NewWriter(w)
	if _, err := io.WriteString(q, text); err != nil {
		return err
	}
	return q.Close()
}
