package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gatewright/gate"
)

// tills are the cash desks of the restaurant, where staff changes the menu without
// logging in: the names by the SHA-256 of their codes.
type tills map[[sha256.Size]byte]string

// readTills reads "bar=code terrace=code". A code is not guessed at a few million
// tries a day: it is long, and so nobody has to count them.
func readTills(setting string) (tills, error) {
	all := tills{}
	for i, field := range strings.Fields(setting) {
		name, code, _ := strings.Cut(field, "=")
		if name == "" || len(code) < 32 {
			return nil, fmt.Errorf("till %d: want name=code with a code of 32 characters or more, such as openssl rand -hex 16 makes", i+1)
		}
		sum := sha256.Sum256([]byte(code))
		if _, twice := all[sum]; twice {
			return nil, fmt.Errorf("till %d has the code of another one", i+1)
		}
		all[sum] = name
	}
	if len(all) == 0 {
		return nil, errors.New("no till is named; leave the setting out when there is none")
	}
	return all, nil
}

// Authenticate is a yes for whoever has the code of a till.
func (t tills) Authenticate(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
	code, err := c.Text("code")
	if err != nil {
		return nil, err
	}
	name, known := t[sha256.Sum256([]byte(code))]
	if !known {
		return nil, gate.ErrInvalidCredentials
	}
	return &gate.Principal{Subject: "till-" + name, Roles: []string{"menu-admin"}}, nil
}

// Parse finds the code in the header X-Till.
func (tills) Parse(r *http.Request) (c gate.Credentials, found bool, err error) {
	if found = len(r.Header["X-Till"]) == 1; found {
		c.SetText("code", r.Header.Get("X-Till"))
	}
	return c, found, nil
}
