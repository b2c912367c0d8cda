package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gatewright/gate/internal/origin"
)

// The defaults of a [CookieConfig], and how far they may be loosened (NIST SP
// 800-63B-4 §2.2.3).
const (
	DefaultCookieName      = "__Host-gate"
	DefaultCookieExpiresIn = 12 * time.Hour
	DefaultCookieIdleFor   = 30 * time.Minute
	MaxCookieExpiresIn     = 24 * time.Hour
	MaxCookieIdleFor       = time.Hour
)

// CookieConfig configures [Service.SessionHandler]. The zero value is ready for
// use.
type CookieConfig struct {
	// Name is the name of the cookie; empty means [DefaultCookieName]. It begins
	// with "__Host-": browsers then hold it to one host and to https, and take
	// it on http only from localhost.
	Name string
	// SameSite is the attribute of that name; zero means Lax.
	SameSite http.SameSite
	// ExpiresIn is how long somebody stays logged in at most, IdleFor without a
	// request; zero means the defaults.
	ExpiresIn, IdleFor time.Duration
	// TrustedOrigins may log in from another origin than the service's own:
	// "https://app.example.com".
	TrustedOrigins []string
	// Strategies may log in; nil means Config.AuthStrategies. Those whose
	// credentials are tokens never do.
	Strategies []string
}

func (c CookieConfig) withDefaults() (CookieConfig, error) {
	c.Name = cmp.Or(c.Name, DefaultCookieName)
	c.SameSite = cmp.Or(c.SameSite, http.SameSiteLaxMode)
	c.ExpiresIn = cmp.Or(c.ExpiresIn, DefaultCookieExpiresIn)
	c.IdleFor = cmp.Or(c.IdleFor, DefaultCookieIdleFor)
	c.Strategies = slices.Clone(c.Strategies)
	switch {
	case len(c.Name) <= len("__Host-") || c.Name[:len("__Host-")] != "__Host-":
		return c, fmt.Errorf("session cookie %q: the name begins with __Host-", c.Name)
	case c.ExpiresIn < time.Minute || c.ExpiresIn > MaxCookieExpiresIn:
		return c, fmt.Errorf("session cookies expire in %v: between a minute and %v", c.ExpiresIn, MaxCookieExpiresIn)
	case c.IdleFor < time.Minute || c.IdleFor > MaxCookieIdleFor:
		return c, fmt.Errorf("session cookies idle for %v: between a minute and %v", c.IdleFor, MaxCookieIdleFor)
	case c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode:
		return c, errors.New("session cookies are SameSite Lax or Strict")
	}
	return c, nil
}

// SessionHandler returns the endpoint for browsers, which keep no token: POST
// logs in with the same body as [Service.Handler] and sets a cookie that no
// script can read, GET answers who is logged in, DELETE logs out. The strategy
// "cookie" then recognises the cookie on other requests.
//
//	mux.Handle("/session", handler)
//
// Config.Sessions has to be [CookieSessions], too. Requests that another site makes
// a browser send are refused with 403. Logging in again ends the session before it.
func (s *Service) SessionHandler(cfg CookieConfig) (http.Handler, error) {
	cfg, err := cfg.withDefaults()
	if err == nil {
		_, err = s.state.Load().cookieSessions()
	}
	h := &sessionHandler{service: s, cfg: cfg}
	if err == nil {
		h.origins, err = origin.New(cfg.TrustedOrigins)
	}
	if err != nil {
		return nil, fmt.Errorf("authentication service: %w", err)
	}
	return h, nil
}

// cookieSessions returns the store of the sessions of browsers.
func (st *state) cookieSessions() (CookieSessions, error) {
	sessions, ok := st.cfg.Sessions.(CookieSessions)
	if !ok {
		return nil, errors.New("session cookies need Config.Sessions that keeps them")
	}
	return sessions, nil
}

type sessionHandler struct {
	service *Service
	cfg     CookieConfig
	origins *origin.Guard
}

func (h *sessionHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Add("Vary", "Cookie")
	result, status, err := h.serve(w, r)
	switch {
	case err != nil:
		ErrorWriter{Logger: h.service.state.Load().cfg.Logger}.Write(w, r, err)
	case result == nil:
		w.WriteHeader(status)
	default:
		if err := writeJSON(w, status, "application/json", result); err != nil {
			h.service.state.Load().cfg.Logger.ErrorContext(r.Context(), "answer", "err", err)
		}
	}
}

func (h *sessionHandler) serve(w http.ResponseWriter, r *http.Request) (*Result, int, error) {
	if err := h.origins.Check(r); err != nil {
		return nil, 0, &AuthError{Code: ErrForbidden, Message: "Not from another site", Err: err}
	}
	ctx := contextOf(r)
	switch r.Method {
	case http.MethodPost:
		result, err := h.login(ctx, w, r)
		return result, http.StatusCreated, err
	case http.MethodGet, http.MethodHead:
		result, err := h.current(ctx, r)
		return result, http.StatusOK, err
	case http.MethodDelete:
		return nil, http.StatusNoContent, h.logout(ctx, w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST, DELETE")
		return nil, 0, &Error{Status: http.StatusMethodNotAllowed, Message: fmt.Sprintf("Method %s not allowed", r.Method)}
	}
}

func (h *sessionHandler) login(ctx context.Context, w http.ResponseWriter, r *http.Request) (*Result, error) {
	c, err := readCredentials(w, r)
	if err != nil {
		return nil, err
	}
	st := h.service.state.Load()
	call := call{strategies: h.cfg.Strategies, external: true}
	if call.strategies == nil {
		call.strategies = st.cfg.AuthStrategies
	}
	var secret string
	result, err := h.service.finishLogin(ctx, st, call, c.Strategy, func() (*Result, error) {
		var result *Result
		if result, secret, err = h.open(ctx, st, c, call); err != nil {
			return nil, err
		}
		if before, err := h.session(ctx, r); err == nil { // the one that this replaces
			if err := st.endSession(ctx, before.ID); err != nil {
				return nil, errors.Join(err, st.endSession(ctx, result.Principal.SessionID))
			}
		}
		return result, nil
	})
	if err != nil {
		return nil, err
	}
	h.set(w, secret, int(h.cfg.ExpiresIn.Seconds()))
	if st.cfg.LoginHeader != nil {
		st.cfg.LoginHeader(ctx, w.Header(), result)
	}
	return result, nil
}

// open judges c and opens a session, and returns its secret.
func (h *sessionHandler) open(ctx context.Context, st *state, c Credentials, call call) (*Result, string, error) {
	reg, err := st.allowed(c.Strategy, call.strategies)
	if err != nil {
		return nil, "", err
	}
	if reg.carrier != nil || reg.renewer != nil {
		return nil, "", &AuthError{Code: ErrNotAuthenticated, Message: "A token does not open a session"}
	}
	p, err := st.prove(ctx, reg, c)
	if err != nil {
		return nil, "", err
	}
	result, err := st.describe(ctx, reg.name, p)
	if err != nil {
		return nil, "", err
	}
	session := Session{
		Subject: p.Subject, Entity: st.cfg.Entity, Strategy: p.Strategy, AuthenticatedAt: p.AuthenticatedAt,
		ExpiresAt: st.cfg.Now().Add(h.cfg.ExpiresIn), IdleFor: h.cfg.IdleFor,
	}
	session.Client, _ = ClientFromContext(ctx)
	sessions, err := st.cookieSessions()
	if err != nil {
		return nil, "", undecided(err)
	}
	id, secret, err := sessions.CreateSecret(ctx, session)
	if err != nil {
		return nil, "", undecided(fmt.Errorf("open session: %w", err))
	}
	p.SessionID, p.ExpiresAt = id, session.ExpiresAt
	result.proved, result.opened = true, true
	if err := st.stillProved(ctx, p); err != nil {
		return nil, "", errors.Join(err, st.endSession(ctx, id))
	}
	return result, secret, nil
}

// current answers whose session the request's cookie is.
func (h *sessionHandler) current(ctx context.Context, r *http.Request) (*Result, error) {
	session, err := h.session(ctx, r)
	if err != nil {
		return nil, err
	}
	st := h.service.state.Load()
	return st.describe(ctx, session.Strategy, &Principal{
		Subject: session.Subject, Strategy: session.Strategy, SessionID: session.ID,
		AuthenticatedAt: session.AuthenticatedAt, ExpiresAt: session.ExpiresAt,
	})
}

// logout ends the session, if there is one: to be logged out is what was asked
// for.
func (h *sessionHandler) logout(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	if len(r.Header["Authorization"]) > 0 {
		return &AuthError{Code: ErrBadRequest, Message: "A request carries a cookie or an Authorization header, not both"}
	}
	session, err := h.session(ctx, r)
	if err != nil && !decided(err) {
		return err
	}
	st := h.service.state.Load()
	if err == nil {
		result := &Result{Principal: &Principal{Subject: session.Subject, Strategy: session.Strategy, SessionID: session.ID}}
		result.Authentication.Strategy = session.Strategy
		if err := h.service.end(ctx, st, result, true); err != nil {
			return err
		}
	}
	h.set(w, "", -1)
	w.Header().Set("Clear-Site-Data", `"cache","cookies","storage"`)
	return nil
}

// session returns the session of the request's cookie. Two cookies of that name
// are none: one of them is not ours.
func (h *sessionHandler) session(ctx context.Context, r *http.Request) (Session, error) {
	cookies := r.CookiesNamed(h.cfg.Name)
	if len(cookies) != 1 || len(r.Header["Authorization"]) > 0 {
		return Session{}, &AuthError{Code: ErrNotAuthenticated}
	}
	st := h.service.state.Load()
	sessions, err := st.cookieSessions()
	if err != nil {
		return Session{}, undecided(err)
	}
	session, err := sessions.BySecret(ctx, cookies[0].Value)
	if err != nil {
		return Session{}, undecided(err)
	}
	if session.Entity != st.cfg.Entity {
		return Session{}, &AuthError{Code: ErrNotAuthenticated}
	}
	return session, nil
}

// set sets the cookie. The browser keeps it for as long as the session may last;
// when that is over is for the store to say.
func (h *sessionHandler) set(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // SameSite was checked to be Lax or Strict
		Name: h.cfg.Name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: true, HttpOnly: true, SameSite: h.cfg.SameSite,
	})
}
