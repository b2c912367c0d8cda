package strategytest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gatewright/gate"
)

// strategyName is what the strategy is registered as.
const strategyName = "under-test"

// A report collects what is wrong.
type report struct {
	suite Suite
	mu    sync.Mutex
	errs  []error
}

func (r *report) errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := fmt.Errorf(format, args...)
	for _, known := range r.errs {
		if known.Error() == err.Error() {
			return
		}
	}
	r.errs = append(r.errs, err)
}

// credentials returns what the engine would hand to the strategy. Without an
// error and without found, the parser sees nothing in the request.
func (r *report) credentials(st gate.Strategy, c Case) (cred gate.Credentials, found bool, err error) {
	if c.Request == nil {
		cred.Fields = maps.Clone(c.Fields)
		if cred.Fields == nil {
			cred.Fields = make(map[string]any, 1)
		}
		cred.Fields["strategy"] = strategyName
		cred.Strategy = strategyName
		return cred, true, nil
	}
	cred, found, err = st.(gate.Parser).Parse(c.Request()) //nolint:forcetypeassert // checkSuite has seen to it
	cred.Strategy = strategyName
	return cred, found, err
}

// present lets the strategy judge a case. What it does not even parse is
// refused, with the code of nothing when it is nothing.
func (r *report) present(ctx context.Context, st gate.Strategy, c Case) (*gate.Principal, error) {
	cred, found, err := r.credentials(st, c)
	switch {
	case err != nil:
		r.searchError(c, err)
		return nil, err
	case !found:
		return nil, gate.ErrNotAuthenticated
	}
	return r.judge(ctx, st, c, cred)
}

// judge lets the strategy judge cred, which stem from c.
func (r *report) judge(ctx context.Context, st gate.Strategy, c Case, cred gate.Credentials) (p *gate.Principal, err error) {
	defer func() {
		if v := recover(); v != nil {
			p, err = nil, fmt.Errorf("panic: %v", v)
			r.errorf("%s: the strategy panicked: %.200v", c.Name, v)
		}
	}()
	before := maps.Clone(cred.Fields)
	if renewer, ok := st.(gate.Renewer); ok {
		var renewal *gate.Renewal
		if renewal, err = renewer.Renew(ctx, cred); renewal != nil {
			p = renewal.Principal
		}
	} else {
		p, err = st.Authenticate(ctx, cred)
	}
	switch {
	case p != nil && err != nil:
		r.errorf("%s: the strategy returned a principal and an error", c.Name)
		p = nil
	case p == nil && err == nil:
		err = errors.New("neither a principal nor an error")
		r.errorf("%s: the strategy returned neither a principal nor an error", c.Name)
	}
	if !sameFields(before, cred.Fields) {
		r.errorf("%s: the strategy changed the fields of the credentials", c.Name)
	}
	if err != nil {
		r.searchError(c, err)
	}
	return p, err
}

// sameFields compares names and strings; that is what strategies might change.
func sameFields(a, b map[string]any) bool {
	text := func(v any) string { s, _ := v.(string); return s }
	return maps.EqualFunc(a, b, func(x, y any) bool { return text(x) == text(y) })
}

// codeOf returns the refusal that err is answered as, "" when it is none: then
// it says that the strategy could not decide. The first gate.AuthError makes the
// answer, whatever lies below.
func codeOf(err error) gate.Code {
	if refusal, ok := errors.AsType[*gate.AuthError](err); ok {
		if err = refusal.Code; refusal.Code == gate.ErrUnavailable {
			return ""
		}
	}
	if errors.Is(err, gate.ErrUnavailable) {
		return ""
	}
	for _, code := range []gate.Code{
		gate.ErrReused, gate.ErrStepUpRequired, gate.ErrNotAuthenticated, gate.ErrInvalidCredentials,
		gate.ErrForbidden, gate.ErrBadRequest, gate.ErrTooManyRequests,
	} {
		if errors.Is(err, code) {
			return code
		}
	}
	return ""
}

// unauthenticated reports whether code is answered 401.
func unauthenticated(code gate.Code) bool {
	return code == gate.ErrNotAuthenticated || code == gate.ErrInvalidCredentials || code == gate.ErrReused
}

// shortest is the length from which on a value is searched for: shorter ones
// are words that anybody may use.
const shortest = 6

// secrets are the texts of a case that nothing may repeat.
func (c Case) secrets() []string {
	var list []string
	add := func(s string) {
		if len(s) >= shortest {
			list = append(list, s)
		}
	}
	for _, v := range c.Fields {
		if s, ok := v.(string); ok {
			add(s)
		}
	}
	if c.Request == nil {
		return list
	}
	for header, values := range c.Request().Header {
		for _, value := range values {
			switch header {
			case "Authorization":
				_, value, _ = strings.Cut(value, " ")
				add(value)
				if decoded, err := base64.StdEncoding.DecodeString(value); err == nil {
					_, password, _ := strings.Cut(string(decoded), ":")
					add(password)
				}
			case "Cookie":
				for pair := range strings.SplitSeq(value, ";") {
					_, value, _ := strings.Cut(pair, "=")
					add(value)
				}
			default:
				add(value)
			}
		}
	}
	return list
}

// searchError looks for what was presented in the text of an error, which ends
// up in a log.
func (r *report) searchError(c Case, err error) {
	for _, secret := range c.secrets() {
		if strings.Contains(err.Error(), secret) {
			r.errorf("%s: the error shows what was presented", c.Name)
			return
		}
	}
}

// searchLogs looks for anything that was presented in what was logged.
func (r *report) searchLogs(logs string) {
	for _, c := range slices.Concat(r.suite.Good, r.suite.Bad) {
		for _, secret := range c.secrets() {
			if strings.Contains(logs, secret) {
				r.errorf("%s: the log shows what was presented", c.Name)
				return
			}
		}
	}
}

// capture takes what goes to the default logger until restore is called.
func capture() (logs func() string, restore func()) {
	var b buffer
	before, writer, flags := slog.Default(), log.Writer(), log.Flags()
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	return b.String, func() {
		slog.SetDefault(before)
		log.SetOutput(writer)
		log.SetFlags(flags)
	}
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
