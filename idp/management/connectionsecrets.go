package management

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/gatewright/gate/idp/tenant"
)

// The secrets in the options of a connection are written and never read, whoever
// asks. client_secret is left out. Others have a mask in their place, so that
// what was read can be written back: the mask stands for what is stored.

// mask is what is shown of a secret.
const mask = "********"

// maskedOptions returns options without their secrets.
func maskedOptions(raw json.RawMessage) (json.RawMessage, error) {
	options, err := members(raw)
	if err != nil {
		return nil, err
	}
	delete(options, "client_secret")
	for name, value := range options {
		options[name] = masked(value, tenant.SecretOption(name))
	}
	return json.Marshal(options)
}

// masked returns a value with the mask in place of each text and number that is a
// secret.
func masked(value any, secret bool) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = masked(member, secret || tenant.SecretOption(name))
		}
	case []any:
		for i, item := range value {
			value[i] = masked(item, secret)
		}
	case string:
		if secret && value != "" {
			return mask
		}
	case json.Number:
		if secret {
			return mask
		}
	}
	return value
}

// keepSecrets gives the options that a caller wrote the secrets that the caller
// was not shown: a client_secret that is not there, and what has the mask. When
// the options send them elsewhere than before, they are not kept.
func keepSecrets(from, to *tenant.Connection) error {
	same := to.Options.Moved(&from.Options) == ""
	if same && to.Options.ClientSecret == "" {
		to.Options.ClientSecret = from.Options.ClientSecret
	}
	after, err := optionMembers(&to.Options)
	if err != nil || !holdsMask(after) {
		return err
	}
	before := map[string]any{}
	if same {
		if before, err = optionMembers(&from.Options); err != nil {
			return err
		}
	}
	merged, err := unmasked("options", after, before)
	if err != nil {
		return err
	}
	data, err := json.Marshal(merged)
	if err != nil {
		return err
	}
	to.Options = tenant.ConnectionOptions{}
	return json.Unmarshal(data, &to.Options)
}

func optionMembers(o *tenant.ConnectionOptions) (map[string]any, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return members(data)
}

// members returns the members of an object, their numbers as they are written.
func members(data []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var all map[string]any
	return all, dec.Decode(&all)
}

func holdsMask(value any) bool {
	switch value := value.(type) {
	case string:
		return value == mask
	case []any:
		return slices.ContainsFunc(value, holdsMask)
	case map[string]any:
		for _, member := range value {
			if holdsMask(member) {
				return true
			}
		}
	}
	return false
}

// unmasked returns a value with what is stored in place of masks.
func unmasked(path string, value, stored any) (any, error) {
	var err error
	switch value := value.(type) {
	case map[string]any:
		old, _ := stored.(map[string]any)
		for name, member := range value {
			if value[name], err = unmasked(path+"."+name, member, old[name]); err != nil {
				return nil, err
			}
		}
	case []any:
		old, _ := stored.([]any)
		for i, item := range value {
			var was any
			if i < len(old) {
				was = old[i]
			}
			if value[i], err = unmasked(path+"["+strconv.Itoa(i)+"]", item, was); err != nil {
				return nil, err
			}
		}
	case string:
		if value != mask {
			return value, nil
		}
		switch stored.(type) {
		case string, json.Number:
			return stored, nil
		}
		return nil, badProperty(path, "stands for a secret that is not kept here, or would be sent elsewhere: write the secret itself", "")
	}
	return value, nil
}
