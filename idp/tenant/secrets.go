package tenant

import (
	"encoding/json"
	"errors"
	"strings"
)

// A holder is an object that holds secrets. eachSecret replaces each by what fn
// makes of it; an empty one is none.
type holder interface {
	eachSecret(fn func(string) (string, error)) error
}

// eachSecret replaces the secrets of an object, if it holds any.
func eachSecret(o any, fn func(string) (string, error)) error {
	if h, ok := o.(holder); ok {
		return h.eachSecret(fn)
	}
	return nil
}

func (c *Client) eachSecret(fn func(string) (string, error)) error {
	return replace(fn, &c.Secret)
}

func (a *API) eachSecret(fn func(string) (string, error)) error {
	return replace(fn, &a.SigningSecret)
}

func (a *Action) eachSecret(fn func(string) (string, error)) error {
	lists := [][]ActionSecret{a.Secrets}
	for i := range a.Versions {
		lists = append(lists, a.Versions[i].Secrets)
	}
	if a.Deployed != nil {
		lists = append(lists, a.Deployed.Secrets)
	}
	for _, list := range lists {
		for i := range list {
			if err := replace(fn, &list[i].Value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Settings) eachSecret(fn func(string) (string, error)) error {
	return eachSecretMember(s.Documents, secretDocument, fn)
}

// secretDocument reports whether a document of the settings holds secrets:
// those of e-mail and telephone providers and of log streams do.
func secretDocument(name string) bool {
	return strings.Contains(name, "provider") || strings.Contains(name, "log-streams")
}

func replace(fn func(string) (string, error), secret *string) error {
	text, err := fn(*secret)
	if err == nil {
		*secret = text
	}
	return err
}

// eachSecretMember replaces members that are secrets. What is sealed is a JSON
// string that begins with the prefix of what is sealed.
func eachSecretMember(members map[string]json.RawMessage, secret func(name string) bool, fn func(string) (string, error)) error {
	for name, value := range members {
		if !secret(name) {
			continue
		}
		text := string(value)
		var sealed string
		if json.Unmarshal(value, &sealed) == nil && strings.HasPrefix(sealed, sealedPrefix) {
			text = sealed
		}
		text, err := fn(text)
		switch {
		case errors.Is(err, errNotSealed): // stored before it was known for a secret
		case err != nil:
			return err
		case text == "":
			delete(members, name)
		case strings.HasPrefix(text, sealedPrefix):
			members[name], _ = json.Marshal(text) // a string always encodes
		default:
			members[name] = json.RawMessage(text)
		}
	}
	return nil
}

// What a dump without secrets leaves as it is.

func (c *Client) keepSecrets(old *Client) { keep(&c.Secret, old.Secret) }
func (a *API) keepSecrets(old *API)       { keep(&a.SigningSecret, old.SigningSecret) }

func (a *Action) keepSecrets(old *Action) {
	keepActionSecrets(a.Secrets, old.Secrets)
	for i := range a.Versions {
		for _, version := range old.Versions {
			if version.ID == a.Versions[i].ID {
				keepActionSecrets(a.Versions[i].Secrets, version.Secrets)
			}
		}
	}
	if a.Deployed != nil && old.Deployed != nil {
		keepActionSecrets(a.Deployed.Secrets, old.Deployed.Secrets)
	}
}

func keepActionSecrets(list, old []ActionSecret) {
	for i := range list {
		for _, secret := range old {
			if secret.Name == list[i].Name {
				keep(&list[i].Value, secret.Value)
			}
		}
	}
}

func (s *Settings) keepSecrets(old *Settings) {
	s.Documents = keepMembers(s.Documents, old.Documents, secretDocument)
}

// withoutSecrets returns a copy of the settings without the documents that hold
// secrets.
func (s *Settings) withoutSecrets() *Settings {
	bare := *s
	bare.Documents = map[string]json.RawMessage{}
	for name, value := range s.Documents {
		if !secretDocument(name) {
			bare.Documents[name] = value
		}
	}
	return &bare
}

func keep(secret *string, old string) {
	if *secret == "" {
		*secret = old
	}
}

func keepMembers[M ~map[string]json.RawMessage](members, old M, secret func(string) bool) M {
	for name, value := range old {
		if _, ok := members[name]; ok || !secret(name) {
			continue
		}
		if members == nil {
			members = M{}
		}
		members[name] = value
	}
	return members
}
