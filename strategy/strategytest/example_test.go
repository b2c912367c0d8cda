package strategytest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/strategytest"
)

// Kiosk lets the screens in a restaurant in, each by its code: code → screen.
type Kiosk map[string]string

// Authenticate implements [gate.Strategy].
func (k Kiosk) Authenticate(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
	code, err := c.Text("code")
	if err != nil {
		return nil, err
	}
	screen, known := k[code]
	if !known {
		return nil, gate.ErrInvalidCredentials
	}
	return &gate.Principal{Subject: screen, Roles: []string{"screen"}}, nil
}

// Parse implements [gate.Parser].
func (Kiosk) Parse(r *http.Request) (c gate.Credentials, found bool, err error) {
	switch codes := r.Header["X-Kiosk"]; len(codes) {
	case 0:
		return c, false, nil
	case 1:
		c.SetText("code", codes[0])
		return c, true, nil
	default:
		return c, false, gate.ErrBadRequest
	}
}

func Example() {
	header := func(code string) func() *http.Request {
		return func() *http.Request {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("X-Kiosk", code)
			return r
		}
	}
	suite := strategytest.Suite{
		New:     func() (gate.Strategy, func(error)) { return Kiosk{"4711-0815": "entrance"}, nil },
		Subject: "entrance",
		Good:    []strategytest.Case{{Name: "header", Request: header("4711-0815")}},
		Bad: []strategytest.Case{
			{Name: "wrong code", Request: header("4712-0815")},
			{Name: "wrong code, posted", Fields: map[string]any{"code": "4713-0815"}},
		},
	}
	// In a test of your own: strategytest.Run(t, suite).
	fmt.Println(strategytest.Check(context.Background(), suite))
	// Output: <nil>
}
