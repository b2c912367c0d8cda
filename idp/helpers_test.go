package idp_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/mail"
)

func basicOf(id, secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
}

// discard sends no letters.
type discard struct{}

func (discard) Send(context.Context, mail.Message) error { return nil }

// dumpTable returns all that a table holds.
func dumpTable(t *testing.T, s *idptest.Server, table string) string {
	t.Helper()
	rows, err := s.DB.Read().QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for rows.Next() {
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if raw, ok := (*v.(*any)).([]byte); ok {
				fmt.Fprintf(&b, "%s\n", raw)
				continue
			}
			fmt.Fprintln(&b, *v.(*any))
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var links = regexp.MustCompile(`https?://[^\s"<>]+`)

// letterLink waits for a letter with a link to set a password.
func letterLink(t *testing.T, s *idptest.Server) string {
	t.Helper()
	const path = "/u/reset-password?ticket="
	var found string
	awaitLetter(t, s, func() bool {
		files, err := filepath.Glob(filepath.Join(s.Outbox, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				continue // it was moved
			}
			text := strings.NewReplacer("=\r\n", "", "=\n", "", "=3D", "=").Replace(string(data))
			for _, link := range links.FindAllString(text, -1) {
				if strings.Contains(link, path) {
					found = link
					return true
				}
			}
		}
		return false
	})
	return found
}
