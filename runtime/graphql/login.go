package graphql

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/model"
)

// loginType is the type that the mutation login answers.
const loginType = "Login"

// checkLogin compares the mutation login with what it does.
func (b *binder) checkLogin(f *ast.FieldDefinition) error {
	strategy, credentials := f.Arguments.ForName("strategy"), f.Arguments.ForName("credentials")
	switch {
	case !b.logsIn:
		return errors.New("nobody can log in")
	case f.Type.NonNull || f.Type.Elem != nil:
		return errors.New("who is refused gets null: the type has to be nullable, and no list")
	case len(f.Arguments) != 2 || strategy == nil || strategy.Type.Name() != "String" || credentials == nil || credentials.Type.Name() != "JSON":
		return errors.New("its arguments have to be strategy: String! and credentials: JSON! alone")
	}
	for _, member := range b.schema.Types[loginType].Fields {
		if member.Name != "accessToken" && member.Name != "refreshToken" || member.Type.Name() != "String" || member.Type.NonNull {
			return fmt.Errorf("%s.%s: the members are accessToken and refreshToken, which are String", loginType, member.Name)
		}
	}
	return nil
}

// login logs in at the door of REST, with what was sent, from where it was sent and
// on the device that sent it: there is one throttle, one trail and one answer. A
// cookie that remembers the device is set, and no other.
func (x *execution) login(dst []byte, f selected) []byte {
	body, err := x.credentials(f)
	if err != nil {
		x.fail(err, f.Alias)
		return append(dst, "null"...)
	}
	x.w.Header().Set("Cache-Control", "no-store")
	r := x.r.Clone(gate.ContextWithErrorForm(x.r.Context(), nil)) // which told reads
	r.URL, r.Pattern = &url.URL{Path: "/"}, ""
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	for _, name := range []string{"Accept", "Authorization", "Content-Encoding", "X-Service-Method"} {
		r.Header.Del(name)
	}
	r.Header.Set("Content-Type", "application/json")
	rec := recorder{header: http.Header{}}
	if id := x.w.Header().Get("X-Request-Id"); id != "" {
		rec.header.Set("X-Request-Id", id)
	}
	x.api.login.ServeHTTP(&rec, r)
	if rec.status != http.StatusCreated {
		x.errs = append(x.errs, x.told(&rec, []any{f.Alias}))
		return append(dst, "null"...)
	}
	for _, cookie := range rec.header.Values("Set-Cookie") {
		x.w.Header().Add("Set-Cookie", cookie)
	}
	var tokens map[string]any
	if err := json.Unmarshal(rec.body.Bytes(), &tokens); err != nil {
		x.fail(fmt.Errorf("graphql: the answer to a log-in: %w", err), f.Alias)
		return append(dst, "null"...)
	}
	return x.tokens(dst, f, tokens)
}

// credentials makes the body of a log-in.
func (x *execution) credentials(f selected) ([]byte, error) {
	args, err := x.arguments(f.Definition.Arguments, f.Arguments)
	if err != nil {
		return nil, badInput("", model.CodeType, err.Error())
	}
	strategy, _ := args["strategy"].(string)
	raw, _ := args["credentials"].(json.RawMessage)
	members, err := model.Members(raw)
	if err != nil {
		return nil, badInput("credentials", model.CodeType, "must be an object, such as {email, password}")
	}
	body := model.AppendString([]byte(`{"strategy":`), strategy)
	for _, m := range members {
		body = model.AppendString(append(body, ','), m.Key)
		body = append(append(body, ':'), m.Value...)
	}
	return append(body, '}'), nil
}

// tokens appends what is selected of the tokens that a log-in answered.
func (x *execution) tokens(dst []byte, f selected, tokens map[string]any) []byte {
	dst = append(dst, '{')
	for i, m := range x.collect(nil, f.below...) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(model.AppendString(dst, m.Alias), ':')
		token, there := tokens[m.Name].(string)
		switch {
		case m.Name == "__typename":
			dst = model.AppendString(dst, loginType)
		case there:
			dst = model.AppendString(dst, token)
		default:
			dst = append(dst, "null"...)
		}
	}
	return append(dst, '}')
}
