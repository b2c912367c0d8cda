package strategytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gatewright/gate"
)

// checkYes has good credentials accepted, twice, by one strategy.
func checkYes(ctx context.Context, r *report) {
	st, _ := r.suite.New()
	for _, c := range r.suite.Good {
		for range 2 {
			p, err := r.present(ctx, st, c)
			if err != nil {
				r.errorf("%s: refused: %v", c.Name, err)
				break
			}
			r.compare(c, p)
			p.Subject, p.Strategy = "changed", "changed" // the caller's to change
			p.Roles, p.Permissions, p.Scopes = nil, []string{"*"}, nil
		}
	}
}

// compare reports a principal that is not the suite's.
func (r *report) compare(c Case, p *gate.Principal) {
	switch {
	case slices.Contains(p.Permissions, "*"):
		r.errorf("%s: the principal is not a fresh one: it has what was given to the one before", c.Name)
	case p.Subject != r.suite.Subject:
		r.errorf("%s: the subject is %q, want %q", c.Name, p.Subject, r.suite.Subject)
	}
}

// checkNo has bad credentials refused, and alike.
func checkNo(ctx context.Context, r *report) {
	st, _ := r.suite.New()
	var first Case
	var answer string
	for _, c := range append(slices.Clip(r.suite.Bad), Case{Name: "nothing at all", Distinct: true}) {
		p, err := r.present(ctx, st, c)
		if p != nil {
			r.errorf("%s: accepted as %q", c.Name, p.Subject)
			continue
		}
		code := codeOf(err)
		if want := c.Code; want != "" && code != want || want == "" && !unauthenticated(code) {
			r.errorf("%s: got %v, want %s", c.Name, err, orUnauthenticated(want))
		}
		if c.Distinct || c.Code != "" {
			continue
		}
		got := said(err)
		if first.Name == "" {
			first, answer = c, got
		}
		if got != answer {
			r.errorf("%s is answered %q, but %s %q: whoever tries learns which it is", c.Name, got, first.Name, answer)
		}
	}
}

func orUnauthenticated(code gate.Code) string {
	if code == "" {
		return "a 401"
	}
	return string(code)
}

// said is what the one who asked is told.
func said(err error) string {
	if refusal, ok := errors.AsType[*gate.AuthError](err); ok {
		code := refusal.Code
		if code == gate.ErrReused {
			code = gate.ErrNotAuthenticated // shown as that
		}
		return fmt.Sprintf("%s %s", code, refusal.Message)
	}
	return string(codeOf(err)) + " "
}

// checkTypes replaces each field by what JSON can hold besides strings.
func checkTypes(ctx context.Context, r *report) {
	st, _ := r.suite.New()
	wrong := map[string]any{
		"an operator": map[string]any{"$ne": nil}, "an object": map[string]any{"toString": json.Number("1")},
		"a list": []any{"a"}, "a list of lists": []any{[]any{}}, "a number": json.Number("15"), "a float": 1.5,
		"true": true, "null": nil,
	}
	for _, c := range r.suite.Good {
		for field, value := range c.Fields {
			if _, ok := value.(string); !ok {
				continue
			}
			for kind, v := range wrong {
				hostile := c.with(field, v)
				hostile.Name = fmt.Sprintf("%s with %q as %s", c.Name, field, kind)
				if p, err := r.present(ctx, st, hostile); p != nil || codeOf(err) != gate.ErrBadRequest {
					r.errorf("%s: got %v and %v, want %s; see gate.Credentials.Text", hostile.Name, p != nil, err, gate.ErrBadRequest)
				}
			}
		}
	}
}

// with returns c with one field changed.
func (c Case) with(field string, v any) Case {
	c.Fields = maps.Clone(c.Fields)
	c.Fields[field] = v
	return c
}

// checkTexts replaces each field by texts that are made to break something, and
// leaves each out.
func checkTexts(ctx context.Context, r *report) {
	st, _ := r.suite.New()
	for _, c := range r.suite.Good {
		for field, value := range c.Fields {
			good, ok := value.(string)
			if !ok {
				continue
			}
			missing := c
			missing.Name = fmt.Sprintf("%s without %q", c.Name, field)
			missing.Fields = maps.Clone(c.Fields)
			delete(missing.Fields, field)
			r.refuse(ctx, st, missing)
			for kind, text := range hostileTexts(good) {
				hostile := c.with(field, text)
				hostile.Name = fmt.Sprintf("%s with %q %s", c.Name, field, kind)
				r.refuse(ctx, st, hostile)
			}
		}
	}
}

func hostileTexts(good string) map[string]string {
	return map[string]string{
		"empty": "", "blank": "   ", "of a megabyte": strings.Repeat("A", 1<<20),
		"followed by a megabyte": good + strings.Repeat("A", 1<<20),
		"not UTF-8":              "\xff\xfe", "followed by no UTF-8": good + "\xff",
		"NUL": "\x00", "followed by NUL": good + "\x00", "after NUL": "\x00" + good,
		"followed by a header": good + "\r\nX-Role: admin", "in JSON": `{"$ne":null}`, "in SQL": `' OR '1'='1' --`,
		"a wildcard": "%", "a path": "../../../../etc/passwd", "a format": "%s%n%d", "a template": "{{.}}${7*7}",
		"upside down": "\u202e" + good,
	}
}

// refuse reports an answer other than no.
func (r *report) refuse(ctx context.Context, st gate.Strategy, c Case) {
	p, err := r.present(ctx, st, c)
	switch code := codeOf(err); {
	case p != nil:
		r.errorf("%s: accepted as %q", c.Name, p.Subject)
	case code == "":
		r.errorf("%s: could not decide (%.200s); what a client sends is not the backend's fault", c.Name, err)
	}
}

// checkFaults has the backend fail, and the caller go away.
func checkFaults(ctx context.Context, r *report) {
	st, fail := r.suite.New()
	gone, cancel := context.WithCancel(ctx)
	cancel()
	for _, c := range r.suite.Good {
		if _, err := r.present(gone, st, c); err != nil && codeOf(err) != "" {
			r.errorf("%s: after the caller went away got %v, which is a refusal: clients throw their credentials away", c.Name, err)
		}
		if fail == nil {
			continue
		}
		for _, fault := range []error{
			errors.New("backend is down"), context.Canceled, context.DeadlineExceeded,
			&gate.AuthError{Code: gate.ErrUnavailable, Err: gate.ErrNotAuthenticated},
		} {
			fail(fault)
			p, err := r.present(ctx, st, c)
			if p != nil {
				r.errorf("%s: accepted although the backend fails with %q", c.Name, fault)
			} else if code := codeOf(err); code != "" {
				r.errorf("%s: when the backend fails with %q got %s: clients throw their credentials away", c.Name, fault, code)
			}
			fail(nil)
			if _, err := r.present(ctx, st, c); err != nil {
				r.errorf("%s: refused when the backend works again: %v", c.Name, err)
			}
		}
	}
	if fail == nil {
		return
	}
	fail(errors.New("backend is down"))
	for _, c := range r.suite.Bad {
		if p, _ := r.present(ctx, st, c); p != nil {
			r.errorf("%s: accepted while the backend fails", c.Name)
		}
	}
}

// checkConcurrency presents everything at once.
func checkConcurrency(ctx context.Context, r *report) {
	st, _ := r.suite.New()
	const callers = 16
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		seen = make(map[*gate.Principal]bool)
	)
	for range callers {
		wg.Go(func() {
			for _, c := range r.suite.Good {
				p, err := r.present(ctx, st, c)
				if err != nil {
					r.errorf("%s: refused while others ask: %v", c.Name, err)
					continue
				}
				r.compare(c, p)
				mu.Lock()
				if seen[p] {
					r.errorf("%s: one principal was returned twice: callers complete theirs", c.Name)
				}
				seen[p] = true
				mu.Unlock()
			}
			for _, c := range r.suite.Bad {
				if p, _ := r.present(ctx, st, c); p != nil {
					r.errorf("%s: accepted while others ask", c.Name)
				}
			}
		})
	}
	wg.Wait()
}

// checkRenewal is for a [gate.Renewer].
func checkRenewal(ctx context.Context, r *report) {
	st, _ := r.suite.New()
	renewer, ok := st.(gate.Renewer)
	if !ok {
		return
	}
	for _, c := range r.suite.Good {
		cred, _, _ := r.credentials(st, c)
		if p, err := st.Authenticate(ctx, cred); p != nil || !unauthenticated(codeOf(err)) {
			r.errorf("%s: Authenticate answers %v, want a 401: the credentials renew and do nothing else", c.Name, err)
		}
		renewal, err := renewer.Renew(ctx, cred)
		if err != nil || renewal == nil || renewal.Principal == nil {
			r.errorf("%s: not renewed: %v", c.Name, err)
			continue
		}
		if renewal.Principal.SessionID == "" || renewal.Principal.AuthenticatedAt.IsZero() || renewal.Refresh.Token == "" {
			r.errorf("%s: the renewal lacks its session, the time of its login, or the next token", c.Name)
		}
	}
}

// checkToken is for a [gate.TokenCarrier].
func checkToken(ctx context.Context, r *report) {
	st, _ := r.suite.New()
	carrier, ok := st.(gate.TokenCarrier)
	if !ok {
		return
	}
	if token := carrier.AccessToken(gate.Credentials{}); token != "" {
		r.errorf("nothing carries the token %q", token)
	}
	for _, c := range r.suite.Good {
		cred, _, err := r.credentials(st, c)
		token := carrier.AccessToken(cred)
		if err != nil || token == "" {
			r.errorf("%s: the credentials carry no token: %v", c.Name, err)
			continue
		}
		again := carrier.FromToken(token)
		if carrier.AccessToken(again) != token {
			r.errorf("%s: FromToken returns credentials that carry another token", c.Name)
		}
		if p, err := r.judge(ctx, st, c, again); err != nil || p.Subject != r.suite.Subject {
			r.errorf("%s: what FromToken returns is refused: %v", c.Name, err)
		}
	}
}
