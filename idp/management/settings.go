package management

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

// The settings of the tenant, and what guards against guessing.

func showSettings(s *tenant.Settings) (object, error) {
	o, err := view(s)
	if err != nil {
		return nil, err
	}
	for name := range o {
		if strings.HasPrefix(name, "gate_") {
			delete(o, name)
		}
	}
	for name, value := range map[string]string{
		"session_lifetime": "168", "idle_session_lifetime": "72", "enabled_locales": `["en"]`, "flags": "{}",
		"allowed_logout_urls": "[]", "friendly_name": `""`, "picture_url": `""`, "support_email": `""`, "support_url": `""`,
		"default_audience": `""`, "default_directory": `""`, "sandbox_version": `"22"`, "session_cookie": `{"mode":"persistent"}`,
		"sandbox_versions_available": `["22"]`,
	} {
		o.setDefault(name, value)
	}
	return o, nil
}

func (a *API) getSettings(ctx context.Context, q *request) (answer, error) {
	s, err := a.store.Settings(ctx)
	if err != nil {
		return answer{}, err
	}
	o, err := showSettings(s)
	return answer{status: 200, body: q.pick(o)}, err
}

func (a *API) updateSettings(ctx context.Context, q *request) (answer, error) {
	change, err := q.object(shape.Settings().Patching().Reserve("sandbox_versions_available"))
	if err != nil {
		return answer{}, err
	}
	s, err := a.store.UpdateSettings(ctx, func(s *tenant.Settings) error {
		next, err := patched(s, change, "flags")
		if err != nil {
			return err
		}
		if err := next.Check(); err != nil {
			return err
		}
		*s = *next
		return nil
	})
	if err != nil {
		return answer{}, err
	}
	o, err := showSettings(s)
	return answer{status: 200, body: o}, err
}

// protections are the documents of attack protection with their defaults.
func protections() map[string]string {
	return map[string]string{
		"brute-force-protection": `{"enabled":true,"shields":["block","user_notification"],"mode":"count_per_identifier_and_ip",
			"allowlist":[],"max_attempts":10}`,
		"suspicious-ip-throttling": `{"enabled":true,"shields":["admin_notification","block"],"allowlist":[],
			"stage":{"pre-login":{"max_attempts":100,"rate":864000},"pre-user-registration":{"max_attempts":50,"rate":1200}}}`,
		"breached-password-detection": `{"enabled":false,"shields":[],"admin_notification_frequency":[],"method":"standard",
			"stage":{"pre-user-registration":{"shields":[]},"pre-change-password":{"shields":[]}}}`,
		"bot-detection": `{"bot_detection_level":"low","challenge_password_policy":"never","challenge_passwordless_policy":"never",
			"challenge_password_reset_policy":"never","allowlist":[],"monitoring_mode_enabled":false}`,
		"captcha": `{"active_provider_id":""}`,
	}
}

// protection returns a document with what was set in place of its defaults.
func protection(s *tenant.Settings, name string) (object, error) {
	defaults, known := protections()[name]
	if !known {
		return nil, absent("Not Found", "")
	}
	var o, own object
	if err := json.Unmarshal([]byte(defaults), &o); err != nil {
		return nil, err
	}
	if raw := s.Protection[name]; len(raw) > 0 {
		if err := json.Unmarshal(raw, &own); err != nil {
			return nil, err
		}
	}
	maps.Copy(o, own)
	return o, nil
}

func (a *API) getProtection(ctx context.Context, q *request) (answer, error) {
	s, err := a.store.Settings(ctx)
	if err != nil {
		return answer{}, err
	}
	o, err := protection(s, q.id("protection"))
	return answer{status: 200, body: o}, err
}

func (a *API) updateProtection(ctx context.Context, q *request) (answer, error) {
	name := q.id("protection")
	defaults, err := protection(new(tenant.Settings), name)
	if err != nil {
		return answer{}, err
	}
	change, err := q.object(shape.Protection())
	if err != nil {
		return answer{}, err
	}
	for _, property := range slices.Sorted(maps.Keys(change)) {
		if _, known := defaults[property]; !known {
			return answer{}, shape.NotAllowed(property)
		}
	}
	if name == "bot-detection" || name == "captcha" {
		return answer{}, unsupported("There is no detection of bots here")
	}
	s, err := a.store.UpdateSettings(ctx, func(s *tenant.Settings) error {
		o, err := protection(s, name)
		if err != nil {
			return err
		}
		maps.Copy(o, change)
		data, err := json.Marshal(o)
		if err != nil {
			return err
		}
		s.Protection = maps.Clone(s.Protection)
		if s.Protection == nil {
			s.Protection = map[string]json.RawMessage{}
		}
		s.Protection[name] = data
		return nil
	})
	if err != nil {
		return answer{}, err
	}
	o, err := protection(s, name)
	return answer{status: 200, body: o}, err
}
