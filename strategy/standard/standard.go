// Package standard is the one list of the strategies that come with Gatewright.
// It serves programs that choose strategies by name; whoever knows what they
// need imports that package alone.
package standard

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/basic"
	"github.com/gatewright/gate/strategy/jwt"
	"github.com/gatewright/gate/strategy/local"
)

// Parts are what strategies are made of. Each [Kind] says what it needs;
// making one without it is refused.
type Parts struct {
	// Service verifies access tokens.
	Service *gate.Service
	// Subjects looks up the accounts of tokens.
	Subjects jwt.Subjects
	// Users looks up accounts by login name.
	Users local.Users
	// Hasher checks passwords.
	Hasher local.Hasher
	// Throttle slows guessing down; nil means that something else does.
	Throttle local.Throttle
	// UsernameField and PasswordField are the names that local reads.
	UsernameField, PasswordField string
	// Realm is shown in challenges.
	Realm string
	// Logger gets what went wrong; nil means slog.Default().
	Logger *slog.Logger
}

// A Kind is a strategy that can be made.
type Kind struct {
	// Name is the name under which it is usually registered.
	Name string
	// Summary says in a line what it does.
	Summary string
	// New makes one. It has no side effects.
	New func(Parts) (gate.Strategy, error)
}

// Kinds returns all kinds in the order in which they are presented.
func Kinds() []Kind {
	return []Kind{
		{"jwt", "access tokens of this service (Authorization: Bearer)", newJWT},
		{"local", "login name and password in the body of a login", newLocal},
		{"basic", "login name and password with every request (Authorization: Basic)", newBasic},
	}
}

// New makes the strategy of that kind.
func New(kind string, parts Parts) (gate.Strategy, error) {
	for _, k := range Kinds() {
		if k.Name == kind {
			st, err := k.New(parts)
			if err != nil {
				return nil, fmt.Errorf("strategy %s: %w", kind, err)
			}
			return st, nil
		}
	}
	return nil, fmt.Errorf("there is no strategy of the kind %q", kind)
}

func newJWT(p Parts) (gate.Strategy, error) {
	if p.Service == nil {
		return nil, errors.New("a service is needed to verify tokens")
	}
	return checked(jwt.New(p.Service, p.Subjects, jwt.Config{Realm: p.Realm}))
}

func newLocal(p Parts) (gate.Strategy, error) { return checked(p.local()) }

func newBasic(p Parts) (gate.Strategy, error) {
	door := p.local()
	if err := door.Validate(); err != nil {
		return nil, err
	}
	return checked(basic.New(door, p.Users, basic.Config{Realm: p.Realm}))
}

func (p Parts) local() *local.Strategy {
	return local.New(p.Users, p.Hasher, local.Config{
		UsernameField: p.UsernameField, PasswordField: p.PasswordField,
		Throttle: p.Throttle, Logger: p.Logger,
	})
}

// checked returns st unless it refuses its own configuration.
func checked[S interface {
	gate.Strategy
	gate.Validator
}](st S) (gate.Strategy, error) {
	if err := st.Validate(); err != nil {
		return nil, err
	}
	return st, nil
}
