package actions_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/actions"
)

func TestCredentialsExchange(t *testing.T) {
	r := newRunner(t, actions.Config{})
	event := actions.CredentialsExchangeEvent{
		Client:         actions.Client{ClientID: "m2m", Name: "Worker", Metadata: map[string]string{"tier": "gold"}},
		ResourceServer: &actions.ResourceServer{Identifier: "https://menu.example/"},
		Transaction:    &actions.Transaction{RequestedScopes: []string{"read:items"}},
		AccessToken:    actions.ExchangeToken{Scope: []string{"read:items"}},
	}
	for name, tt := range map[string]struct {
		code string
		want actions.CredentialsExchangeResult
	}{
		"claim": {
			`exports.onExecuteCredentialsExchange = async (event, api) => {
  const namespace = 'https://my-api.exampleco.com/';
  api.accessToken.setCustomClaim(namespace + 'tier', event.client.metadata.tier);
};`, actions.CredentialsExchangeResult{AccessToken: actions.TokenChanges{Claims: map[string]any{"https://my-api.exampleco.com/tier": "gold"}}},
		},
		"denied": {
			`exports.onExecuteCredentialsExchange = async (event, api) => { if (event.transaction.requested_scopes.includes('read:items')) api.access.deny('invalid_scope', 'not today'); };`,
			actions.CredentialsExchangeResult{Deny: &actions.Deny{Action: "test", Code: "invalid_scope", Reason: "not today"}},
		},
		"other code": {
			`exports.onExecuteCredentialsExchange = async (event, api) => { api.access.deny('my_code', 'x'); };`,
			actions.CredentialsExchangeResult{Deny: &actions.Deny{Action: "test", Code: "invalid_request", Reason: "x"}},
		},
		"no user": {
			`exports.onExecuteCredentialsExchange = async (event, api) => { if (event.user || api.user || api.redirect || api.idToken) throw 1; };`,
			actions.CredentialsExchangeResult{},
		},
	} {
		got, err := r.CredentialsExchange(t.Context(), one(tt.code), event)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Error(name, diff)
		}
	}
	if _, err := r.CredentialsExchange(t.Context(), one(`exports.onExecuteCredentialsExchange = async () => { throw 1; };`), event); !errors.Is(err, actions.ErrThrown) {
		t.Error(err)
	}
}

func TestPreUserRegistration(t *testing.T) {
	r := newRunner(t, actions.Config{})
	deny := `
exports.onExecutePreUserRegistration = async (event, api) => {
  if (event.request.geoip.continentCode === "NA") {
    const LOG_MESSAGE = "Deny North America";
    const USER_MESSAGE = "You are not allowed to register.";
    api.access.deny(LOG_MESSAGE, USER_MESSAGE);
  }
};`
	keep := `
exports.onExecutePreUserRegistration = async (event, api) => {
  if (event.user.user_id !== undefined) throw new Error('an id');
  api.user.setUserMetadata("screen_name", "username");
  api.user.setAppMetadata("source", "registration_flow");
};`
	event := actions.RegistrationEvent{
		User:    actions.User{UserID: "auth0|never", Email: "bob@example.com"},
		Request: actions.Request{GeoIP: map[string]any{"continentCode": "NA"}},
	}
	for name, tt := range map[string]struct {
		codes []string
		want  actions.PreRegistrationResult
	}{
		"denied": {[]string{deny, keep}, actions.PreRegistrationResult{
			Deny: &actions.Deny{Action: "test", Code: "access_denied", Reason: "Deny North America", UserMessage: "You are not allowed to register."},
		}},
		"metadata": {[]string{keep, keep}, actions.PreRegistrationResult{
			AppMetadata: actions.MetadataPatch{"source": "registration_flow"}, UserMetadata: actions.MetadataPatch{"screen_name": "username"},
		}},
		"invalid": {[]string{`exports.onExecutePreUserRegistration = (event, api) => { api.validation.error('bad_name', 'Choose another name.'); };`}, actions.PreRegistrationResult{
			Deny: &actions.Deny{Action: "test", Code: "access_denied", Reason: "bad_name", UserMessage: "Choose another name."},
		}},
	} {
		var list []actions.Action
		for _, code := range tt.codes {
			list = append(list, action(code))
		}
		got, err := r.PreUserRegistration(t.Context(), list, event)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Error(name, diff)
		}
	}
}

func TestNotifications(t *testing.T) {
	var said lines
	r := newRunner(t, actions.Config{Console: said.add})
	list := one(`exports.onExecutePostUserRegistration = async (event, api) => { console.log('registered', event.user.user_id, Object.keys(api).join()); };
		exports.onExecutePostChangePassword = async (event) => { console.log('changed', event.user.email); };`)
	bad := action(`exports.onExecutePostUserRegistration = async () => { throw new Error('first'); }; exports.onExecutePostChangePassword = () => null.x;`)
	list = append([]actions.Action{bad}, list...)
	user := actions.User{UserID: "auth0|1", Email: "bob@example.com"}
	if err := r.PostUserRegistration(t.Context(), list, actions.RegistrationEvent{User: user}); !errors.Is(err, actions.ErrThrown) {
		t.Error(err)
	}
	if err := r.PostChangePassword(t.Context(), list, actions.ChangePasswordEvent{User: user}); !errors.Is(err, actions.ErrThrown) {
		t.Error(err)
	}
	for _, want := range []string{"info: registered auth0|1 cache", "info: changed bob@example.com"} {
		if !said.has(want) {
			t.Errorf("%q is not in %q", want, said)
		}
	}
}

func TestCache(t *testing.T) {
	now := thursday
	r := newRunner(t, actions.Config{Now: func() time.Time { return now }})
	put := func(code string) any {
		t.Helper()
		got, err := claim(t, r, `exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim('got', `+code+`); };`, nil)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	expires := float64(thursday.Add(time.Minute).UnixMilli())
	if diff := cmp.Diff(map[string]any{"type": "success", "record": map[string]any{"value": "v", "expires_at": expires}}, put(`api.cache.set('k', 'v', {ttl: 60000})`)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"value": "v", "expires_at": expires}, put(`api.cache.get('k')`)); diff != "" {
		t.Error(diff)
	}
	if got := put(`typeof api.cache.get('none')`); got != "undefined" {
		t.Error(got)
	}
	if got := put(`[api.cache.delete('k').type, typeof api.cache.get('k')].join()`); got != "success,undefined" {
		t.Error(got)
	}
	put(`api.cache.set('k', 'v')`)
	if _, err := r.CredentialsExchange(t.Context(), one(`exports.onExecuteCredentialsExchange = (event, api) => { if (api.cache.get('k')) throw 1; };`), actions.CredentialsExchangeEvent{}); err != nil {
		t.Error("another trigger sees it:", err)
	}
	now = now.Add(16 * time.Minute)
	if got := put(`typeof api.cache.get('k')`); got != "undefined" {
		t.Error("it did not expire:", got)
	}
	for code, want := range map[string]string{
		`api.cache.set('k'.repeat(65), 'v')`:   "CACHE_KEY_TOO_LARGE",
		`api.cache.set('k', 'v'.repeat(4097))`: "CACHE_VALUE_TOO_LARGE",
		`(() => { let r; for (let i = 0; i < 21; i++) r = api.cache.set('k' + i, 'v'); return r; })()`:       "CACHE_FULL",
		`(() => { api.cache.set('k1', 'v'.repeat(4096)); return api.cache.set('k2', 'v'.repeat(4096)); })()`: "CACHE_FULL",
	} {
		got, _ := put(code).(map[string]any)
		if got["type"] != "error" || got["code"] != want {
			t.Errorf("%s: %v", code, got)
		}
	}
}

// The time of a trigger is for all its actions together.
func TestIDP22_timeOfTrigger(t *testing.T) {
	r := newRunner(t, actions.Config{Timeout: 600 * time.Millisecond})
	slow := action(`exports.onExecutePostLogin = () => new Promise((resolve) => setTimeout(resolve, 250));`)
	_, err := r.PostLogin(t.Context(), slices.Repeat([]actions.Action{slow}, 10), loginEvent(), actions.Flow{})
	if !errors.Is(err, actions.ErrTimeout) && !errors.Is(err, actions.ErrBusy) {
		t.Error(err)
	}
}

func BenchmarkPostLogin(b *testing.B) {
	for name, worker := range map[string]bool{"in process": false, "worker": true} {
		b.Run(name, func(b *testing.B) {
			cfg := actions.Config{}
			if worker {
				cfg.Worker = workerCommand
			}
			r := newRunner(b, cfg)
			list, event := one(rolesInTokens), loginEvent()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.PostLogin(b.Context(), list, event, actions.Flow{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
