package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/gatewright/gate"
)

// Me answers the caller's own account, as its owner may see it, and 401 to
// nobody. It expects to stand behind [Auth.Protect].
func (a *Auth) Me(errs gate.ErrorWriter) http.Handler {
	return a.signedIn(errs, func(r *http.Request, p *gate.Principal) (any, error) {
		return a.loadEntity(r.Context(), p)
	})
}

// MyPermissions answers the roles of the caller and what they permit, each
// sorted, what entities says that they may do with rows, and what they may do with the
// accounts of others; and 401 to nobody. It
// expects to stand behind [Auth.Protect].
func (a *Auth) MyPermissions(errs gate.ErrorWriter, entities func(context.Context) any) http.Handler {
	sorted := func(list []string) []string {
		list = slices.Clone(list)
		slices.Sort(list)
		return slices.Compact(append(make([]string, 0, len(list)), list...))
	}
	return a.signedIn(errs, func(r *http.Request, p *gate.Principal) (any, error) {
		return struct {
			Roles       []string  `json:"roles"`
			Permissions []string  `json:"permissions"`
			Entities    any       `json:"entities"`
			Others      MayOthers `json:"others"`
		}{sorted(p.Roles), sorted(p.Permissions), entities(r.Context()), a.mayOthers(p)}, nil
	})
}

// signedIn answers what f returns for the caller.
func (a *Auth) signedIn(errs gate.ErrorWriter, f func(*http.Request, *gate.Principal) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		p, ok := gate.PrincipalFromContext(r.Context())
		if !ok || p.Subject == "" {
			errs.Write(w, r, gate.ErrNotAuthenticated)
			return
		}
		answer, err := f(r, p)
		if err != nil {
			errs.Write(w, r, err)
			return
		}
		body, err := json.Marshal(answer)
		if err != nil {
			errs.Write(w, r, err)
			return
		}
		h.Set("Content-Type", "application/json")
		_, _ = w.Write(body) // nobody is left to be told
	})
}
