package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/model"
)

// maxLoginBody is what the engine takes of a log-in.
const maxLoginBody = 8 << 10

// The members of a log-in by [Auth.LoginByName], whatever the fields of the account
// are called.
const (
	memberUsername = "username"
	memberPassword = "password"
)

// LoginByName answers POST of {username, password}, as services of Amplication did,
// by {accessToken, id, username, roles}, with the refreshToken where there are any.
// It is [Auth.Login] in other words: what judges a log-in, slows it down and notes it
// is there, and so are its refusals. The service has to have [Auth.LogsIn].
func (a *Auth) LoginByName(errs gate.ErrorWriter) http.Handler {
	login := a.Login()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		sent, err := readNamed(w, r)
		if err != nil {
			errs.Write(w, r, err)
			return
		}
		answer := &held{ResponseWriter: w, status: http.StatusOK}
		login.ServeHTTP(answer, a.asLogin(r, sent))
		if answer.status != http.StatusCreated {
			answer.release()
			return
		}
		if err := a.renamed(answer, r, sent.Username); err != nil {
			errs.Write(w, r, fmt.Errorf("the answer to a log-in: %w", err))
			return
		}
		answer.release()
	})
}

// named is who wants to log in.
type named struct{ Username, Password string }

// readNamed reads the body of a log-in.
func readNamed(w http.ResponseWriter, r *http.Request) (named, error) {
	var sent named
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLoginBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return sent, &gate.Error{Status: http.StatusRequestEntityTooLarge}
	}
	if err != nil {
		return sent, gate.Unreadable(err)
	}
	members, err := model.Members(body)
	if err != nil {
		return sent, &gate.Error{Status: http.StatusBadRequest, Message: "The body is not a JSON object", Err: err}
	}
	var problems model.Problems
	texts := map[string]*string{memberUsername: &sent.Username, memberPassword: &sent.Password}
	for _, m := range members {
		text, ok := texts[m.Key]
		switch {
		case !ok:
			problems.Add("", model.CodeUnknown, "there are username and password alone: other ways to log in are at /api/authentication")
		case json.Unmarshal(m.Value, text) != nil || m.Value[0] != '"':
			problems.Add(m.Key, model.CodeType, "must be a text")
		}
		delete(texts, m.Key)
	}
	for _, name := range []string{memberUsername, memberPassword} {
		if texts[name] != nil {
			problems.Add(name, model.CodeRequired, "is required")
		}
	}
	if len(problems) > 0 {
		return sent, &gate.Error{Status: http.StatusBadRequest, Message: "Some fields are wrong", Errors: problems}
	}
	return sent, nil
}

// asLogin returns the request as it is sent to [Auth.Login], from where it came and by
// the same device. Who sends it with what else is of no account.
func (a *Auth) asLogin(r *http.Request, sent named) *http.Request {
	body := model.AppendString([]byte(`{"strategy":"local",`), a.cfg.Login)
	body = model.AppendString(append(body, ':'), sent.Username)
	body = model.AppendString(append(body, ','), a.cfg.Password)
	body = model.AppendString(append(body, ':'), sent.Password)
	body = append(body, '}')
	as := r.Clone(r.Context())
	as.URL, as.Pattern = &url.URL{Path: "/"}, ""
	as.Body, as.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	for _, name := range []string{"Authorization", "X-Service-Method"} {
		as.Header.Del(name)
	}
	return as
}

// renamed writes the answer of a log-in in the other words. The roles are those of the
// account as its owner may see it, or else those that count.
func (a *Auth) renamed(answer *held, r *http.Request, username string) error {
	var result map[string]json.RawMessage
	if err := json.Unmarshal(answer.body.Bytes(), &result); err != nil {
		return err
	}
	var of struct{ Payload struct{ Sub string } }
	var account map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(result["authentication"], &of), json.Unmarshal(result[a.cfg.Entity], &account)); err != nil {
		return err
	}
	id, roles, name := account["id"], account[a.cfg.Roles], account[a.cfg.Login]
	if id == nil {
		id = model.AppendString(nil, of.Payload.Sub)
	}
	if name == nil {
		name = model.AppendString(nil, username)
	}
	if roles == nil {
		p, err := a.accounts.Subject(r.Context(), of.Payload.Sub)
		if err != nil {
			return err
		}
		if roles, err = json.Marshal(append([]string{}, p.Roles...)); err != nil {
			return err
		}
	}
	members := map[string]json.RawMessage{"accessToken": result["accessToken"], "id": id, memberUsername: name, "roles": roles}
	if token := result["refreshToken"]; token != nil {
		members["refreshToken"] = token
	}
	body, err := json.Marshal(members)
	if err != nil {
		return err
	}
	answer.body.Reset()
	answer.body.Write(body)
	return nil
}

// held holds an answer back, but for its header.
type held struct {
	http.ResponseWriter

	status int
	body   bytes.Buffer
}

// WriteHeader implements [http.ResponseWriter].
func (h *held) WriteHeader(status int) { h.status = status }

// Write implements [http.ResponseWriter].
func (h *held) Write(p []byte) (int, error) { return h.body.Write(p) }

// release lets the answer go.
func (h *held) release() {
	h.Header().Set("Content-Length", strconv.Itoa(h.body.Len()))
	h.ResponseWriter.WriteHeader(h.status)
	_, _ = h.ResponseWriter.Write(h.body.Bytes()) // nobody is left to be told
}
