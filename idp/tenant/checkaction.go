package tenant

import (
	"slices"

	"github.com/gatewright/gate/idp/internal/shape"
)

// A TriggerVersion is one version of a trigger that Auth0 has.
type TriggerVersion struct {
	ID, Version string
	Current     bool // not deprecated
}

// Triggers are those that Auth0 has. This provider runs some of them; the others
// may have actions and bindings, which nothing calls.
func Triggers() []TriggerVersion {
	return []TriggerVersion{
		{"post-login", "v3", true},
		{"post-login", "v2", false},
		{"post-login", "v1", false},
		{"credentials-exchange", "v2", true},
		{"credentials-exchange", "v1", false},
		{"pre-user-registration", "v2", true},
		{"pre-user-registration", "v1", false},
		{"post-user-registration", "v2", true},
		{"post-user-registration", "v1", false},
		{"post-change-password", "v2", true},
		{"post-change-password", "v1", false},
		{"send-phone-message", "v2", true},
		{"send-phone-message", "v1", false},
		{"password-reset-post-challenge", "v1", true},
		{"custom-token-exchange", "v1", true},
		{"custom-email-provider", "v1", true},
		{"custom-phone-provider", "v1", true},
		{"event-stream", "v1", true},
	}
}

// CurrentTrigger returns the version of a trigger that is not deprecated, empty
// when there is no such trigger.
func CurrentTrigger(id string) string {
	for _, t := range Triggers() {
		if t.ID == id && t.Current {
			return t.Version
		}
	}
	return ""
}

// Supports reports whether an action is for a trigger.
func (a *Action) Supports(trigger string) bool {
	return slices.ContainsFunc(a.Triggers, func(t ActionTrigger) bool { return t.ID == trigger })
}

// Check judges an action, and gives its trigger the version of today if it has
// none. Whether the code compiles is not judged. The error is a [*FieldError].
func (a *Action) Check() error {
	if len(a.Code) > shape.MaxCode {
		return wrong("code", "String is too long")
	}
	if len(a.Triggers) != 1 {
		return wrong("supported_triggers", "Array has to have one item")
	}
	t := &a.Triggers[0]
	if !slices.ContainsFunc(Triggers(), func(known TriggerVersion) bool { return known.ID == t.ID }) {
		return wrong("supported_triggers.id", "No enum match for: "+shape.Cut(t.ID, 64))
	}
	if t.Version == "" {
		t.Version = CurrentTrigger(t.ID)
	}
	if !slices.ContainsFunc(Triggers(), func(known TriggerVersion) bool { return known.ID == t.ID && known.Version == t.Version }) {
		return wrong("supported_triggers.version", "No enum match for: "+shape.Cut(t.Version, 16))
	}
	for _, d := range a.Dependencies {
		if d.Name == "" || len(d.Name) > 214 || len(d.Version) > 128 {
			return wrong("dependencies.name", "Missing required property: name")
		}
	}
	return nil
}

// CheckSecrets judges the names and values of the secrets. The error is a
// [*FieldError].
func (a *Action) CheckSecrets() error {
	seen := map[string]bool{}
	for _, s := range a.Secrets {
		if s.Name == "" || len(s.Name) > 128 || len(s.Value) > 4096 {
			return wrong("secrets", "a name is 1 to 128 characters, a value at most 4096")
		}
		if seen[s.Name] {
			return wrong("secrets", "Array items are not unique: "+shape.Cut(s.Name, 64))
		}
		seen[s.Name] = true
	}
	return nil
}

// CheckBinding judges whether an action may be bound to a trigger. The error is a
// [*FieldError].
func (a *Action) CheckBinding(trigger string) error {
	switch name := shape.Cut(a.Name, 64); {
	case !a.Supports(trigger):
		return wrong("bindings", "The action "+name+" does not support the trigger "+trigger)
	case a.Deployed == nil:
		return wrong("bindings", "The action "+name+" has to be deployed before it is bound")
	}
	return nil
}
