package cli

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLayOut(t *testing.T) {
	head := []string{"name", "id", "callbacks"}
	rows := [][]string{
		{"Menu", "20afee7f0086649b56e88dd4", "http://localhost:3000/auth-callback http://localhost:5173/auth-callback"},
		{"Cron", "f4b2ec12e7a4478fcfe0b0be", ""},
	}
	for name, tt := range map[string]struct {
		columns int
		head    []string
		rows    [][]string
		want    string
	}{
		"in a pipe a row is a line": {0, head, rows, `
  NAME   ID                         CALLBACKS
  Menu   20afee7f0086649b56e88dd4   http://localhost:3000/auth-callback http://localhost:5173/auth-callback
  Cron   f4b2ec12e7a4478fcfe0b0be
`},
		"the last column wraps": {80, head, rows, `
  NAME   ID                         CALLBACKS
  Menu   20afee7f0086649b56e88dd4   http://localhost:3000/auth-callback
                                    http://localhost:5173/auth-callback
  Cron   f4b2ec12e7a4478fcfe0b0be
`},
		"or rows stand below their names": {60, head, rows, `
  name        Menu
  id          20afee7f0086649b56e88dd4
  callbacks   http://localhost:3000/auth-callback
              http://localhost:5173/auth-callback

  name   Cron
  id     f4b2ec12e7a4478fcfe0b0be
`},
		"one object": {40, nil, [][]string{{"name", "Ünü"}, {"grants", "authorization_code refresh_token password"}}, `
  name     Ünü
  grants   authorization_code
           refresh_token password
`},
		"what does not fit at all is whole": {20, nil, [][]string{{"id", strings.Repeat("x", 30)}}, `
  id   ` + strings.Repeat("x", 30) + `
`},
		"nothing": {80, nil, nil, "\n"},
	} {
		got := "\n" + layOut(tt.columns, tt.head, tt.rows)
		if got != tt.want {
			t.Errorf("%s:%s", name, got)
		}
		for line := range strings.Lines(got) {
			if n := utf8.RuneCountInString(strings.TrimSpace(line)); tt.columns > 30 && n > tt.columns {
				t.Errorf("%s: a line of %d", name, n)
			}
		}
	}
}
