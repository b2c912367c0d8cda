package auth

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// StaleRoles says in words which roles the first administrator, who was made with
// every role there was, still holds and the service no longer knows, and what to do;
// it is empty when there are none. They give nothing, but nobody is above them: who
// gives roles can neither take them nor change how that account logs in.
func (a *Auth) StaleRoles(ctx context.Context) (string, error) {
	roles := a.accounts.roles
	if a.accounts.password == nil || !a.passwordLogins || roles == nil {
		return "", nil
	}
	login, held, err := a.accounts.rolesByLogin(ctx, a.adminLogin())
	if err != nil {
		return "", err
	}
	var stale []string
	kept := []string{}
	for _, role := range held {
		if a.opts.Policy.Admits("", role) {
			kept = append(kept, role)
			continue
		}
		stale = append(stale, role)
	}
	if stale == nil {
		return "", nil
	}
	list, err := json.Marshal(kept)
	if err != nil {
		return "", err
	}
	q := a.opts.DB.Dialect().Quote
	return fmt.Sprintf("%s still holds %s, which the design does not have: nobody who gives roles can change the account, and a role of that name would be its again. "+
		"Give the design the role again, or take it away in the database: UPDATE %s SET %s = '%s' WHERE %s = '%s'", login, strings.Join(stale, ", "),
		q(a.accounts.entity.Table), q(roles.Column), list, q(a.accounts.login.Column), strings.ReplaceAll(login, "'", "''")), nil
}

// rolesByLogin returns the roles of an account as its row has them, and its login; none
// when it is not there.
func (a *Accounts) rolesByLogin(ctx context.Context, name string) (login string, held []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	q := a.db.Dialect().Quote
	var roles []byte
	err = a.db.Read().QueryRowContext(ctx, "SELECT "+q(a.login.Column)+", "+q(a.roles.Column)+" FROM "+q(a.entity.Table)+" WHERE "+
		sameText(a.db.Dialect(), q(a.login.Column), a.login.Type)+" LIMIT 1", name).Scan(&login, &roles)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", nil, nil
	case err != nil:
		return "", nil, fmt.Errorf("read the roles of %s: %w", name, a.db.Wrap(err))
	case roles != nil:
		err = json.Unmarshal(roles, &held)
	}
	return login, held, err
}
