package management

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

// Settings that are whole documents: branding, themes, prompts, templates of
// letters. They are kept as they come.

// document returns a document by its name, or nil.
func (a *API) document(ctx context.Context, name string) (object, error) {
	s, err := a.store.Settings(ctx)
	if err != nil || s.Documents[name] == nil {
		return nil, err
	}
	var o object
	return o, json.Unmarshal(s.Documents[name], &o)
}

// setDocument changes a document by change, which gets what is there; a nil
// result removes it.
func (a *API) setDocument(ctx context.Context, name string, change func(object) (object, error)) error {
	_, err := a.store.UpdateSettings(ctx, func(s *tenant.Settings) error {
		var current object
		if raw := s.Documents[name]; raw != nil {
			if err := json.Unmarshal(raw, &current); err != nil {
				return err
			}
		}
		next, err := change(current)
		if err != nil {
			return err
		}
		s.Documents = maps.Clone(s.Documents)
		if s.Documents == nil {
			s.Documents = map[string]json.RawMessage{}
		}
		if next == nil {
			delete(s.Documents, name)
			return nil
		}
		if s.Documents[name], err = json.Marshal(next); err != nil {
			return err
		}
		return s.Check()
	})
	return err
}

// overlay returns current with the members of change in place of its own.
func overlay(current, change object) object {
	all := maps.Clone(current)
	if all == nil {
		all = object{}
	}
	for name, value := range change {
		if string(value) == "null" {
			delete(all, name)
			continue
		}
		all[name] = value
	}
	return all
}

// A documentKind is a sort of document with its rules.
type documentKind struct {
	name     func(*request) (string, error)
	defaults string // what a GET says when there is none; empty means 404
	schema   shape.Schema
	check    func(object) error // judges the body as a whole; nil takes all
	missing  error
}

func (k documentKind) read(ctx context.Context, a *API, q *request) (answer, error) {
	name, err := k.name(q)
	if err != nil {
		return answer{}, err
	}
	o, err := a.document(ctx, name)
	if err != nil {
		return answer{}, err
	}
	if o == nil && k.defaults == "" {
		return answer{}, k.missing
	}
	all := object{}
	if k.defaults != "" {
		if err := json.Unmarshal([]byte(k.defaults), &all); err != nil {
			return answer{}, err
		}
	}
	maps.Copy(all, o)
	return ok(all)
}

// patch merges a body into the document, put takes its place.
func (k documentKind) patch(ctx context.Context, a *API, q *request) (answer, error) {
	return k.write(ctx, a, q, func(current, change object) (object, error) {
		if current == nil && k.defaults == "" {
			return nil, k.missing
		}
		return overlay(current, change), nil
	})
}

func (k documentKind) put(ctx context.Context, a *API, q *request) (answer, error) {
	return k.write(ctx, a, q, func(_, change object) (object, error) { return overlay(nil, change), nil })
}

func (k documentKind) write(ctx context.Context, a *API, q *request, merge func(current, change object) (object, error)) (answer, error) {
	name, err := k.name(q)
	if err != nil {
		return answer{}, err
	}
	change, err := q.object(k.schema)
	if err != nil {
		return answer{}, err
	}
	if k.check != nil {
		if err := k.check(change); err != nil {
			return answer{}, err
		}
	}
	if err := a.setDocument(ctx, name, func(current object) (object, error) { return merge(current, change) }); err != nil {
		return answer{}, err
	}
	return k.read(ctx, a, q)
}

func fixed(name string) func(*request) (string, error) {
	return func(*request) (string, error) { return name, nil }
}

// Branding

func branding() documentKind {
	return documentKind{
		name: fixed("branding"), defaults: `{}`,
		schema: shape.Schema{
			"logo_url": {Check: shape.URL(shape.PlainURL), Nullable: true}, "favicon_url": {Check: shape.URL(shape.PlainURL), Nullable: true},
			"colors": {Check: shape.ObjectOf(10, 4096), Nullable: true}, "font": {Check: shape.ObjectOf(4, 4096), Nullable: true},
		},
	}
}

func (a *API) getBranding(ctx context.Context, q *request) (answer, error) {
	return branding().read(ctx, a, q)
}

func (a *API) updateBranding(ctx context.Context, q *request) (answer, error) {
	return branding().patch(ctx, a, q)
}

// Prompts

func prompts() documentKind {
	return documentKind{
		name: fixed("prompts"), defaults: `{"universal_login_experience":"new","identifier_first":false,"webauthn_platform_first_factor":false}`,
		schema: shape.Schema{
			"universal_login_experience": {Check: shape.OneOf("new", "classic")}, "identifier_first": {Check: shape.Boolean},
			"webauthn_platform_first_factor": {Check: shape.Boolean},
		},
	}
}

func (a *API) getPrompts(ctx context.Context, q *request) (answer, error) {
	return prompts().read(ctx, a, q)
}

func (a *API) updatePrompts(ctx context.Context, q *request) (answer, error) {
	return prompts().patch(ctx, a, q)
}

func customText() documentKind {
	return documentKind{
		name: func(q *request) (string, error) {
			if !shape.ConnectionName(q.id("prompt")) || !shape.ConnectionName(q.id("language")) || len(q.id("prompt")+q.id("language")) > 100 {
				return "", badPath("prompt", "prompt", shape.Cut(q.id("prompt"), 64))
			}
			return "prompts/" + q.id("prompt") + "/custom-text/" + q.id("language"), nil
		},
		defaults: `{}`,
		schema:   shape.Schema{},
		check:    checkTexts,
	}
}

// The bounds of the texts of a prompt.
const (
	maxScreens = 50
	maxKeys    = 300 // of a screen
	maxText    = 4096
)

// checkTexts judges the texts of a prompt, which are objects by screen.
func checkTexts(screens object) error {
	if len(screens) > maxScreens {
		return badBody("There are texts for more than %d screens", maxScreens)
	}
	for _, screen := range slices.Sorted(maps.Keys(screens)) {
		if string(screens[screen]) == "null" {
			continue // removes it
		}
		if why := shape.ObjectOf(maxKeys, shape.MaxDocument)(screens[screen]); why != "" {
			return badProperty(screen, why, "")
		}
		var texts object
		if err := screens.read(screen, &texts); err != nil {
			return err
		}
		for _, key := range slices.Sorted(maps.Keys(texts)) {
			if why := shape.Text(0, maxText)(texts[key]); why != "" || len(key) > 128 {
				return badProperty(screen+"."+shape.Cut(key, 64), cmp.Or(why, "the name of a property is too long"), "")
			}
		}
	}
	return nil
}

func (a *API) getCustomText(ctx context.Context, q *request) (answer, error) {
	return customText().read(ctx, a, q)
}

func (a *API) putCustomText(ctx context.Context, q *request) (answer, error) {
	return customText().put(ctx, a, q)
}

// Letters

func emailTemplates() []string {
	return []string{
		"verify_email", "verify_email_by_code", "reset_email", "reset_email_by_code", "welcome_email", "blocked_account", "stolen_credentials",
		"enrollment_email", "mfa_oob_code", "user_invitation", "change_password", "password_reset", "async_approval",
	}
}

func emailTemplate() documentKind {
	return documentKind{
		name: func(q *request) (string, error) {
			if !slices.Contains(emailTemplates(), q.id("template")) {
				return "", badPath("templateName", "template", shape.Cut(q.id("template"), 64))
			}
			return "email-templates/" + q.id("template"), nil
		},
		schema: shape.Schema{
			"template": {Check: shape.OneOf(emailTemplates()...)}, "body": {Check: shape.Text(0, shape.MaxDocument), Nullable: true},
			"from": {Check: shape.Text(0, 320), Nullable: true}, "subject": {Check: shape.Text(0, 998), Nullable: true},
			"syntax": {Check: shape.OneOf("liquid"), Nullable: true}, "enabled": {Check: shape.Boolean},
			"resultUrl": {Check: shape.URL(shape.PlainURL), Nullable: true}, "urlLifetimeInSeconds": {Check: shape.Integer(0, maxTicket), Nullable: true},
			"includeEmailInRedirect": {Check: shape.Boolean},
		},
		missing: absent("The template does not exist", "inexistent_email_template"),
	}
}

func (a *API) getTemplate(ctx context.Context, q *request) (answer, error) {
	return emailTemplate().read(ctx, a, q)
}

func (a *API) patchTemplate(ctx context.Context, q *request) (answer, error) {
	return emailTemplate().patch(ctx, a, q)
}

func (a *API) putTemplate(ctx context.Context, q *request) (answer, error) {
	return emailTemplate().put(ctx, a, q)
}

// createTemplate is a PUT whose name stands in the body.
func (a *API) createTemplate(ctx context.Context, q *request) (answer, error) {
	k := emailTemplate()
	o, err := q.object(k.schema)
	if err != nil {
		return answer{}, err
	}
	if o.text("template") == "" {
		return answer{}, badProperty("template", "Missing required property: template", "")
	}
	q.params = map[string]string{"template": o.text("template")}
	ans, err := k.write(ctx, a, q, func(current, change object) (object, error) {
		if current != nil {
			return nil, conflict("The template exists already", "")
		}
		return overlay(nil, change), nil
	})
	ans.status = 201
	return ans, err
}

// Themes

const themePrefix = "branding/themes/"

func noTheme() error {
	return absent("There was an error retrieving branding settings", "theme_not_found")
}

func theme() documentKind {
	return documentKind{
		name: func(q *request) (string, error) {
			if !shape.ConnectionName(q.id("theme")) || len(q.id("theme")) > 64 {
				return "", noTheme()
			}
			return themePrefix + q.id("theme"), nil
		},
		schema: shape.Schema{
			"displayName": {Check: shape.Text(0, 2048)}, "colors": {Check: shape.ObjectOf(40, 8192)}, "fonts": {Check: shape.ObjectOf(40, 8192)},
			"borders": {Check: shape.ObjectOf(40, 8192)}, "page_background": {Check: shape.ObjectOf(20, 8192)}, "widget": {Check: shape.ObjectOf(20, 8192)},
		}.Reserve("themeId"),
		missing: noTheme(),
	}
}

func (a *API) createTheme(ctx context.Context, q *request) (answer, error) {
	q.params = map[string]string{"theme": newText(24)}
	k := theme()
	return k.write(ctx, a, q, func(_, change object) (object, error) {
		o := overlay(nil, change)
		o.set("themeId", q.id("theme"))
		return o, nil
	})
}

func (a *API) defaultTheme(ctx context.Context, _ *request) (answer, error) {
	s, err := a.store.Settings(ctx)
	if err != nil {
		return answer{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(s.Documents)) {
		if strings.HasPrefix(name, themePrefix) {
			return ok(s.Documents[name])
		}
	}
	return answer{}, noTheme()
}

func (a *API) getTheme(ctx context.Context, q *request) (answer, error) {
	return theme().read(ctx, a, q)
}

func (a *API) updateTheme(ctx context.Context, q *request) (answer, error) {
	return theme().patch(ctx, a, q)
}

func (a *API) deleteTheme(ctx context.Context, q *request) (answer, error) {
	name, err := theme().name(q)
	if err != nil {
		return answer{}, err
	}
	err = a.setDocument(ctx, name, func(current object) (object, error) {
		if current == nil {
			return nil, noTheme()
		}
		return nil, nil // no document, and nothing wrong
	})
	if err != nil {
		return answer{}, err
	}
	return noContent()
}
