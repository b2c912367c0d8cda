package management

import (
	"context"
	"errors"

	"github.com/gatewright/gate/store/keyring"
)

// The keys that sign tokens.

func (a *API) keyList(ctx context.Context) ([]keyring.Info, error) {
	if a.cfg.Keys == nil {
		return nil, unsupported("The signing keys are not kept here")
	}
	return a.cfg.Keys.List(ctx)
}

func (a *API) showKey(ctx context.Context, k keyring.Info, list []keyring.Info) (object, error) {
	o := map[string]any{
		"kid": k.ID, "alg": string(k.Algorithm), "current": k.State == keyring.Signing, "next": k.State == keyring.Next,
		"previous": k.ID == previousKey(list), "revoked": false, "current_since": k.SignsFrom,
	}
	if !k.GoneAt.IsZero() {
		o["current_until"] = k.GoneAt
	}
	if a.cfg.Certificate != nil {
		cert, err := a.cfg.Certificate(ctx, k.ID)
		if err != nil {
			return nil, err
		}
		o["cert"] = cert
	}
	return view(o)
}

// previousKey is the newest of the keys that sign no more.
func previousKey(list []keyring.Info) string {
	var last keyring.Info
	for _, k := range list {
		if k.State == keyring.Retired && k.SignsFrom.After(last.SignsFrom) {
			last = k
		}
	}
	return last.ID
}

func (a *API) listKeys(ctx context.Context, _ *request) (answer, error) {
	list, err := a.keyList(ctx)
	if err != nil {
		return answer{}, err
	}
	shown := []object{}
	for _, k := range list {
		o, err := a.showKey(ctx, k, list)
		if err != nil {
			return answer{}, err
		}
		shown = append(shown, o)
	}
	return ok(shown)
}

func (a *API) getKey(ctx context.Context, q *request) (answer, error) {
	list, err := a.keyList(ctx)
	if err != nil {
		return answer{}, err
	}
	for _, k := range list {
		if k.ID == q.id("kid") {
			o, err := a.showKey(ctx, k, list)
			return answer{status: 200, body: o}, err
		}
	}
	return answer{}, noKey()
}

func noKey() error { return absent("The signing key does not exist", "inexistent_key") }

// rotateKeys has the next key sign: at once when those who verify have known it
// for long enough. Else the answer is the same, and the list of keys says from
// when on that key is the current one.
func (a *API) rotateKeys(ctx context.Context, _ *request) (answer, error) {
	if a.cfg.Keys == nil {
		return answer{}, unsupported("The signing keys are not kept here")
	}
	kid, err := a.cfg.Keys.Rotate(ctx)
	if err != nil {
		return answer{}, err
	}
	return a.keyAnswer(ctx, 201, kid)
}

func (a *API) keyAnswer(ctx context.Context, status int, kid string) (answer, error) {
	o := map[string]any{"kid": kid}
	if a.cfg.Certificate != nil && status == 201 {
		cert, err := a.cfg.Certificate(ctx, kid)
		if err != nil {
			return answer{}, err
		}
		o["cert"] = cert
	}
	return answer{status: status, body: o}, nil
}

// revokeKey takes a key out at once: the previous ones only, since the current
// key would take everybody's tokens with it.
func (a *API) revokeKey(ctx context.Context, q *request) (answer, error) {
	list, err := a.keyList(ctx)
	if err != nil {
		return answer{}, err
	}
	kid := q.id("kid")
	for _, k := range list {
		if k.ID != kid {
			continue
		}
		if k.State != keyring.Retired {
			return answer{}, unsupported("Only a previous key can be revoked; rotate first")
		}
		if err := a.cfg.Keys.Remove(ctx, kid); errors.Is(err, keyring.ErrNoKey) {
			return answer{}, noKey()
		} else if err != nil {
			return answer{}, err
		}
		return a.keyAnswer(ctx, 200, kid)
	}
	return answer{}, noKey()
}
