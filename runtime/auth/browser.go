package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store/throttle"
)

// The strategies of people at a browser.
const (
	cookieStrategy = "cookie"
	localStrategy  = "local"
)

// A Browser logs people in and out who fill in forms of the service's own pages. What
// judges a log-in, slows it down and notes it is [Auth.Session]. It is safe for
// concurrent use; [Auth.Browser] makes one.
type Browser struct {
	auth    *Auth
	session http.Handler
}

// Browser returns what logs people in by forms, or an error where they have no cookies
// or no passwords. It is called when all strategies are registered.
func (a *Auth) Browser() (*Browser, error) {
	session, err := a.Session()
	if err != nil {
		return nil, err
	}
	if session == nil || !slices.Contains(a.parsers, cookieStrategy) || !slices.Contains(a.proofs, localStrategy) {
		return nil, errors.New("nobody logs in with a password and gets a cookie")
	}
	return &Browser{a, session}, nil
}

// Fields returns the names of the fields that hold the login name, the address for
// letters and the password. The second is empty where accounts have none.
func (b *Browser) Fields() (login, email, password string) {
	return b.auth.cfg.Login, b.auth.cfg.Email, b.auth.cfg.Password
}

// Letters reports whether the service writes to people.
func (b *Browser) Letters() bool { return b.auth.letters != nil }

// Confirm reports whether nobody logs in before the address is confirmed.
func (b *Browser) Confirm() bool { return b.Letters() && b.auth.cfg.Letters.Confirm }

// Keys reports whether people have API keys.
func (b *Browser) Keys() bool { return b.auth.apiKeys != nil }

// StepUp returns how long ago somebody may have logged in who makes a key.
func (b *Browser) StepUp() time.Duration { return b.auth.cfg.StepUp }

// Flows returns what somebody does with their account, of whatever entity it is.
func (b *Browser) Flows(p *gate.Principal) *account.Flows { return b.auth.realm(p).flows }

// Profile returns what is known of the account of somebody.
func (b *Browser) Profile(r *http.Request, p *gate.Principal) (account.Profile, error) {
	realm := b.auth.realm(p)
	return users{realm.accounts, realm}.Profile(r.Context(), p.Subject)
}

// Request returns r as pages see it: with whoever the cookie says in its context, nobody
// when the cookie is no good any more, and without an Authorization header, which pages
// do not listen to. An error means that it could not be told, or that another site sent
// the request.
func (b *Browser) Request(r *http.Request) (*http.Request, error) {
	ctx := r.Context()
	if token := throttle.DeviceCookie(r); token != "" {
		ctx = throttle.ContextWithDevice(ctx, token)
	}
	r = r.Clone(ctx)
	r.Header.Del("Authorization")
	c, found, err := b.auth.service.Parse(r, cookieStrategy)
	if err != nil || !found {
		return r, err
	}
	p, err := b.auth.service.Authenticate(ctx, c, cookieStrategy)
	switch {
	case err == nil:
		return r.WithContext(gate.ContextWithPrincipal(ctx, p)), nil
	case errors.Is(err, gate.ErrNotAuthenticated) && !errors.Is(err, gate.ErrUnavailable):
		return r, nil
	}
	return r, err
}

// LogIn logs in with a password and sets the cookies of the log-in in the header of w.
// It ends the session before it. A refusal is a [gate.Error] with the status and the
// words that POST of [Auth.Session] answers.
func (b *Browser) LogIn(w http.ResponseWriter, r *http.Request, name, password string) error {
	body := model.AppendString([]byte(`{"strategy":"`+localStrategy+`",`), b.auth.cfg.Login)
	body = model.AppendString(append(body, ':'), name)
	body = model.AppendString(append(body, ','), b.auth.cfg.Password)
	body = model.AppendString(append(body, ':'), password)
	return b.ask(w, r, http.MethodPost, append(body, '}'), http.StatusCreated)
}

// LogOut ends the session of r and takes its cookie back.
func (b *Browser) LogOut(w http.ResponseWriter, r *http.Request) error {
	return b.ask(w, r, http.MethodDelete, nil, http.StatusNoContent)
}

// ask has the session judge a request with that body.
func (b *Browser) ask(w http.ResponseWriter, r *http.Request, method string, body []byte, want int) error {
	as := r.Clone(r.Context())
	as.Method, as.URL, as.Pattern = method, &url.URL{Path: "/"}, ""
	as.Body, as.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	as.Header.Set("Content-Type", "application/json")
	as.Header.Del("Accept")
	answer := &held{ResponseWriter: headerWriter{http.Header{}}, status: http.StatusOK}
	b.session.ServeHTTP(answer, as)
	if answer.status != want {
		return refused(answer)
	}
	for _, name := range []string{"Set-Cookie", "Clear-Site-Data"} {
		for _, value := range answer.Header()[name] {
			w.Header().Add(name, value)
		}
	}
	return nil
}

// refused returns the error that was answered. One of the service itself is in its log.
func refused(answer *held) error {
	var said struct{ Message string }
	_ = json.Unmarshal(answer.body.Bytes(), &said) // the status says enough
	e := &gate.Error{Status: answer.status, Message: said.Message}
	if n, err := strconv.Atoi(answer.Header().Get("Retry-After")); err == nil {
		e.RetryAfter = time.Duration(n) * time.Second
	}
	return e
}
