package gate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/strategy/basic"
	"github.com/gatewright/gate/strategy/jwt"
	"github.com/gatewright/gate/strategy/local"
)

// staff is where this program keeps its accounts.
type staff map[string]gate.Account

func (s staff) ByLogin(_ context.Context, name string) (*gate.Account, error) {
	account, ok := s[strings.ToLower(name)]
	if !ok {
		return nil, gate.ErrNotAuthenticated
	}
	return &account, nil
}

func (s staff) Subject(_ context.Context, id string) (*gate.Principal, error) {
	for _, account := range s {
		if account.Subject == id && !account.Disabled {
			return &gate.Principal{Subject: id, Roles: account.Roles}, nil
		}
	}
	return nil, gate.ErrNotAuthenticated
}

func (s staff) ReplaceHash(context.Context, string, string, string) error {
	return errors.New("the staff list is read only")
}

// newService puts a service together: where tokens come from, who may log in
// and how.
func newService() (*gate.Service, error) {
	hasher, err := password.New(password.Config{})
	if err != nil {
		return nil, err
	}
	hash, err := hasher.Hash(context.Background(), "tomato mozzarella basil")
	if err != nil {
		return nil, err
	}
	people := staff{"ada@example.com": {Subject: "7", PasswordHash: hash, Roles: []string{"cook"}}}

	key, err := jose.GenerateKey("2026-01", jose.ES256)
	if err != nil {
		return nil, err
	}
	keys, err := jose.NewKeySet(key)
	if err != nil {
		return nil, err
	}
	svc, err := gate.New(gate.Config{
		Keys: keys, Issuer: "https://restaurant.example", Audience: []string{"https://restaurant.example/api"},
		AuthStrategies:  []string{"jwt", "local"},
		ParseStrategies: []string{"jwt"},
		Permissions: func(roles []string) []string {
			if len(roles) == 1 && roles[0] == "cook" {
				return []string{"create:items"}
			}
			return nil
		},
		LoadEntity: func(_ context.Context, p *gate.Principal) (any, error) {
			return map[string]string{"id": p.Subject}, nil
		},
	})
	if err != nil {
		return nil, err
	}
	door := local.New(people, hasher, local.Config{})
	return svc, errors.Join(
		svc.Register("jwt", jwt.New(svc, people, jwt.Config{})),
		svc.Register("local", door),
		svc.Register("basic", basic.New(door, people, basic.Config{})),
		svc.Setup(),
	)
}

func Example() {
	svc, err := newService()
	if err != nil {
		fmt.Println(err)
		return
	}
	menu := func(w http.ResponseWriter, r *http.Request) {
		p, _ := gate.PrincipalFromContext(r.Context())
		fmt.Fprintf(w, "hello %s, roles %v", p.Subject, p.Roles)
	}
	mux := http.NewServeMux()
	mux.Handle("/authentication", svc.Handler())
	mux.Handle("POST /items", svc.Guard("jwt", "basic").Require("create:items").Protect(http.HandlerFunc(menu)))
	mux.Handle("DELETE /items", svc.Guard("jwt", "basic").Require("delete:items").Protect(http.HandlerFunc(menu)))
	server := httptest.NewServer(mux)
	defer server.Close()

	body := `{"strategy":"local","email":"ada@example.com","password":"tomato mozzarella basil"}`
	var session struct{ AccessToken string }
	status, answer := send(http.MethodPost, server.URL+"/authentication", "", body)
	fmt.Println(status, json.Unmarshal([]byte(answer), &session))

	fmt.Println(send(http.MethodPost, server.URL+"/items", session.AccessToken, ""))
	fmt.Println(send(http.MethodPost, server.URL+"/items", "", ""))
	fmt.Println(send(http.MethodDelete, server.URL+"/items", session.AccessToken, ""))
	// Output:
	// 201 <nil>
	// 200 hello 7, roles [cook]
	// 401 {"name":"NotAuthenticated","message":"Not authenticated","code":401,"className":"not-authenticated"}
	// 403 {"name":"Forbidden","message":"You do not have the permission to do this","code":403,"className":"forbidden"}
}

// send is a small client.
func send(method, url, token, body string) (status int, answer string) {
	r, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := (&http.Client{}).Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, strings.TrimSpace(string(text))
}
