package actions

import "time"

// Deny says that an action refused.
type Deny struct {
	// Action is the name of the action that refused.
	Action string `json:"action"`
	// Code is the error code that credentials-exchange chose, "access_denied"
	// for the others.
	Code string `json:"code"`
	// Reason is for the client's error_description; for pre-user-registration
	// it is for the log.
	Reason string `json:"reason,omitempty"`
	// UserMessage is for the person who signs up, pre-user-registration only.
	UserMessage string `json:"user_message,omitempty"`
}

// TokenChanges are what actions did to an access token.
type TokenChanges struct {
	// Claims are the custom claims; the value nil removes one.
	Claims map[string]any `json:"claims,omitempty"`
	// AddScope and RemoveScope have no scope in common: the last call wins.
	AddScope    []string `json:"add_scope,omitempty"`
	RemoveScope []string `json:"remove_scope,omitempty"`
}

// MetadataPatch is merged one level deep into a user's metadata; the value nil
// deletes a key.
type MetadataPatch map[string]any

// Redirect sends the user away in the middle of a log-in.
type Redirect struct {
	// ActionID is the action to continue with, see [Runner.ContinuePostLogin].
	ActionID string `json:"action_id"`
	// URL is where the user goes. The caller adds the parameter "state".
	URL string `json:"url"`
}

// Multifactor is the call api.multifactor.enable: a challenge at the end of the
// flow, unless the browser is remembered.
type Multifactor struct {
	Provider             string         `json:"provider"` // "any", "google-authenticator", …, or "none"
	AllowRememberBrowser bool           `json:"allow_remember_browser"`
	Options              map[string]any `json:"options,omitempty"`
}

// Challenge is a call api.authentication.challengeWith or enrollWith (or their
// …Any forms). The flow pauses after the action; see [Runner.ContinuePostLogin].
type Challenge struct {
	// ActionID is the action that asked.
	ActionID string `json:"action_id"`
	// Enroll is whether a factor is to be enrolled rather than asked for.
	Enroll bool `json:"enroll"`
	// Factors may be chosen from; any one of them will do.
	Factors []Factor `json:"factors"`
	// Additional are further factors that the user may switch to.
	Additional []Factor `json:"additional,omitempty"`
}

// SessionChanges are what actions did to the session or to the refresh token.
type SessionChanges struct {
	Revoke        bool           `json:"revoke,omitempty"`
	RevokeReason  string         `json:"revoke_reason,omitempty"`
	KeepTokens    bool           `json:"keep_tokens,omitempty"` // when revoked; sessions only
	ExpiresAt     time.Time      `json:"expires_at,omitzero"`
	IdleExpiresAt time.Time      `json:"idle_expires_at,omitzero"`
	CookieMode    string         `json:"cookie_mode,omitempty"` // "persistent" or "non-persistent"; sessions only
	Metadata      map[string]any `json:"metadata,omitempty"`    // nil deletes a key
	EvictMetadata bool           `json:"evict_metadata,omitempty"`
}

// PostLoginResult is what the actions of a log-in decided. It is plain data that
// survives JSON, to be kept while the user is away.
type PostLoginResult struct {
	// Deny is set when an action refused. The metadata of it and of the actions
	// before it are to be saved all the same, and nothing else.
	Deny *Deny `json:"deny,omitempty"`
	// Redirect or Challenge is set when the flow pauses.
	Redirect  *Redirect  `json:"redirect,omitempty"`
	Challenge *Challenge `json:"challenge,omitempty"`

	AccessToken  TokenChanges   `json:"access_token,omitzero"`
	IDToken      map[string]any `json:"id_token,omitempty"` // custom claims; nil removes one
	AppMetadata  MetadataPatch  `json:"app_metadata,omitempty"`
	UserMetadata MetadataPatch  `json:"user_metadata,omitempty"`
	// TransactionMetadata is what later actions of the same log-in see.
	TransactionMetadata MetadataPatch `json:"transaction_metadata,omitempty"`
	Multifactor         *Multifactor  `json:"multifactor,omitempty"`
	PrimaryUserID       string        `json:"primary_user_id,omitempty"`
	// Methods are URLs that actions recorded as ways of authentication.
	Methods      []string       `json:"methods,omitempty"`
	Session      SessionChanges `json:"session,omitzero"`
	RefreshToken SessionChanges `json:"refresh_token,omitzero"`
	// Ran are the actions that have run, with their versions, when the flow pauses, and
	// Roles those that they were told the user has.
	Ran   []string `json:"ran,omitempty"`
	Roles []string `json:"roles,omitempty"`
}

// Paused reports whether the flow waits for the user.
func (r *PostLoginResult) Paused() bool { return r.Redirect != nil || r.Challenge != nil }

// CredentialsExchangeResult is what the actions decided about a machine's token.
type CredentialsExchangeResult struct {
	Deny        *Deny        `json:"deny,omitempty"`
	AccessToken TokenChanges `json:"access_token,omitzero"` // claims only
}

// PreRegistrationResult is what the actions decided about a sign-up.
type PreRegistrationResult struct {
	Deny         *Deny         `json:"deny,omitempty"`
	AppMetadata  MetadataPatch `json:"app_metadata,omitempty"`
	UserMetadata MetadataPatch `json:"user_metadata,omitempty"`
}
