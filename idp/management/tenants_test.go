package management_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/keyring"
	"github.com/gatewright/gate/store/storetest"
)

func TestSettings(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	if got := w.do(token, "GET", "tenants/settings", nil, 200).object(); got["session_lifetime"] != 168.0 || got["idle_session_lifetime"] != 72.0 {
		t.Errorf("defaults: %v", got)
	}
	w.do(token, "PATCH", "tenants/settings", `{"friendly_name":"Shop","session_lifetime":24,"flags":{"a":true,"b":false},"oidc_logout":{"rp_logout_end_session_endpoint_discovery":true}}`, 200)
	got := w.do(token, "PATCH", "tenants/settings", `{"flags":{"a":false},"session_lifetime":null}`, 200).object()
	if diff := cmp.Diff(map[string]any{"a": false, "b": false}, got["flags"]); diff != "" || got["friendly_name"] != "Shop" || got["session_lifetime"] != 168.0 || got["oidc_logout"] == nil {
		t.Errorf("%s %v", diff, got)
	}
	if one := w.do(token, "GET", "tenants/settings?fields=friendly_name", nil, 200).object(); len(one) != 1 {
		t.Errorf("fields: %v", one)
	}
	w.do(token, "PATCH", "tenants/settings", `{"session_cookie":{"mode":"non-persistent"}}`, 200)
	for body, text := range map[string]string{
		`{"session_lifetime":0}`: "is not between", `{"session_lifetime":"1"}`: "Expected type number", `{"session_lifetime":1e9}`: "is not between",
		`{"flags":{"a":1}}`: "Expected type boolean", `{"support_email":"x"}`: "format email", `{"support_url":"javascript:x"}`: "http or https",
		`{"allowed_logout_urls":["data:x"]}`: "cannot be returned to", `{"default_redirection_uri":"http://a.example"}`: "https",
		`{"session_cookie":{}}`: "mode", `{"session_cookie":{"mode":"forever"}}`: "No enum match", `{"session_cookie":{"max":1}}`: "mode",
		`{"gate_documents":{}}`: "not allowed: gate_documents", `{"gate_attack_protection":{}}`: "not allowed",
	} {
		w.send(token, "PATCH", "tenants/settings", body).refused(400, text)
	}
}

func TestSettings_firstWriters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db)
		token := w.everything()
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				if r := w.send(token, "PATCH", "tenants/settings", fmt.Sprintf(`{"flags":{"f%d":true}}`, i)); r.status != 200 {
					t.Errorf("%d %s", r.status, r.text)
				}
			})
		}
		wg.Wait()
		if got, _ := w.do(token, "GET", "tenants/settings", nil, 200).object()["flags"].(map[string]any); len(got) != 6 {
			t.Errorf("flags: %v", got)
		}
	})
}

func TestProtection(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	const path = "attack-protection/brute-force-protection"
	if got := w.do(token, "GET", path, nil, 200).object(); got["max_attempts"] != 10.0 || got["enabled"] != true {
		t.Errorf("defaults: %v", got)
	}
	got := w.do(token, "PATCH", path, `{"max_attempts":5,"allowlist":["192.0.2.0/24"]}`, 200).object()
	if got["max_attempts"] != 5.0 || got["mode"] != "count_per_identifier_and_ip" {
		t.Errorf("changed: %v", got)
	}
	for _, name := range []string{"suspicious-ip-throttling", "breached-password-detection", "bot-detection", "captcha"} {
		w.do(token, "GET", "attack-protection/"+name, nil, 200)
	}
	w.send(token, "PATCH", path, `{"max_attempts":0}`).refused(400, "less than minimum 1")
	w.send(token, "PATCH", path, `{"stage":{}}`).refused(400, "not allowed: stage")
	w.send(token, "PATCH", "attack-protection/captcha", `{"active_provider_id":"x"}`).refused(400, "no detection of bots")
	w.send(token, "GET", "attack-protection/nothing", nil).refused(404, "Not Found")
}

func TestDocuments(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	w.do(token, "PATCH", "branding", `{"logo_url":"https://a.example/l.svg","colors":{"primary":"#123456"}}`, 200)
	if got := w.do(token, "PATCH", "branding", `{"logo_url":null,"x":1}`, 200).text; strings.TrimSpace(got) != `{"colors":{"primary":"#123456"},"x":1}` {
		t.Errorf("branding: %s", got)
	}
	w.send(token, "PATCH", "branding", `{"logo_url":"javascript:x"}`).refused(400, "http or https")
	w.do(token, "PUT", "prompts/login/custom-text/en", `{"login":{"title":"Hello"}}`, 200)
	if got := w.do(token, "GET", "prompts/login/custom-text/en", nil, 200).text; strings.TrimSpace(got) != `{"login":{"title":"Hello"}}` {
		t.Errorf("text: %s", got)
	}
	if got := w.do(token, "GET", "prompts/login/custom-text/de", nil, 200).text; strings.TrimSpace(got) != `{}` {
		t.Errorf("no text: %s", got)
	}
	w.send(token, "PUT", "prompts/a%2Fb/custom-text/en", `{}`).refused(400, "Path validation error")

	w.send(token, "GET", "email-templates/verify_email", nil).refused(404, "The template does not exist")
	w.send(token, "PATCH", "email-templates/verify_email", `{}`).refused(404, "The template does not exist")
	w.do(token, "POST", "email-templates", `{"template":"verify_email","subject":"Hi","enabled":true}`, 201)
	w.send(token, "POST", "email-templates", `{"template":"verify_email"}`).refused(409, "exists already")
	if got := w.do(token, "PATCH", "email-templates/verify_email", `{"subject":"Ho"}`, 200).object(); got["subject"] != "Ho" || got["enabled"] != true {
		t.Errorf("template: %v", got)
	}
	if got := w.do(token, "PUT", "email-templates/verify_email", `{"subject":"He"}`, 200).object(); got["enabled"] != nil {
		t.Errorf("template: %v", got)
	}
	w.send(token, "GET", "email-templates/other", nil).refused(400, "Path validation error")

	r := w.send(token, "GET", "branding/themes/default", nil)
	r.refused(404, "")
	if r.str("errorCode") != "theme_not_found" {
		t.Error(r.text)
	}
	id := w.do(token, "POST", "branding/themes", `{"displayName":"T","colors":{"a":"b"}}`, 200).str("themeId")
	if got := w.do(token, "GET", "branding/themes/default", nil, 200).str("themeId"); got != id {
		t.Errorf("default theme %q", got)
	}
	w.do(token, "PATCH", "branding/themes/"+id, `{"displayName":"U"}`, 200)
	w.do(token, "DELETE", "branding/themes/"+id, nil, 204)
	w.send(token, "DELETE", "branding/themes/"+id, nil).refused(404, "")
	w.send(token, "PUT", "email-templates/verify_email", `{"body":"`+strings.Repeat("x", 140<<10)+`"}`).refused(400, "too long")
	if got := w.do(token, "GET", "tenants/settings", nil, 200).text; strings.Contains(got, "gate_") {
		t.Errorf("settings: %s", got)
	}
}

// IDP-21: whoever may change the texts of pages does not fill the settings, which
// every process has in memory: texts, screens and documents are bounded.
func TestIDP21_boundedTexts(t *testing.T) {
	w := newWorld(t)
	token := w.machine("update:prompts read:prompts")
	const path = "prompts/login/custom-text/en"
	screen := func(keys, length int) map[string]string {
		texts := map[string]string{}
		for i := range keys {
			texts[fmt.Sprintf("k%d", i)] = strings.Repeat("x", length)
		}
		return texts
	}
	screens := func(n, keys, length int) map[string]any {
		all := map[string]any{}
		for i := range n {
			all[fmt.Sprintf("s%d", i)] = screen(keys, length)
		}
		return all
	}
	w.do(token, "PUT", path, screens(2, 10, 4000), 200)
	for name, tt := range map[string]struct {
		body any
		text string
	}{
		"a long text":         {screens(1, 1, 4097), "too long (4097 chars), maximum 4096' on property s0.k0"},
		"many texts":          {screens(1, 301, 1), "on property s0"},
		"many screens":        {screens(51, 1, 1), "more than 50 screens"},
		"much together":       {screens(2, 25, 4000), "larger than 131072 bytes"},
		"not texts":           {`{"s":{"k":{"deep":[1]}}}`, "Expected type string but found type object' on property s.k"},
		"not screens":         {`{"s":"text"}`, "Expected type object but found type string' on property s"},
		"control characters":  {`{"s":{"k":"\u0007"}}`, "control characters' on property s.k"},
		"number out of range": {`{"s":{"k":1e400}}`, "Number is too large' on property s.k"},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.send(token, "PUT", path, tt.body)
			r.t = t
			r.refused(400, tt.text)
		})
	}
	// Prompts that nobody knows are kept, so their number is bounded, too.
	status := 200
	for i := 0; i < 400 && status == 200; i++ {
		status = w.send(token, "PUT", fmt.Sprintf("prompts/p%d/custom-text/en", i), `{"s":{"k":"x"}}`).status
	}
	if status != 400 {
		t.Errorf("400 documents: status %d", status)
	}
	all := w.everything()
	w.do(all, "PATCH", "branding", `{"logo_url":"https://a.example/l.svg"}`, 200) // there is room for what else there is
	w.do(token, "PUT", path, screens(1, 1, 1), 200)
}

// What an export of a whole tenant reads is there; what cannot be written says
// so.
func TestAbsent(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	for _, path := range []string{
		"organizations", "custom-domains", "log-streams", "rules", "hooks", "rules-configs", "token-exchange-profiles", "event-streams",
		"device-credentials", "guardian/policies",
	} {
		if got := w.do(token, "GET", path, nil, 200).text; strings.TrimSpace(got) != "[]" {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := w.do(token, "GET", "organizations?include_totals=true", nil, 200).text; strings.TrimSpace(got) != `{"limit":50,"organizations":[],"start":0,"total":0}` {
		t.Errorf("totals: %s", got)
	}
	if got := w.do(token, "GET", "organizations?take=10", nil, 200).text; strings.TrimSpace(got) != `{"organizations":[]}` {
		t.Errorf("checkpoint: %s", got)
	}
	if got := w.do(token, "GET", "guardian/factors", nil, 200).list(); len(got) != 8 || got[0]["enabled"] != false {
		t.Errorf("factors: %v", got)
	}
	w.send(token, "GET", "emails/provider", nil).refused(404, "email provider")
	w.send(token, "GET", "branding/templates/universal-login", nil).refused(404, "template")
	w.send(token, "GET", "organizations/org_1", nil).refused(404, "No organization found by that id or name")
	for _, r := range [][2]string{
		{"POST", "organizations"},
		{"PATCH", "custom-domains/x"},
		{"POST", "log-streams"},
		{"PUT", "guardian/factors/otp"},
		{"POST", "emails/provider"},
		{"PUT", "branding/templates/universal-login"},
		{"POST", "rules"},
		{"DELETE", "hooks/x"},
	} {
		got := w.send(token, r[0], r[1], `{}`)
		got.refused(400, "")
		if got.str("errorCode") != "operation_not_supported" || len(got.str("message")) < 20 {
			t.Errorf("%v: %s", r, got.text)
		}
	}
}

func TestLogs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db)
		token := w.machine("read:logs read:logs_users read:stats")
		w.now = w.now.AddDate(0, 0, -5)
		for i := range 5 {
			w.now = w.now.AddDate(0, 0, 1)
			w.store.Record(t.Context(), tenant.Log{Type: []string{"s", "fp"}[i%2], Description: fmt.Sprintf("n%d", i), UserName: "ada@example.com"})
		}
		if err := w.store.FlushLogs(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := w.do(token, "GET", "logs", nil, 200).list()
		if len(all) != 5 || all[0]["_id"] != all[0]["log_id"] || all[0]["_id"] == nil {
			t.Fatalf("logs: %v", all)
		}
		if got := w.do(token, "GET", "logs?q=type%3Afp", nil, 200).list(); len(got) != 2 {
			t.Errorf("by type: %v", got)
		}
		if got := w.do(token, "GET", "logs?include_totals=true&per_page=2&page=1", nil, 200).object(); got["total"] != 5.0 || got["length"] != 2.0 || got["start"] != 2.0 {
			t.Errorf("page: %v", got)
		}
		if got := w.do(token, "GET", "logs?fields=type&include_fields=true", nil, 200).list(); len(got[0]) != 1 {
			t.Errorf("fields: %v", got[0])
		}
		// By checkpoint: a bare array, oldest first, and the header says where to go on.
		var seen []string
		path := "logs?take=2"
		for range 5 {
			r := w.do(token, "GET", path, nil, 200)
			page := r.list()
			if len(page) == 0 {
				break
			}
			for _, l := range page {
				seen = append(seen, l["description"].(string))
			}
			link := r.header.Get("Link")
			next, _, ok := strings.Cut(strings.TrimPrefix(link, "</api/v2/"), ">")
			if !ok || !strings.Contains(link, `rel="next"`) || !strings.Contains(next, "from="+page[len(page)-1]["log_id"].(string)) {
				t.Fatalf("Link: %q", link)
			}
			path = next
		}
		if strings.Join(seen, "") != "n0n1n2n3" {
			t.Errorf("by checkpoint: %v, want all but that of this moment", seen)
		}
		w.now = w.now.Add(2*time.Second + time.Millisecond)
		if last := w.do(token, "GET", path, nil, 200).list(); len(last) != 1 || last[0]["description"] != "n4" {
			t.Errorf("two seconds later: %v, want n4", last)
		}
		w.do(token, "GET", "logs/"+all[0]["log_id"].(string), nil, 200)
		w.send(token, "GET", "logs/0", nil).refused(404, "The log event does not exist")
		w.send(token, "GET", "logs?q=type%3A(", nil).refused(400, "query cannot be read")

		stats := w.do(token, "GET", "stats/daily?from=20261119&to=20261121", nil, 200).list()
		if len(stats) != 3 || stats[0]["logins"] != 1.0 || stats[1]["logins"] != 0.0 || stats[2]["logins"] != 1.0 || stats[2]["date"] != "2026-11-21T00:00:00.000Z" {
			t.Errorf("stats: %v", stats)
		}
		// whose date was read before midnight, and whose ID was given after another's
		w.now = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
		w.store.Record(t.Context(), tenant.Log{Type: "s"})
		w.now = w.now.Add(-time.Millisecond)
		w.store.Record(t.Context(), tenant.Log{Type: "s"})
		if err := w.store.FlushLogs(t.Context()); err != nil {
			t.Fatal(err)
		}
		if stats = w.do(token, "GET", "stats/daily?from=20261123&to=20261123", nil, 200).list(); len(stats) != 1 || stats[0]["logins"] != 2.0 {
			t.Errorf("stats of midnight: %v", stats)
		}
		w.send(token, "GET", "stats/daily?from=20261121&to=20261119", nil).refused(400, "before")
		w.send(token, "GET", "stats/daily?from=19000101", nil).refused(400, "366")
		if got := w.do(token, "GET", "stats/active-users", nil, 200).text; strings.TrimSpace(got) != "0" {
			t.Errorf("active users: %s", got)
		}
	})
}

// ring is a key ring of three keys.
type ring struct{ removed string }

func (*ring) List(context.Context) ([]keyring.Info, error) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return []keyring.Info{
		{ID: "k3", Algorithm: "RS256", State: keyring.Next, SignsFrom: at.AddDate(0, 12, 0)},
		{ID: "k2", Algorithm: "RS256", State: keyring.Signing, SignsFrom: at.AddDate(0, 6, 0)},
		{ID: "k1", Algorithm: "RS256", State: keyring.Retired, SignsFrom: at},
	}, nil
}
func (*ring) Rotate(context.Context) (string, error) { return "k3", nil }
func (r *ring) Remove(_ context.Context, kid string) error {
	r.removed = kid
	return nil
}

func TestKeys(t *testing.T) {
	keys := new(ring)
	w := newWorld(t, func(c *management.Config) {
		c.Keys = keys
		c.Certificate = func(_ context.Context, kid string) (string, error) { return "CERT " + kid, nil }
	})
	token := w.everything()
	got := w.do(token, "GET", "keys/signing", nil, 200).list()
	for i, want := range []string{"next", "current", "previous"} {
		for _, name := range []string{"next", "current", "previous"} {
			if got[i][name] != (name == want) {
				t.Errorf("%v is not %s alone", got[i], want)
			}
		}
	}
	if got := w.do(token, "POST", "keys/signing/rotate", nil, 201).text; strings.TrimSpace(got) != `{"cert":"CERT k3","kid":"k3"}` {
		t.Errorf("rotated: %s", got)
	}
	for _, kid := range []string{"k2", "k3"} {
		w.send(token, "PUT", "keys/signing/"+kid+"/revoke", nil).refused(400, "Only a previous key")
	}
	w.send(token, "PUT", "keys/signing/k9/revoke", nil).refused(404, "does not exist")
	if keys.removed != "" {
		t.Errorf("removed %s", keys.removed)
	}
	w.do(token, "PUT", "keys/signing/k1/revoke", nil, 200)
	if keys.removed != "k1" {
		t.Errorf("removed %q", keys.removed)
	}
	w.do(token, "GET", "keys/signing/k1", nil, 200)
	none := newWorld(t)
	none.send(none.everything(), "GET", "keys/signing", nil).refused(400, "not kept here")
}
