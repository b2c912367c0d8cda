package account

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store/accounts"
)

// policy allows the pages their style and a form that stays here.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// A tokenUse does what a link is for.
type tokenUse func(ctx context.Context, token string) error

// pageOf is the last part of the path of the page that a link leads to.
func pageOf(p accounts.Purpose) string {
	switch p {
	case accounts.ResetPassword:
		return "reset"
	case accounts.VerifyEmail:
		return "verify"
	case accounts.ChangeEmail:
		return "email"
	default:
		return "undo"
	}
}

func (f *Flows) pages() map[string]map[string]serve {
	origin := http.NewCrossOriginProtection()
	pages := map[string]map[string]serve{"/gate.css": {http.MethodGet: f.serveStyle}}
	for _, p := range []accounts.Purpose{accounts.ResetPassword, accounts.VerifyEmail, accounts.ChangeEmail, accounts.UndoEmailChange} {
		pages["/"+pageOf(p)] = map[string]serve{
			http.MethodGet: func(w http.ResponseWriter, r *http.Request) error { return f.show(w, r, p) },
			http.MethodPost: func(w http.ResponseWriter, r *http.Request) error {
				if err := origin.Check(r); err != nil {
					return f.dead(w, r, &gate.AuthError{Code: gate.ErrForbidden, Message: "This form was sent from another site", Err: err})
				}
				return f.submit(w, r, p)
			},
		}
	}
	return pages
}

func (f *Flows) serveStyle(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600") // it is the same for everyone
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.cfg.Words.Style()))
	return nil
}

// show shows who and what a link is about. It changes nothing.
func (f *Flows) show(w http.ResponseWriter, r *http.Request, p accounts.Purpose) error {
	tokens := r.URL.Query()["token"]
	if len(tokens) != 1 {
		return f.dead(w, r, errLink(nil))
	}
	return f.form(w, r, p, tokens[0], http.StatusOK, "")
}

// form shows the form of a link that works.
func (f *Flows) form(w http.ResponseWriter, r *http.Request, p accounts.Purpose, token string, status int, problem string) error {
	c, h, err := f.opened(r.Context(), p, token)
	if err != nil {
		return f.dead(w, r, err)
	}
	titles := map[accounts.Purpose]string{
		accounts.ResetPassword:   "Set a new password",
		accounts.VerifyEmail:     "Confirm your e-mail address",
		accounts.ChangeEmail:     "Confirm your new e-mail address",
		accounts.UndoEmailChange: "Take your e-mail address back",
	}
	v := Page{
		Title: titles[p], State: "open", Account: h.profile.Email, Other: c.Address, Token: token,
		Least: f.least(), Problem: problem, Life: words(p.Life()),
	}
	if p == accounts.ResetPassword && h.profile.Email == "" {
		v.Account = h.profile.Login
	}
	return f.render(w, pageOf(p), status, v)
}

// least is how long a password must be, 0 when the policy does not say.
func (f *Flows) least() int {
	if p, ok := f.cfg.Policy.(interface{ Least() int }); ok {
		return p.Least()
	}
	return 0
}

// submit does what the form says. Its token is what binds the form to the link.
func (f *Flows) submit(w http.ResponseWriter, r *http.Request, p accounts.Purpose) error {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded") {
		return &gate.Error{Status: http.StatusUnsupportedMediaType}
	}
	r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
	if err := r.ParseForm(); err != nil {
		return badRequest("The form could not be read")
	}
	token := r.PostForm.Get("token")
	var err error
	v := Page{State: "set"}
	switch p {
	case accounts.ResetPassword:
		v.Title, v.Message = "Your password is set", "All devices were logged out. Log in with the new password."
		err = f.Reset(r.Context(), token, typed(r))
	case accounts.VerifyEmail:
		v.Title, v.Message = "Your e-mail address is confirmed", "There is nothing else to do here."
		err = f.recordNoLink(r.Context(), f.verify(r.Context(), token))
	case accounts.ChangeEmail:
		v.Title, v.Message = "Your e-mail address is changed", "Letters go to the new address. The former one was told."
		err = f.recordNoLink(r.Context(), f.change(r.Context(), token))
	default:
		v.Title, v.Message = "Your e-mail address is back", "Everybody was logged out, and the password works no longer. We sent you a link to set a new one."
		err = f.Undo(r.Context(), token)
	}
	if problem, ok := passwordProblem(err); ok {
		return f.form(w, r, p, token, http.StatusBadRequest, problem)
	}
	if err != nil {
		return f.dead(w, r, err)
	}
	return f.render(w, "done", http.StatusOK, v)
}

// typed is the password: of the two inputs the one that was visible.
func typed(r *http.Request) string {
	if r.PostForm.Get("reveal") == "1" {
		return r.PostForm.Get("password_shown")
	}
	return r.PostForm.Get("password")
}

func passwordProblem(err error) (string, bool) {
	e, ok := errors.AsType[*gate.Error](err)
	if !ok || e.Status != http.StatusBadRequest || e.Errors == nil {
		return "", false
	}
	return e.Message + ". Choose another.", true
}

// dead shows why nothing can be done here.
func (f *Flows) dead(w http.ResponseWriter, r *http.Request, err error) error {
	v := Page{Title: "This link cannot be used", State: "fault"}
	status := http.StatusBadRequest
	refusal, decided := errors.AsType[*gate.AuthError](err)
	answer, answered := errors.AsType[*gate.Error](err)
	switch {
	case answered && answer.Status < http.StatusInternalServerError:
		status, v.Title, v.Message = answer.Status, "This cannot be done", answer.Message
	case decided && refusal.Code == gate.ErrForbidden:
		status, v.Title, v.Message = http.StatusForbidden, "This cannot be done", refusal.Message
	case decided && refusal.Code == gate.ErrBadRequest:
		v.Message = "It works once and for a limited time, and a newer one or a change of your account ends it. Ask for a new one."
	default:
		f.fault(w, r, &v, err)
		status = http.StatusServiceUnavailable
	}
	return f.render(w, "dead", status, v)
}

// fault logs what went wrong under a reference that the page shows.
func (f *Flows) fault(w http.ResponseWriter, r *http.Request, v *Page, err error) {
	wait := time.Second
	if refusal, ok := errors.AsType[*gate.AuthError](err); ok && refusal.RetryAfter > 0 {
		wait = refusal.RetryAfter
	}
	text := rand.Text()
	v.Reference = text[:4] + "-" + text[4:8]
	v.Title, v.Message = "This does not work right now", "Something is wrong on our side; it is logged under the reference on this page. Try again in a minute."
	w.Header().Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	f.cfg.Logger.ErrorContext(r.Context(), "request failed",
		"status", http.StatusServiceUnavailable, "method", r.Method, "path", r.URL.Path, "request_id", v.Reference, "err", err)
}

// render writes a page. Everything on it but the style is in the answer.
func (f *Flows) render(w http.ResponseWriter, name string, status int, v Page) error {
	v.Service, v.Home, v.Host = f.cfg.Service, f.cfg.HomeURL, f.cfg.PublicURL.Host
	var b bytes.Buffer
	if err := f.cfg.Words.Page(&b, name, v); err != nil {
		return fmt.Errorf("account: page %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // nobody is left to be told
	return nil
}
