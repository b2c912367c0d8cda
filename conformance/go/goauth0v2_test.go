package conformance_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/auth0/go-auth0/v2/management"
	"github.com/auth0/go-auth0/v2/management/client"
	"github.com/auth0/go-auth0/v2/management/core"
	"github.com/auth0/go-auth0/v2/management/option"

	"github.com/gatewright/gate/idp/idptest"
)

// managingV2 returns the client of version 2. Its lists by number need
// totals, and begin with the second page unless they are told the first.
func managingV2(t *testing.T, clientID string) (*idptest.Server, *client.Management) {
	t.Helper()
	s := idptest.New(t, idptest.Config{TLS: true})
	m, err := client.New(strings.TrimPrefix(s.URL, "https://"), option.WithHTTPClient(s.HTTP),
		option.WithToken(grant(t, s, clientID, s.Issuer()+"api/v2/")))
	must(t, err)
	return s, m
}

// names reads every page.
func names[T any](t *testing.T, page *core.Page[T], err error, name func(T) string) []string {
	t.Helper()
	must(t, err)
	var all []string
	it := page.Iterator()
	for it.Next(t.Context()) {
		all = append(all, name(it.Current()))
	}
	must(t, it.Err())
	return all
}

func TestGoAuth0v2_users(t *testing.T) {
	s, m := managingV2(t, idptest.Management)
	ctx := t.Context()
	user, err := m.Users.Create(ctx, &management.CreateUserRequestContent{
		Connection: idptest.Connection, Email: new(email), Password: new(idptest.Password), GivenName: new("Ada"),
	})
	must(t, err)
	id := user.GetUserID()
	if !strings.HasPrefix(id, "auth0|") || user.GetEmail() != email || user.GetGivenName() != "Ada" || user.GetEmailVerified() {
		t.Errorf("created %v", user)
	}
	roles, err := m.Roles.List(ctx, &management.ListRolesRequestParameters{Page: new(0), IncludeTotals: new(true), NameFilter: new("MENU")})
	all := names(t, roles, err, func(r *management.Role) string { return r.GetID() })
	if len(all) != 1 {
		t.Fatalf("roles %v", all)
	}
	must(t, m.Users.Roles.Assign(ctx, id, &management.AssignUserRolesRequestContent{Roles: all}))
	permissions, err := m.Users.Permissions.List(ctx, id, &management.ListUserPermissionsRequestParameters{PerPage: new(2), Page: new(0), IncludeTotals: new(true)})
	got := names(t, permissions, err, func(p *management.UserPermissionSchema) string { return p.GetPermissionName() })
	if slices.Sort(got); !slices.Equal(got, items) {
		t.Errorf("permissions %v", got)
	}
	if _, err := m.Users.Create(ctx, &management.CreateUserRequestContent{
		Connection: idptest.Connection, Email: new(email), Password: new(idptest.Password),
	}); !errors.As(err, new(*management.ConflictError)) || !strings.Contains(err.Error(), "The user already exists.") {
		t.Errorf("a user that is there: %v", err)
	}
	must(t, m.Users.Delete(ctx, id))
	if _, err := m.Users.Get(ctx, id, &management.GetUserRequestParameters{}); !errors.As(err, new(*management.NotFoundError)) {
		t.Errorf("a user that is gone: %v", err)
	}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		s.AddUser(name + "@paging.example")
	}
	users, err := m.Users.List(ctx, &management.ListUsersRequestParameters{
		PerPage: new(2), Page: new(0), IncludeTotals: new(true), Q: new("email:*@paging.example"), Sort: new("email:1"),
	})
	if got := names(t, users, err, func(u *management.UserResponseSchema) string { return u.GetEmail()[:1] }); strings.Join(got, "") != "abcde" {
		t.Errorf("users %v", got)
	}
}

func TestGoAuth0v2_connections(t *testing.T) {
	_, m := managingV2(t, idptest.Management)
	for _, name := range []string{"db-a", "db-b", "db-c"} {
		_, err := m.Connections.Create(t.Context(), &management.CreateConnectionRequestContent{
			Name: name, Strategy: management.ConnectionIdentityProviderEnumAuth0,
		})
		must(t, err)
	}
	list, err := m.Connections.List(t.Context(), &management.ListConnectionsQueryParameters{Take: new(2)})
	got := names(t, list, err, func(c *management.ConnectionForList) string { return c.GetName() })
	if want := []string{idptest.Connection, "db-a", "db-b", "db-c"}; len(got) != len(want) {
		t.Errorf("connections %v", got)
	}
}

func TestGoAuth0v2_refused(t *testing.T) {
	s := idptest.New(t, idptest.Config{TLS: true})
	m, err := client.New(strings.TrimPrefix(s.URL, "https://"), option.WithHTTPClient(s.HTTP), option.WithToken(grant(t, s, idptest.Machine, idptest.Audience)))
	must(t, err)
	var refused *management.UnauthorizedError
	if _, err := m.Users.List(t.Context(), &management.ListUsersRequestParameters{Page: new(0), IncludeTotals: new(true)}); !errors.As(err, &refused) || refused.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token for another API: %v", err)
	}
}
