package tenant_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// secretive is a connection with secrets of every kind.
const secretive = `{"id":"con_9","name":"up","strategy":"oauth2","enabled_clients":[],"is_domain_connection":false,"options":{
	"client_id":"x","client_secret":"TOPSECRET-1","tokenURL":"https://a.example/token","userInfoURL":"https://a.example/me",
	"customHeaders":{"x-api":"TOPSECRET-2"},"oidc_metadata":{"token_endpoint":"https://a.example/t?a=1&b=2"},
	"nested":{"client_secret":"TOPSECRET-3","arr":[{"password":"TOPSECRET-4","size":12345678901234567890},[{"apiKey":["TOPSECRET-5",true]}]],
		"credentials":{"on":true,"off":null,"none":"","list":[true],"pin":77777777,"deep":{"pem":"sealed:TOPSECRET-6"}}},
	"upstream_params":{"access_token":{"value":"TOPSECRET-7"},"prompt":{"alias":"visible"}},
	"authentication_methods":{"password":{"enabled":true}}}}`

func document(t *testing.T, s *tenant.Store) string {
	t.Helper()
	c, err := s.Connections.Get(t.Context(), "con_9")
	must(t, err)
	data, err := c.MarshalJSON()
	must(t, err)
	return string(data)
}

func exported(t *testing.T, s *tenant.Store, opts tenant.DumpOptions) string {
	t.Helper()
	var out bytes.Buffer
	must(t, s.Export(t.Context(), &out, opts))
	return out.String()
}

// AUZ-06: the secrets of a connection are sealed at any depth, and are in no
// dump without secrets, which leaves them as they are where it is imported.
func TestAUZ06_nestedSecrets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		made := read[tenant.Connection](t, secretive)
		must(t, s.Connections.Create(ctx, made))
		before := document(t, s)
		bare := exported(t, s, tenant.DumpOptions{})
		for what, text := range map[string]string{"the database": strings.Join(dump(t, db), "\n"), "a dump without": bare} {
			if strings.Contains(text, "TOPSECRET") || strings.Contains(text, "77777777") {
				t.Errorf("a secret is in %s:\n%s", what, text)
			}
			for _, part := range []string{`"size":12345678901234567890`, `"on":true`, `"off":null`, `"none":""`, `"visible"`, `"list":[true]`, `"password":{"enabled":true}`} {
				if !strings.Contains(text, part) {
					t.Errorf("no %s in %s", part, what)
				}
			}
		}
		again := openWith(t, db, tenant.Config{})
		got, err := again.Connections.Get(ctx, "con_9")
		must(t, err)
		for _, part := range []string{`"client_secret":"TOPSECRET-3"`, `{"password":"TOPSECRET-4","size":12345678901234567890}`, `["TOPSECRET-5",true]`, `"pin":77777777`, `"pem":"sealed:TOPSECRET-6"`} {
			if !strings.Contains(string(got.Options.Extra["nested"]), part) {
				t.Errorf("no %s in %s", part, got.Options.Extra["nested"])
			}
		}
		report, err := s.Import(ctx, strings.NewReader(bare), tenant.RestoreOptions{})
		if err != nil || report.Failed != 0 {
			t.Errorf("import of its own dump: %+v, %v", report, err)
		}
		if diff := cmp.Diff(before, document(t, s)); diff != "" {
			t.Errorf("after the import of a dump without secrets (-want +got):\n%s", diff)
		}
		// All of it goes into another tenant.
		other := open(t, storetest.SQLite(t), nil)
		report, err = other.Import(ctx, strings.NewReader(exported(t, s, tenant.DumpOptions{Secrets: true})), tenant.RestoreOptions{})
		if err != nil || report.Failed != 0 {
			t.Fatalf("import with secrets: %+v, %v", report, err)
		}
		if diff := cmp.Diff(before, document(t, other)); diff != "" {
			t.Errorf("the copy (-want +got):\n%s", diff)
		}
	})
}

// What was stored before it was known for a secret opens, and is sealed when the
// connection is written again.
func TestAUZ06_unsealedOptions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		must(t, s.Connections.Create(ctx, &tenant.Connection{ID: "con_9", Name: "up", Strategy: "oauth2"}))
		const options = `{"customHeaders":{"a":"TOPSECRET-1"},"nested":{"arr":[{"keys_token":["TOPSECRET-3"],"pin_password":7}],"secret":"TOPSECRET-2"}}`
		if _, err := db.Exec(ctx, `UPDATE idp_objects SET doc = $1 WHERE id = 'con_9'`,
			`{"id":"con_9","name":"up","strategy":"oauth2","options":`+options+`}`); err != nil {
			t.Fatal(err)
		}
		again := openWith(t, db, tenant.Config{})
		before := document(t, again)
		if strings.Count(before, "TOPSECRET") != 3 || !strings.Contains(before, `"pin_password":7`) {
			t.Errorf("opened as %s", before)
		}
		_, err := again.Connections.Update(ctx, "con_9", func(c *tenant.Connection) error { c.DisplayName = "Up"; return nil })
		must(t, err)
		if rows := strings.Join(dump(t, db), "\n"); strings.Contains(rows, "TOPSECRET") || strings.Contains(rows, `"pin_password":7`) {
			t.Errorf("not sealed by a write:\n%s", rows)
		}
		after := document(t, openWith(t, db, tenant.Config{}))
		if diff := cmp.Diff(before, strings.Replace(after, `"display_name":"Up",`, "", 1)); diff != "" {
			t.Errorf("after the write (-want +got):\n%s", diff)
		}
	})
}

// AUZ-06: a dump without secrets does not send those that are stored elsewhere.
func TestAUZ06_importMovesNoSecrets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		must(t, s.Connections.Create(ctx, read[tenant.Connection](t, secretive)))
		before := document(t, s)
		bare, full := exported(t, s, tenant.DumpOptions{}), exported(t, s, tenant.DumpOptions{Secrets: true})
		header, _, _ := strings.Cut(bare, "\n")
		row := func(dump string) string {
			for line := range strings.Lines(dump) {
				if strings.HasPrefix(line, `{"connection"`) {
					return line
				}
			}
			t.Fatalf("no connection in %s", dump)
			return ""
		}
		load := func(line string) (tenant.ImportReport, error) {
			return s.Import(ctx, strings.NewReader(header+"\n"+line), tenant.RestoreOptions{})
		}
		const secret = `"options":{"client_secret":"TOPSECRET-1",`
		for name, tt := range map[string]struct{ from, to, field, moved string }{
			"token address":   {"https://a.example/token", "https://evil.example/token", "client_secret", "tokenURL"},
			"profile address": {"https://a.example/me", "https://evil.example/me", "client_secret", "userInfoURL"},
			"client":          {`"client_id":"x"`, `"client_id":"y"`, "client_secret", "client_id"},
			"issuer":          {`"options":{`, `"options":{"issuer":"https://evil.example/",`, "client_secret", "issuer"},
			"metadata":        {`"options":{`, `"options":{"discovery_url":"https://evil.example/",`, "client_secret", "discovery_url"},
			"in metadata":     {"https://a.example/t?", "https://evil.example/t?", "client_secret", "oidc_metadata"},
			"domain":          {`"options":{`, `"options":{"tenant_domain":"evil",`, "client_secret", "tenant_domain"},
			"imitation":       {`"options":{`, `"options":{"imitation":true,`, "client_secret", "imitation"},
			"headers":         {`"options":{`, secret + `"domain":"evil",`, "customHeaders", "domain"},
			"nested":          {`"options":{`, secret + `"customHeaders":{},"domain":"evil",`, "nested.arr[0].password", "domain"},
		} {
			line := strings.Replace(row(bare), tt.from, tt.to, 1)
			report, err := load(line)
			if err != nil || report.Failed != 1 || report.Errors[0].Line != 2 {
				t.Errorf("%s: %+v, %v", name, report, err)
			} else if wrong, ok := errors.AsType[*tenant.FieldError](report.Errors[0]); !ok || wrong.Field != "options."+tt.field || !strings.Contains(wrong.Reason, "options."+tt.moved+" ") {
				t.Errorf("%s: %v", name, report.Errors[0])
			}
			if diff := cmp.Diff(before, document(t, s)); diff != "" {
				t.Fatalf("%s: changed (-want +got):\n%s", name, diff)
			}
		}
		// Written otherwise it is the same address, and another page is none.
		line := strings.Replace(row(bare), `"oidc_metadata":{`, `"authorizationURL":"https://a.example/new","oidc_metadata": { `, 1)
		if report, err := load(line); err != nil || report.Updated != 1 || strings.Count(document(t, s), "TOPSECRET") != 7 {
			t.Errorf("another page: %+v, %v, %s", report, err, document(t, s))
		}
		// With the secrets it may go where it says.
		line = strings.NewReplacer("a.example", "new.example", "TOPSECRET", "NEWSECRET").Replace(row(full))
		if report, err := load(line); err != nil || report.Updated != 1 || strings.Contains(document(t, s), "TOPSECRET") {
			t.Errorf("with secrets: %+v, %v, %s", report, err, document(t, s))
		}
	})
}

// A secret for Apple is refused where nothing would be done with it.
func TestConnection_appleSecret(t *testing.T) {
	for strategy, right := range map[string]bool{"apple": true, "oauth2": false, "oidc": false, tenant.Database: false} {
		c := &tenant.Connection{Strategy: strategy, Options: tenant.ConnectionOptions{Apple: map[string]string{"app_secret": "x"}}}
		err := c.Check()
		if wrong, ok := errors.AsType[*tenant.FieldError](err); right != (err == nil) || !right && (!ok || wrong.Field != "options.apple.app_secret") {
			t.Errorf("%s: %v", strategy, err)
		}
	}
}
