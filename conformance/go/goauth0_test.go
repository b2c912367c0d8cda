package conformance_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/auth0/go-auth0/authentication"
	"github.com/auth0/go-auth0/authentication/database"
	"github.com/auth0/go-auth0/authentication/oauth"
	"github.com/auth0/go-auth0/management"

	"github.com/gatewright/gate/idp/idptest"
)

// managing returns the Management API's client, over https as it wants to.
func managing(t *testing.T) (*idptest.Server, *management.Management) {
	t.Helper()
	s := idptest.New(t, idptest.Config{TLS: true})
	token := grant(t, s, idptest.Management, s.Issuer()+"api/v2/")
	m, err := management.New(s.URL, management.WithStaticToken(token), management.WithClient(s.HTTP))
	if err != nil {
		t.Fatal(err)
	}
	return s, m
}

// status returns the status of an error of either client.
func status(err error) int {
	if e := management.Error(nil); errors.As(err, &e) {
		return e.Status()
	}
	if e := new(authentication.Error); errors.As(err, &e) {
		return e.StatusCode
	}
	return 0
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestGoAuth0_usersAndRoles(t *testing.T) {
	s, m := managing(t)
	ctx := t.Context()
	user := &management.User{
		Connection: new(idptest.Connection), Email: new(email), Password: new(idptest.Password),
		AppMetadata: &map[string]any{"station": "grill"},
	}
	must(t, m.User.Create(ctx, user))
	if !strings.HasPrefix(user.GetID(), "auth0|") || user.GetEmailVerified() || user.GetName() != email {
		t.Errorf("created %v", user)
	}
	role := &management.Role{Name: new("cook"), Description: new("Cooks")}
	must(t, m.Role.Create(ctx, role))
	permission := &management.Permission{ResourceServerIdentifier: new(idptest.Audience), Name: new("update:items")}
	must(t, m.Role.AssociatePermissions(ctx, role.GetID(), []*management.Permission{permission}))
	must(t, m.User.AssignRoles(ctx, user.GetID(), []*management.Role{role}))
	roles, err := m.User.Roles(ctx, user.GetID())
	must(t, err)
	if len(roles.Roles) != 1 || roles.Roles[0].GetName() != "cook" || roles.Total != 1 {
		t.Errorf("roles %v", roles)
	}
	permissions, err := m.User.Permissions(ctx, user.GetID())
	must(t, err)
	if len(permissions.Permissions) != 1 || permissions.Permissions[0].GetResourceServerName() != "Restaurant" {
		t.Errorf("permissions %v", permissions)
	}
	must(t, m.User.Update(ctx, user.GetID(), &management.User{AppMetadata: &map[string]any{"shift": 2}}))
	read, err := m.User.Read(ctx, user.GetID())
	must(t, err)
	if got := read.GetAppMetadata(); got["station"] != "grill" || got["shift"] != 2.0 {
		t.Errorf("metadata %v", got)
	}
	must(t, m.User.RemoveRoles(ctx, user.GetID(), []*management.Role{role}))
	must(t, m.User.Delete(ctx, user.GetID()))
	if _, err := m.User.Read(ctx, user.GetID()); status(err) != http.StatusNotFound || !strings.Contains(err.Error(), "The user does not exist.") {
		t.Errorf("a user that is gone: %v", err)
	}
	s.AddUser("bob@example.com")
	twice := &management.User{Connection: new(idptest.Connection), Email: new("bob@example.com"), Password: new(idptest.Password)}
	if err := m.User.Create(ctx, twice); status(err) != http.StatusConflict || !strings.Contains(err.Error(), "The user already exists.") {
		t.Errorf("a user that is there: %v", err)
	}
}

func TestGoAuth0_paging(t *testing.T) {
	s, m := managing(t)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		s.AddUser(name + "@paging.example")
		must(t, m.Connection.Create(t.Context(), &management.Connection{Name: new("db-" + name), Strategy: new("auth0")}))
	}
	var emails []string
	for page := 0; ; page++ {
		list, err := m.User.Search(t.Context(), management.Page(page), management.PerPage(2), management.Query("email:*@paging.example"), management.Sort("email:1"))
		must(t, err)
		for _, u := range list.Users {
			emails = append(emails, u.GetEmail()[:1])
		}
		if !list.HasNext() {
			break
		}
	}
	if got := strings.Join(emails, ""); got != "abcde" {
		t.Errorf("users by number: %s", got)
	}
	var names []string
	for from := ""; ; {
		options := []management.RequestOption{management.Take(2)}
		if from != "" {
			options = append(options, management.From(from))
		}
		list, err := m.Connection.List(t.Context(), options...)
		must(t, err)
		for _, c := range list.Connections {
			names = append(names, c.GetName())
		}
		if from = list.Next; from == "" {
			break
		}
	}
	if len(names) != 6 { // and the one of idptest
		t.Errorf("connections by checkpoint: %v", names)
	}
}

func TestGoAuth0_clientsAndAPIs(t *testing.T) {
	_, m := managing(t)
	ctx := t.Context()
	client := &management.Client{
		Name: new("Till"), AppType: new("non_interactive"), GrantTypes: &[]string{"client_credentials"},
		OIDCConformant: new(true), ClientMetadata: &map[string]any{"floor": "1"},
	}
	must(t, m.Client.Create(ctx, client))
	if client.GetClientID() == "" || client.GetClientSecret() == "" || !client.GetIsFirstParty() {
		t.Errorf("created %v", client)
	}
	api := &management.ResourceServer{Name: new("Till API"), Identifier: new("https://till.example"), Scopes: &[]management.ResourceServerScope{
		{Value: new("open:till")},
	}}
	must(t, m.ResourceServer.Create(ctx, api))
	byName, err := m.ResourceServer.Read(ctx, api.GetIdentifier())
	must(t, err)
	if byName.GetID() != api.GetID() || byName.GetSigningAlgorithm() != "RS256" {
		t.Errorf("by its identifier: %v", byName)
	}
	must(t, m.ClientGrant.Create(ctx, &management.ClientGrant{ClientID: client.ClientID, Audience: api.Identifier, Scope: &[]string{"open:till"}}))
	rotated, err := m.Client.RotateSecret(ctx, client.GetClientID())
	must(t, err)
	if rotated.GetClientSecret() == client.GetClientSecret() {
		t.Error("the secret was not changed")
	}
	must(t, m.Client.Update(ctx, client.GetClientID(), &management.Client{Callbacks: &[]string{"https://till.example/callback"}}))
	read, err := m.Client.Read(ctx, client.GetClientID())
	must(t, err)
	if got := read.GetCallbacks(); len(got) != 1 || got[0] != "https://till.example/callback" || read.GetClientMetadata()["floor"] != "1" {
		t.Errorf("read %v", read)
	}
	must(t, m.Client.Delete(ctx, client.GetClientID()))
	if _, err := m.Client.Read(ctx, client.GetClientID()); status(err) != http.StatusNotFound {
		t.Errorf("a client that is gone: %v", err)
	}
}

func TestGoAuth0_action(t *testing.T) {
	_, m := managing(t)
	ctx := t.Context()
	action := &management.Action{
		Name: new("Greet"), Runtime: new("node22"), Code: new("exports.onExecutePostLogin = async (event, api) => {}"),
		SupportedTriggers: []management.ActionTrigger{{ID: new("post-login"), Version: new("v3")}},
		Secrets:           &[]management.ActionSecret{{Name: new("WORD"), Value: new("hello")}},
	}
	must(t, m.Action.Create(ctx, action))
	read, err := m.Action.Read(ctx, action.GetID())
	must(t, err)
	if read.GetStatus() != "built" || (*read.Secrets)[0].GetValue() != "" {
		t.Errorf("read %v", read)
	}
	version, err := m.Action.Deploy(ctx, action.GetID())
	must(t, err)
	if version.Number != 1 {
		t.Errorf("version %v", version)
	}
	must(t, m.Action.UpdateBindings(ctx, "post-login", []*management.ActionBinding{{
		Ref: &management.ActionBindingReference{Type: new("action_id"), Value: action.ID}, DisplayName: new("Greet"),
	}}))
	bindings, err := m.Action.Bindings(ctx, "post-login")
	must(t, err)
	if len(bindings.Bindings) != 1 || bindings.Bindings[0].Action.GetName() != "Greet" {
		t.Errorf("bindings %v", bindings)
	}
	if err := m.Action.Delete(ctx, action.GetID()); status(err) < 400 || status(err) > 499 {
		t.Errorf("an action that is bound was deleted: %v", err)
	}
}

func TestGoAuth0_scope(t *testing.T) {
	s, _ := managing(t)
	m, err := management.New(s.URL, management.WithStaticToken(grant(t, s, idptest.Machine, idptest.Audience)), management.WithClient(s.HTTP))
	must(t, err)
	if _, err := m.User.List(t.Context()); status(err) != http.StatusUnauthorized {
		t.Errorf("a token for another API: %v", err)
	}
}

func TestGoAuth0_authentication(t *testing.T) {
	s := idptest.New(t, idptest.Config{TLS: true})
	ctx := t.Context()
	user := s.AddUser(email, "menu-admin")
	domain := strings.TrimPrefix(s.URL, "https://")
	a, err := authentication.New(ctx, domain, authentication.WithClientID(idptest.Web), authentication.WithClientSecret(idptest.Secret), authentication.WithClient(s.HTTP))
	must(t, err)
	login := oauth.LoginWithPasswordRequest{
		Username: email, Password: idptest.Password, Realm: idptest.Connection, Audience: idptest.Audience, Scope: "openid offline_access",
	}
	tokens, err := a.OAuth.LoginWithPassword(ctx, login, oauth.IDTokenValidationOptions{})
	must(t, err)
	info, err := a.UserInfo(ctx, tokens.AccessToken)
	must(t, err)
	if info.Sub != user.ID {
		t.Errorf("userinfo %+v", info)
	}
	next, err := a.OAuth.RefreshToken(ctx, oauth.RefreshTokenRequest{RefreshToken: tokens.RefreshToken}, oauth.IDTokenValidationOptions{})
	must(t, err)
	must(t, a.OAuth.RevokeRefreshToken(ctx, oauth.RevokeRefreshTokenRequest{Token: next.RefreshToken}))
	if _, err := a.OAuth.RefreshToken(ctx, oauth.RefreshTokenRequest{RefreshToken: next.RefreshToken}, oauth.IDTokenValidationOptions{}); status(err) != http.StatusForbidden {
		t.Errorf("a revoked token: %v", err)
	}
	login.Password = "Wrong-Tin-Otter-1"
	if _, err := a.OAuth.LoginWithPassword(ctx, login, oauth.IDTokenValidationOptions{}); status(err) != http.StatusForbidden || !strings.Contains(err.Error(), "Wrong email or password.") {
		t.Errorf("a wrong password: %v", err)
	}

	created, err := a.Database.Signup(ctx, database.SignupRequest{Email: "new@example.com", Password: idptest.Password, Connection: idptest.Connection, GivenName: "Nora"})
	must(t, err)
	if len(created.ID) != 24 || created.Email != "new@example.com" || created.GivenName != "Nora" {
		t.Errorf("sign-up %+v", created)
	}
	if _, err := a.Database.Signup(ctx, database.SignupRequest{Email: "weak@example.com", Password: "short", Connection: idptest.Connection}); status(err) != http.StatusBadRequest {
		t.Errorf("a weak password: %v", err)
	}
	text, err := a.Database.ChangePassword(ctx, database.ChangePasswordRequest{Email: "nobody@example.com", Connection: idptest.Connection})
	if err != nil || !strings.Contains(text, "just sent you an email") {
		t.Errorf("%q %v", text, err)
	}
}
