package config

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/keyring"
)

// Administrator is who the log names for what an [Administration] does.
const Administrator = "gate-idp"

// An Administration speaks to the Management API of a provider in this process,
// as somebody who may do everything but read secrets. It checks, logs and tells
// what that API checks, logs and tells. It is safe for concurrent use.
type Administration struct {
	api    *management.API
	tenant *tenant.Store
	judge  func(*tenant.Connection) error
	db     *store.DB
	cfg    idp.Config
}

// A Refusal is an answer of the Management API that says no.
type Refusal struct {
	Status  int    `json:"statusCode"`
	Message string `json:"message"`
	Code    string `json:"errorCode"`
	// Reasons say what is wrong with a password.
	Reasons []string `json:"reasons"`
}

// Error returns the message.
func (r *Refusal) Error() string { return r.Message }

// Administer returns the administration of a provider that was opened over this
// database with this configuration. The caller closes it before the provider.
func Administer(p *idp.Provider, db *store.DB, cfg idp.Config) (*Administration, error) {
	a := &Administration{tenant: p.Tenant(), db: db, cfg: cfg}
	var scopes []string
	for _, s := range management.Scopes() {
		if s.Value != "read:client_keys" {
			scopes = append(scopes, s.Value)
		}
	}
	api := p.ManagementConfig()
	api.Verify = func(context.Context, string) (management.Caller, error) {
		return management.Caller{ClientID: Administrator, Subject: Administrator, Scopes: scopes, ChoosesIDs: true}, nil
	}
	if _, silent := cfg.Mail.(noMail); silent {
		api.SendVerification = nil // is refused, then
	}
	a.judge = api.CheckConnection
	var err error
	a.api, err = management.New(api)
	return a, err
}

// Import reads what [tenant.Store.Export] wrote, as [tenant.Store.Import] does. A
// connection to another provider that no log-in could be done with is an error of
// its line.
func (a *Administration) Import(ctx context.Context, r io.Reader) (tenant.ImportReport, error) {
	return a.tenant.Import(ctx, r, tenant.RestoreOptions{
		ManagementAPI: a.cfg.Issuer + "api/v2/",
		CheckConnection: func(c *tenant.Connection) error {
			judged := *c
			if c.Options.ClientSecret == "" { // a dump may leave it out
				if c.Strategy == upstream.Apple {
					return nil // it is the key, of which the rest is made
				}
				judged.Options.ClientSecret = secret.Text().Reveal()
			}
			return a.judge(&judged)
		},
	})
}

// Close waits for what goes on in the background, until ctx ends.
func (a *Administration) Close(ctx context.Context) error { return a.api.Close(ctx) }

// Do sends a request to the Management API: path is below /api/v2/ and may have a
// query, in is sent as JSON unless it is nil, and the answer is read into out
// unless that is nil. An answer that says no is a [*Refusal].
func (a *Administration) Do(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost/api/v2/"+path, &body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+Administrator) // Verify knows nobody else
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "gate idp")
	res := answer{header: http.Header{}, status: http.StatusOK}
	a.api.ServeHTTP(&res, req)
	if res.status >= 300 {
		r := &Refusal{Status: res.status}
		if err := json.Unmarshal(res.body.Bytes(), r); err != nil || r.Message == "" {
			r.Message = http.StatusText(res.status)
		}
		return r
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(res.body.Bytes(), out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// answer is a [http.ResponseWriter] into memory.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) { a.status = status }

// Write implements [http.ResponseWriter].
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// All returns all pages of a list of the Management API. key is the name of the
// list in an answer with totals.
func (a *Administration) All(ctx context.Context, path, key string) ([]json.RawMessage, error) {
	const size = 100
	all := []json.RawMessage{}
	u, err := url.Parse(path)
	if err != nil {
		return nil, err
	}
	for page := 0; ; page++ {
		q := u.Query()
		q.Set("per_page", strconv.Itoa(size))
		q.Set("page", strconv.Itoa(page))
		q.Set("include_totals", "true")
		u.RawQuery = q.Encode()
		var part map[string]json.RawMessage
		if err := a.Do(ctx, http.MethodGet, u.String(), nil, &part); err != nil {
			return nil, err
		}
		var items []json.RawMessage
		if err := json.Unmarshal(part[key], &items); err != nil {
			return nil, fmt.Errorf("GET %s: %w", path, err)
		}
		all = append(all, items...)
		if len(items) < size {
			return all, nil
		}
	}
}

// A Ring is the keys of one algorithm.
type Ring struct {
	Algorithm jose.Algorithm
	*keyring.Keyring
}

// Rings returns the keys that the provider signs with. What is changed there the
// processes of the provider see within a minute.
func (a *Administration) Rings(ctx context.Context) ([]Ring, error) {
	var list []Ring
	for name, alg := range map[string]jose.Algorithm{"idp-rs256": jose.RS256, "idp-es256": jose.ES256} {
		ring, err := keyring.Open(ctx, a.db, keyring.Config{
			Ring: name, Algorithm: alg, Secret: a.cfg.Secret, KeepFor: 30 * 24 * time.Hour, RotateEvery: a.cfg.RotateEvery,
			PublishBefore: time.Hour, AlwaysNext: true, Logger: a.cfg.Logger, Now: a.cfg.Now,
		})
		if err != nil {
			return nil, err
		}
		list = append(list, Ring{alg, ring})
	}
	if list[0].Algorithm != jose.RS256 {
		list[0], list[1] = list[1], list[0]
	}
	return list, nil
}
