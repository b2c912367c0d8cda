package tenant_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store/sqlite"
)

func Example() {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, ":memory:", sqlite.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	if _, err := db.Migrate(ctx, tenant.Component, tenant.Migrations(db.Dialect())); err != nil {
		fmt.Println(err)
		return
	}
	s, err := tenant.Open(ctx, db, tenant.Config{Secret: []byte("for an example, 32 bytes or more")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close(ctx)

	ada := &tenant.User{Email: "ada@example.com", Name: "Ada", Identities: []tenant.Identity{{
		Connection: "people", Provider: tenant.Database, UserID: tenant.NewSubject(), Email: "ada@example.com",
	}}}
	if err := s.CreateUser(ctx, ada); err != nil {
		fmt.Println(err)
		return
	}
	if err := s.Clients.Create(ctx, &tenant.Client{ID: "web", Name: "Web"}); err != nil {
		fmt.Println(err)
		return
	}
	first, err := s.CreateFamily(ctx, &tenant.Family{ID: tenant.NewGrantID(), UserID: ada.ID, Epoch: ada.Epoch, ClientID: "web"})
	if err != nil {
		fmt.Println(err)
		return
	}
	rotate := func(*tenant.Family) (tenant.Use, error) {
		return tenant.Use{Rotate: true, Leeway: 10 * time.Second}, nil
	}
	_, second, err := s.UseRefreshToken(ctx, first, "web", rotate)
	fmt.Println(second != first, err)
	_, again, err := s.UseRefreshToken(ctx, first, "web", rotate) // the answer was lost on the way
	fmt.Println(again == second, err)

	users, total, err := s.SearchUsers(ctx, tenant.UserQuery{Q: `email:ada@* AND NOT blocked:true`, Total: true})
	fmt.Println(users[0].Name, total, err)
	// Output:
	// true <nil>
	// true <nil>
	// Ada 1 <nil>
}
