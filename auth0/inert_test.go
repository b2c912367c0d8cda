package auth0_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/gatewright/gate/auth0"
)

// hostile is a name that is not what it looks like: it turns the text around, has
// parts that nobody sees, clears the terminal and goes on in a line of its own.
const hostile = "a\u202egpj\u2066b\u200b\u00ad\u3164\u061c\ufeffc\u2028d\x1b[2Je\u009bf\u2060\r"

// GEN-10: nothing of a tenant acts on the terminal of who plans: not in a plan,
// not in a warning, an error or a file of variables.
func TestGEN10_invisibleCharacters(t *testing.T) {
	for name, test := range map[string]func(f *fake) func(r *http.Request) fault{
		"the difference": func(f *fake) func(*http.Request) fault {
			f.one(t, "clients", "menu SPA")["token_endpoint_auth_method"] = hostile
			return nil
		},
		"a warning": func(f *fake) func(*http.Request) fault {
			f.one(t, "resource-servers", "Menu API")["name"] = hostile
			return nil
		},
		"a conflict": func(f *fake) func(*http.Request) fault {
			f.one(t, "clients", "menu SPA")["app_type"] = hostile
			return nil
		},
		"a message": func(*fake) func(*http.Request) fault {
			return func(*http.Request) fault { return fault{status: 400, message: hostile} }
		},
		"scopes": func(*fake) func(*http.Request) fault {
			return func(*http.Request) fault {
				return fault{status: 403, message: "Insufficient scope, expected any of: " + hostile + ", b"}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			apply(t, f, desired())
			if hook := test(f); hook != nil {
				f.hook = func(_ int, r *http.Request) fault { return hook(r) }
			}
			var text string
			for _, plan := range []func(context.Context, auth0.Desired) (*auth0.Plan, error){tenant(t, f).Plan, tenant(t, f).PlanDestroy} {
				p, err := plan(t.Context(), desired())
				if err != nil {
					text += err.Error() + "\n"
					continue
				}
				text += p.String() + strings.Join(p.Warnings, "\n") + "\n"
			}
			if !strings.Contains(text, `\u202e`) || !strings.Contains(text, `\u200b`) || !strings.Contains(text, `\u3164`) {
				t.Errorf("not told what is there: %q", text)
			}
			for _, r := range text {
				if r != '\n' && (!strconv.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u3164') {
					t.Errorf("%U in %q", r, text)
				}
			}
		})
	}
	file := (&auth0.Result{ClientID: hostile}).DotEnv()
	for _, r := range strings.TrimSuffix(file, "\n") {
		if !strconv.IsPrint(r) || r == '\u3164' {
			t.Errorf("%U in %q", r, file)
		}
	}
}
