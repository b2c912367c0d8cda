package management

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

// maxCredentials is how many keys a client has at a time.
const maxCredentials = 2

// newCredential reads a key as callers write it.
func (a *API) newCredential(o object) (tenant.Credential, error) {
	props := shape.Schema{
		"credential_type": {Check: shape.OneOf("public_key"), Needed: true},
		"name":            {Check: shape.Text(0, 128)},
		"pem":             {Check: shape.Text(1, 4096), Needed: true, About: "A public key or certificate in PEM"},
		"alg":             {Check: shape.OneOf("RS256", "RS384", "PS256", "ES256")},
		"expires_at":      {Check: shape.Text(0, 64)},
	}
	if err := props.Check(o); err != nil {
		return tenant.Credential{}, err
	}
	c := tenant.Credential{
		ID: "cred_" + newText(20), Name: o.text("name"), Type: "public_key", PEM: o.text("pem"),
		Algorithm: cmp.Or(o.text("alg"), "RS256"), CreatedAt: a.now().UTC().Truncate(time.Millisecond),
	}
	kid, err := c.Thumbprint()
	if err != nil {
		return c, badProperty("pem", err.Error(), "")
	}
	c.KeyID = kid
	if at := o.text("expires_at"); at != "" {
		if c.ExpiresAt, err = time.Parse(time.RFC3339, at); err != nil || !c.ExpiresAt.After(a.now()) {
			return c, badProperty("expires_at", "Object didn't pass validation for format date-time: "+at, "A time to come")
		}
	}
	return c, nil
}

// takeCredentials takes the keys out of client_authentication_methods, nil when
// that is not there. Of a key that the client has already there is the ID alone.
func (a *API) takeCredentials(o object) ([]tenant.Credential, error) {
	raw, there := o["client_authentication_methods"]
	delete(o, "client_authentication_methods")
	if !there || string(raw) == "null" {
		return nil, nil
	}
	var methods map[string]struct {
		Credentials []json.RawMessage `json:"credentials"`
	}
	if json.Unmarshal(raw, &methods) != nil || len(methods) != 1 || methods[tenant.AuthPrivateKeyJWT].Credentials == nil {
		return nil, badProperty("client_authentication_methods", "has to be private_key_jwt with credentials", "")
	}
	list := methods[tenant.AuthPrivateKeyJWT].Credentials
	if len(list) == 0 || len(list) > maxCredentials {
		return nil, badProperty("client_authentication_methods.private_key_jwt.credentials", "has to be one or two", "")
	}
	var creds []tenant.Credential
	for _, item := range list {
		var one object
		if json.Unmarshal(item, &one) != nil || one == nil {
			return nil, badProperty("client_authentication_methods.private_key_jwt.credentials", "Expected type object", "")
		}
		if _, there := one["id"]; there && len(one) == 1 {
			creds = append(creds, tenant.Credential{ID: one.text("id")})
			continue
		}
		c, err := a.newCredential(one)
		if err != nil {
			return nil, err
		}
		creds = append(creds, c)
	}
	return creds, nil
}

// knownCredentials puts the keys of a client in the place of their IDs.
func knownCredentials(c *tenant.Client, creds []tenant.Credential) ([]tenant.Credential, error) {
	list := slices.Clone(creds)
	for n, cred := range list {
		if cred.PEM != "" {
			continue
		}
		i, err := credentialAt(c, cred.ID)
		if err != nil {
			return nil, badProperty("client_authentication_methods.private_key_jwt.credentials", "The client has no credential "+cred.ID, "")
		}
		list[n] = c.Credentials[i]
	}
	if len(list) == maxCredentials && list[0].KeyID == list[1].KeyID {
		return nil, badProperty("client_authentication_methods.private_key_jwt.credentials", "Array items are not unique", "")
	}
	return list, nil
}

func showCredential(c tenant.Credential) (object, error) {
	o, err := view(c)
	delete(o, "pem")
	return o, err
}

func (a *API) listCredentials(ctx context.Context, q *request) (answer, error) {
	c, err := a.store.Clients.Get(ctx, q.id("client"))
	if err != nil {
		return answer{}, noClient(err)
	}
	list := []object{}
	for _, cred := range c.Credentials {
		o, err := showCredential(cred)
		if err != nil {
			return answer{}, err
		}
		list = append(list, o)
	}
	return ok(list)
}

func noCredential() error { return absent("The credential does not exist", "inexistent_credential") }

func credentialAt(c *tenant.Client, id string) (int, error) {
	i := slices.IndexFunc(c.Credentials, func(cred tenant.Credential) bool { return cred.ID == id })
	if i < 0 {
		return 0, noCredential()
	}
	return i, nil
}

func (a *API) getCredential(ctx context.Context, q *request) (answer, error) {
	c, err := a.store.Clients.Get(ctx, q.id("client"))
	if err != nil {
		return answer{}, noClient(err)
	}
	i, err := credentialAt(c, q.id("credential"))
	if err != nil {
		return answer{}, err
	}
	o, err := showCredential(c.Credentials[i])
	return answer{status: 200, body: o}, err
}

func (a *API) createCredential(ctx context.Context, q *request) (answer, error) {
	o, err := q.object(nil)
	if err != nil {
		return answer{}, err
	}
	cred, err := a.newCredential(o)
	if err != nil {
		return answer{}, err
	}
	_, err = a.store.Clients.Update(ctx, q.id("client"), func(c *tenant.Client) error {
		switch {
		case c.Global:
			return unsupported("The global client has no keys")
		case len(c.Credentials) >= maxCredentials:
			return unsupported("A client has at most %d keys", maxCredentials)
		case slices.ContainsFunc(c.Credentials, func(other tenant.Credential) bool { return other.KeyID == cred.KeyID }):
			return conflict("The client has this key already", "")
		}
		c.Credentials = append(c.Credentials, cred)
		return nil
	})
	if err != nil {
		return answer{}, noClient(err)
	}
	shown, err := showCredential(cred)
	return answer{status: 201, body: shown}, err
}

func (a *API) updateCredential(ctx context.Context, q *request) (answer, error) {
	o, err := q.only(shape.Schema{"expires_at": {Check: shape.Text(0, 64), Needed: true}})
	if err != nil {
		return answer{}, err
	}
	at, err := time.Parse(time.RFC3339, o.text("expires_at"))
	if err != nil {
		return answer{}, badProperty("expires_at", "Object didn't pass validation for format date-time", "")
	}
	var cred tenant.Credential
	_, err = a.store.Clients.Update(ctx, q.id("client"), func(c *tenant.Client) error {
		i, err := credentialAt(c, q.id("credential"))
		if err != nil {
			return err
		}
		c.Credentials[i].ExpiresAt = at
		cred = c.Credentials[i]
		return nil
	})
	if err != nil {
		return answer{}, noClient(err)
	}
	shown, err := showCredential(cred)
	return answer{status: 200, body: shown}, err
}

func (a *API) deleteCredential(ctx context.Context, q *request) (answer, error) {
	_, err := a.store.Clients.Update(ctx, q.id("client"), func(c *tenant.Client) error {
		i, err := credentialAt(c, q.id("credential"))
		if err != nil {
			return err
		}
		if len(c.Credentials) == 1 && c.AuthMethod == tenant.AuthPrivateKeyJWT {
			return unsupported("The last key of a client that signs its assertions cannot be deleted")
		}
		c.Credentials = slices.Delete(c.Credentials, i, i+1)
		return nil
	})
	if err != nil {
		return answer{}, noClient(err)
	}
	return noContent()
}
