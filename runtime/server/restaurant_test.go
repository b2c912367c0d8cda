package server_test

import (
	"context"
	"errors"
	"time"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/strategy/basic"
	"github.com/gatewright/gate/strategy/jwt"
	"github.com/gatewright/gate/strategy/local"
)

// This file is the restaurant as the generator prints it, in small and by hand.

// Item is a dish.
type Item struct {
	ID          string
	Name        string
	Price       model.Decimal
	Description *string
	Image       *string
	Secret      *string // readable by menu-admin
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

func (r *Item) pointer(f model.FieldID) any {
	switch f {
	case 0:
		return &r.ID
	case 1:
		return &r.Name
	case 2:
		return &r.Price
	case 3:
		return &r.Description
	case 4:
		return &r.Image
	case 5:
		return &r.Secret
	case 6:
		return &r.CreatedAt
	case 7:
		return &r.UpdatedAt
	}
	return nil
}

func itemEntity() *model.Entity {
	admin := []string{"menu-admin"}
	return &model.Entity{
		Name: "Item", Plural: "Items", Path: "items", Table: "items", Description: "A dish.",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, ID: model.UUID, Required: true, ReadOnly: true},
			{Name: "name", Column: "name", Type: model.Text, Required: true, MaxLength: 100, Searchable: true},
			{Name: "price", Column: "price", Type: model.DecimalType, Precision: 10, Scale: 2, Required: true, Min: "0"},
			{Name: "description", Column: "description", Type: model.Text},
			{Name: "image", Column: "image", Type: model.URL},
			{Name: "secret", Column: "secret", Type: model.Text, View: admin, Create: admin, Update: admin},
			{Name: "createdAt", Column: "created_at", Type: model.CreatedAt, Required: true, ReadOnly: true},
			{Name: "updatedAt", Column: "updated_at", Type: model.UpdatedAt, Required: true, ReadOnly: true},
		},
		Allow: model.Allow{
			View: []string{"public"}, List: []string{"public"},
			Create: []string{"create:items"}, Update: []string{"update:items"}, Delete: []string{"delete:items"},
		},
	}
}

// User is an account.
type User struct {
	ID        string
	Email     string
	Password  string
	Name      *string
	Roles     []string
	CreatedAt time.Time
	UpdatedAt time.Time
	Photo     *model.File
}

func (r *User) pointer(f model.FieldID) any {
	switch f {
	case 0:
		return &r.ID
	case 1:
		return &r.Email
	case 2:
		return &r.Password
	case 3:
		return &r.Name
	case 4:
		return &r.Roles
	case 5:
		return &r.CreatedAt
	case 6:
		return &r.UpdatedAt
	case 7:
		return &r.Photo
	}
	return nil
}

func userEntity() *model.Entity {
	admin := []string{"menu-admin"}
	return &model.Entity{
		Name: "User", Plural: "Users", Path: "users", Table: "users",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, ID: model.UUID, Required: true, ReadOnly: true},
			{Name: "email", Column: "email", Type: model.Email, Required: true, Unique: true},
			{Name: "password", Column: "password", Type: model.Password, Required: true},
			{Name: "name", Column: "name", Type: model.Text, MaxLength: 100},
			{Name: "roles", Column: "roles", Type: model.Roles, Required: true, Create: admin, Update: admin},
			{Name: "createdAt", Column: "created_at", Type: model.CreatedAt, Required: true, ReadOnly: true},
			{Name: "updatedAt", Column: "updated_at", Type: model.UpdatedAt, Required: true, ReadOnly: true},
			{Name: "photo", Column: "photo", Type: model.FileType, Segment: "photo", MaxSize: 3 << 20, View: admin},
		},
		Owner: "id",
		Allow: model.Allow{
			View: []string{"owner", "menu-admin"}, List: []string{"menu-admin"}, Create: []string{"public"},
			Update: []string{"owner", "menu-admin"}, Delete: []string{"owner", "menu-admin"},
		},
	}
}

func migrations() ([]store.Migration, error) {
	return []store.Migration{{Version: 1, Name: "init", SQL: `
CREATE TABLE "items" (
	"id" TEXT NOT NULL PRIMARY KEY,
	"name" TEXT NOT NULL,
	"price" INTEGER NOT NULL,
	"description" TEXT,
	"image" TEXT,
	"secret" TEXT,
	"created_at" TEXT NOT NULL,
	"updated_at" TEXT NOT NULL
);
CREATE TABLE "users" (
	"id" TEXT NOT NULL PRIMARY KEY,
	"email" TEXT NOT NULL COLLATE NOCASE,
	"password" TEXT NOT NULL,
	"name" TEXT,
	"roles" TEXT NOT NULL,
	"created_at" TEXT NOT NULL,
	"updated_at" TEXT NOT NULL,
	"photo" TEXT
);
CREATE TABLE "users_files" (
	"file" TEXT NOT NULL,
	"part" INTEGER NOT NULL,
	"row_id" TEXT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
	"data" BLOB NOT NULL,
	PRIMARY KEY ("file", "part")
);
CREATE UNIQUE INDEX "users_email_key" ON "users" ("email");
`}}, nil
}

// App is the service.
type App struct {
	*server.App

	Items *crud.Resource[Item]
	Users *crud.Resource[User]
}

// restaurant describes the service with tokens, or Basic, or both, or none. The
// last argument is what the owner of the service adds.
func restaurant(tokens, basicToo bool, configure func(*App) error) server.Service {
	s := server.Service{
		Name: "restaurant", Module: "example.com/restaurant", Description: "Dishes and who may change them.",
		Database: ".gate/restaurant.db",
		Open: func(ctx context.Context, url string) (*store.DB, error) {
			return sqlite.Open(ctx, url, sqlite.Config{})
		},
		Migrations: migrations,
		OpenAPI:    []byte(`{"openapi":"3.1.0","info":{"title":"restaurant","version":"1"},"paths":{}}`),
		Roles: []authz.Role{
			{Name: "customer", Default: true},
			{Name: "menu-admin", Permissions: []string{"create:items", "update:items", "delete:items"}},
		},
	}
	if tokens || basicToo {
		s.Auth = &auth.Config{Entity: "user", Login: "email", Password: "password", Roles: "roles"}
		s.Auth.Strategies = func(a *auth.Auth) error { return strategies(a, tokens, basicToo) }
	}
	if tokens {
		s.Auth.JWT = &auth.JWT{Algorithm: jose.HS256, ExpiresIn: 15 * time.Minute}
	}
	s.Build = func(sa *server.App) error { return build(sa, configure) }
	return s
}

func strategies(a *auth.Auth, tokens, basicToo bool) error {
	users := a.Accounts()
	passwords := local.New(users, a.Passwords(), local.Config{Throttle: a.Throttle()})
	var errs []error
	if tokens {
		errs = append(errs,
			a.Register("jwt", jwt.New(a.Service(), a.Accounts(), jwt.Config{Realm: "restaurant"})),
			a.Register("local", passwords))
	}
	if basicToo {
		errs = append(errs, a.Register("basic", basic.New(passwords, users, basic.Config{Realm: "restaurant"})))
	}
	return errors.Join(errs...)
}

func build(s *server.App, configure func(*App) error) error {
	a := &App{App: s}
	var err error
	if a.Items, err = crud.New(s.DB, s.Policy, itemEntity(), (*Item).pointer); err != nil {
		return err
	}
	if a.Users, err = crud.New(s.DB, s.Policy, userEntity(), (*User).pointer); err != nil {
		return err
	}
	s.Serve(a.Items)
	s.Serve(a.Users)
	if s.Auth != nil {
		if err := s.Authenticate(a.Users); err != nil {
			return err
		}
	}
	if configure == nil {
		return nil
	}
	return configure(a)
}
