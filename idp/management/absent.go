package management

import "context"

// Features that this provider does not have. Programs that export a whole
// tenant read them: they find nothing, or what holds when nothing is set.

// emptyList answers with no items, in whichever form a list is asked for.
func emptyList(key string) func(*API, context.Context, *request) (answer, error) {
	return func(_ *API, _ context.Context, q *request) (answer, error) {
		p, err := q.page()
		if err != nil {
			return answer{}, err
		}
		return q.show(p, part{key: key})
	}
}

// constant answers with a document that never changes.
func constant(body any) func(*API, context.Context, *request) (answer, error) {
	return func(*API, context.Context, *request) (answer, error) { return ok(body) }
}

// missing answers that something is not there.
func missing(message, code string) func(*API, context.Context, *request) (answer, error) {
	return func(*API, context.Context, *request) (answer, error) { return answer{}, absent(message, code) }
}

// refused answers that something cannot be done here.
func refused(what string) func(*API, context.Context, *request) (answer, error) {
	return func(*API, context.Context, *request) (answer, error) {
		return answer{}, unsupported("%s", what)
	}
}

// A feature is a collection of objects of which there are none.
type feature struct {
	path, scope, key string
	gone, code       string // what is said of a single one
	what             string // what is said to a change
}

func features() []feature {
	return []feature{
		{"organizations", "organizations", "organizations", "No organization found by that id or name", "", "There are no organizations here"},
		{"custom-domains", "custom_domains", "custom_domains", "The custom domain does not exist", "inexistent_custom_domain", "The provider has the one domain of its issuer"},
		{"log-streams", "log_streams", "log_streams", "The log stream does not exist", "", "Logs are not streamed; read them at /logs"},
		{"token-exchange-profiles", "token_exchange_profiles", "token_exchange_profiles", "The token exchange profile does not exist", "", "Tokens are not exchanged here"},
		{"event-streams", "event_streams", "eventStreams", "The event stream does not exist", "", "Events are not streamed"},
		{"rules", "rules", "rules", "The rule does not exist", "inexistent_rule", "There are no rules here; write an action"},
		{"rules-configs", "rules_configs", "rules_configs", "The rules config does not exist", "", "There are no rules here; write an action"},
		{"hooks", "hooks", "hooks", "The hook does not exist", "", "There are no hooks here; write an action"},
		{"device-credentials", "device_credentials", "device_credentials", "The credential does not exist", "", "Devices have refresh tokens; see /refresh-tokens"},
		{"forms", "forms", "forms", "The form does not exist", "", "There are no forms here"},
		{"flows", "flows", "flows", "The flow does not exist", "", "There are no flows here"},
		{"self-service-profiles", "self_service_profiles", "self_service_profiles", "The profile does not exist", "", "There is no self-service here"},
		{"network-acls", "network_acls", "network_acls", "The access list does not exist", "", "There are no access lists here"},
		{"user-attribute-profiles", "user_attribute_profiles", "user_attribute_profiles", "The profile does not exist", "", "There are no attribute profiles here"},
		{"connection-profiles", "connection_profiles", "connection_profiles", "The profile does not exist", "", "There are no connection profiles here"},
		{"groups", "groups", "groups", "The group does not exist", "", "There are no groups here; give roles"},
	}
}

func absentRoutes() []route {
	var list []route
	for _, f := range features() {
		list = append(list,
			route{method: "GET", path: f.path, scopes: "read:" + f.scope, handle: emptyList(f.key)},
			route{method: "POST", path: f.path, scopes: "create:" + f.scope, handle: refused(f.what)},
			route{method: "GET", path: f.path + "/{id}", scopes: "read:" + f.scope, handle: missing(f.gone, f.code)},
			route{method: "PATCH", path: f.path + "/{id}", scopes: "update:" + f.scope, handle: refused(f.what)},
			route{method: "PUT", path: f.path + "/{id}", scopes: "update:" + f.scope, handle: refused(f.what)},
			route{method: "DELETE", path: f.path + "/{id}", scopes: "delete:" + f.scope, handle: refused(f.what)},
		)
	}
	return append(list, absentDocuments()...)
}

// A factor is a second factor as guardian/factors has it.
type factor struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	Trial   bool   `json:"trial_expired"`
}

func factors() []factor {
	var list []factor
	for _, name := range []string{
		"sms", "push-notification", "otp", "email", "duo", "webauthn-roaming", "webauthn-platform", "recovery-code",
	} {
		list = append(list, factor{Name: name})
	}
	return list
}

func absentDocuments() []route {
	const noFactors = "There are no second factors here"
	const noMail = "Letters are sent as the configuration of the provider says"
	const noTemplate = "Pages are changed by branding and custom text"
	return []route{
		{method: "GET", path: "guardian/factors", scopes: "read:guardian_factors", handle: constant(factors())},
		{method: "PUT", path: "guardian/factors/{factor}", scopes: "update:guardian_factors", handle: refused(noFactors)},
		{method: "GET", path: "guardian/policies", scopes: "read:mfa_policies", handle: constant([]string{})},
		{method: "PUT", path: "guardian/policies", scopes: "update:mfa_policies", handle: refused(noFactors)},
		{method: "GET", path: "users/{user}/authentication-methods", scopes: "read:authentication_methods", handle: (*API).listFactors},
		{method: "POST", path: "users/{user}/authentication-methods", scopes: "create:authentication_methods", handle: refused(noFactors)},
		{method: "PUT", path: "users/{user}/authentication-methods", scopes: "update:authentication_methods", handle: refused(noFactors)},
		{method: "DELETE", path: "users/{user}/authentication-methods", scopes: "delete:authentication_methods", handle: (*API).deleteFactors},
		{method: "GET", path: "users/{user}/enrollments", scopes: "read:users", handle: (*API).listEnrollments},
		{method: "GET", path: "users/{user}/organizations", scopes: "read:organizations", handle: (*API).listUserOrganizations},
		{method: "POST", path: "users/{user}/multifactor/actions/invalidate-remember-browser", scopes: "update:users", handle: (*API).deleteFactors},
		{method: "POST", path: "users/{user}/recovery-code-regeneration", scopes: "update:users", handle: refused(noFactors)},
		{method: "GET", path: "client-grants/{grant}/organizations", scopes: "read:organization_client_grants", handle: emptyList("organizations")},
		{method: "GET", path: "organizations/name/{name}", scopes: "read:organizations", handle: missing("No organization found by that id or name", "")},
		{method: "GET", path: "emails/provider", scopes: "read:email_provider", handle: missing("There is not a configured email provider", "inexistent_email_provider")},
		{method: "POST", path: "emails/provider", scopes: "create:email_provider", handle: refused(noMail)},
		{method: "PATCH", path: "emails/provider", scopes: "update:email_provider", handle: refused(noMail)},
		{method: "DELETE", path: "emails/provider", scopes: "delete:email_provider", handle: refused(noMail)},
		{method: "GET", path: "branding/templates/universal-login", scopes: "read:branding", handle: missing("There is no template", "template_not_found")},
		{method: "PUT", path: "branding/templates/universal-login", scopes: "update:branding", handle: refused(noTemplate)},
		{method: "DELETE", path: "branding/templates/universal-login", scopes: "delete:branding", handle: refused(noTemplate)},
		{method: "GET", path: "branding/phone/providers", scopes: "read:phone_providers", handle: constant(map[string]any{"providers": []string{}})},
		{method: "GET", path: "branding/phone/templates", scopes: "read:phone_templates", handle: constant(map[string]any{"templates": []string{}})},
		{method: "GET", path: "prompts/{prompt}/partials", scopes: "read:prompts", handle: constant(empty{})},
		{method: "PUT", path: "prompts/{prompt}/partials", scopes: "update:prompts", handle: refused(noTemplate)},
		{method: "GET", path: "prompts/{prompt}/screen/{screen}/rendering", scopes: "read:prompts", handle: constant(map[string]string{"rendering_mode": "standard"})},
		{method: "GET", path: "risk-assessments/settings", scopes: "read:attack_protection", handle: constant(map[string]bool{"enabled": false})},
		{method: "GET", path: "keys/encryption", scopes: "read:encryption_keys", handle: emptyList("keys")},
		{method: "GET", path: "keys/custom-signing", scopes: "read:custom_signing_keys", handle: missing("There are no custom signing keys", "")},
		{method: "GET", path: "actions/modules", scopes: "read:actions", handle: constant(map[string]any{"modules": []string{}, "total": 0, "per_page": defaultPage})},
		{method: "GET", path: "connections/{connection}/scim-configuration", scopes: "read:scim_config", handle: missing("Not Found", "")},
	}
}

// listFactors says that a user has no second factors.
func (a *API) listFactors(ctx context.Context, q *request) (answer, error) {
	if _, err := a.store.User(ctx, q.id("user")); err != nil {
		return answer{}, noUser(err)
	}
	return emptyList("authenticators")(a, ctx, q)
}

// deleteFactors finds none to delete.
func (a *API) deleteFactors(ctx context.Context, q *request) (answer, error) {
	if _, err := a.store.User(ctx, q.id("user")); err != nil {
		return answer{}, noUser(err)
	}
	return noContent()
}

func (a *API) listEnrollments(ctx context.Context, q *request) (answer, error) {
	if _, err := a.store.User(ctx, q.id("user")); err != nil {
		return answer{}, noUser(err)
	}
	return ok([]string{})
}

func (a *API) listUserOrganizations(ctx context.Context, q *request) (answer, error) {
	if _, err := a.store.User(ctx, q.id("user")); err != nil {
		return answer{}, noUser(err)
	}
	return emptyList("organizations")(a, ctx, q)
}
