// Package outbox reads the letters that package mail writes to a folder, for pages of
// development.
package outbox

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Letter is one that was written instead of sent.
type Letter struct {
	Name    string    `json:"name"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Date    time.Time `json:"date"`
	Text    string    `json:"text"`
	Links   []string  `json:"links"`
}

// Read returns the newest letters of a folder, up to so many, the newest first. A folder
// that is not there has none.
func Read(dir string, most int) ([]Letter, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".eml" {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	slices.Reverse(names)
	all := []Letter{}
	for _, name := range names[:min(len(names), most)] {
		data, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // in the folder of the letters
		if err != nil {
			return nil, err
		}
		l, err := readLetter(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		l.Name = name
		all = append(all, l)
	}
	return all, nil
}

var link = regexp.MustCompile(`https?://[^\s<>"]+`)

func readLetter(data []byte) (Letter, error) {
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return Letter{}, err
	}
	l := Letter{To: m.Header.Get("To")}
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return Letter{}, err
	}
	l.Date, _ = m.Header.Date() // zero without
	if l.Text, err = plainText(m); err != nil {
		return Letter{}, err
	}
	l.Links = append([]string{}, link.FindAllString(l.Text, -1)...) // a list, also of none
	return l, nil
}

// plainText returns the text part.
func plainText(m *mail.Message) (string, error) {
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(kind, "multipart/") {
		return decodeBody(m.Body, m.Header.Get("Content-Transfer-Encoding"))
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextPart() // quoted-printable is undone by it
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain") {
			text, err := io.ReadAll(io.LimitReader(part, 1<<20))
			return string(text), err
		}
	}
}

// maxText bounds a letter.
const maxText = 1 << 20

// decodeBody undoes the transfer encoding of a body (RFC 2045 §6).
func decodeBody(r io.Reader, encoding string) (string, error) {
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxText))
	return string(text), err
}
