package management

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/tenant"
)

// The settings of the tenant, and what guards against guessing.

func settingsSchema() schema {
	return schema{
		"friendly_name":           {check: text(0, 128)},
		"picture_url":             {check: urlCheck(plainURL)},
		"support_email":           {check: text(0, 320)},
		"support_url":             {check: urlCheck(plainURL)},
		"default_audience":        {check: text(0, 600)},
		"default_directory":       {check: text(0, 128)},
		"default_redirection_uri": {check: urlCheck(initiateLogin)},
		"allowed_logout_urls":     {check: list(maxURLs, urlCheck(func(s string) string { return returnURL(s, false) }))},
		"session_lifetime":        {check: number(8760)},
		"idle_session_lifetime":   {check: number(8760)},
		"enabled_locales":         {check: list(100, text(2, 35))},
		"flags":                   {check: flagsOf},
		"sandbox_version":         {check: text(0, 8)},
		"change_password":         {check: objectOf(10, 128<<10)},
		"guardian_mfa_page":       {check: objectOf(10, 128<<10)},
		"error_page":              {check: objectOf(10, 128<<10)},
		"session_cookie":          {check: objectOf(4, 1024)},
		"sessions":                {check: objectOf(10, 4096)},
		"oidc_logout":             {check: objectOf(10, 4096)},
		"mtls":                    {check: objectOf(10, 4096)},
		"acr_values_supported":    {check: list(100, text(1, 255))},
	}
}

func flagsOf(raw json.RawMessage) string {
	if why := objectOf(200, 32<<10)(raw); why != "" {
		return why
	}
	var o object
	_ = json.Unmarshal(raw, &o) // objectOf read it
	for _, value := range o {
		if string(value) == "null" {
			continue
		}
		if why := boolean(value); why != "" {
			return why
		}
	}
	return ""
}

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
	change, err := q.object(settingsSchema().patching().reserve("sandbox_versions_available"))
	if err != nil {
		return answer{}, err
	}
	if address := change.text("support_email"); address != "" {
		if _, err := emailAddress(address); err != nil {
			return answer{}, badProperty("support_email", "Object didn't pass validation for format email", "")
		}
	}
	s, err := a.store.UpdateSettings(ctx, func(s *tenant.Settings) error {
		next, err := patched(s, change, "flags")
		if err != nil {
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

func protectionSchema() schema {
	return schema{
		"enabled":                      {check: boolean},
		"shields":                      {check: list(3, oneOf("block", "user_notification", "admin_notification"))},
		"mode":                         {check: oneOf("count_per_identifier_and_ip", "count_per_identifier")},
		"allowlist":                    {check: list(100, text(2, 64))},
		"max_attempts":                 {check: integer(1, 100)},
		"stage":                        {check: objectOf(4, 4096)},
		"method":                       {check: oneOf("standard", "enhanced")},
		"admin_notification_frequency": {check: list(4, oneOf("immediately", "daily", "weekly", "monthly"))},
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
	change, err := q.object(protectionSchema())
	if err != nil {
		return answer{}, err
	}
	for _, property := range slices.Sorted(maps.Keys(change)) {
		if _, known := defaults[property]; !known {
			return answer{}, notAllowed(property)
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
