package jose_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/jose"
)

type address struct {
	City string `json:"city"`
	Zip  *int   `json:"zip"`
}

type common struct {
	Tenant string `json:"tenant"`
}

type ownClaims struct {
	common

	Subject  string          `json:"sub"`
	Expiry   int64           `json:"exp"`
	Roles    []string        `json:"roles"`
	Admin    bool            `json:"admin"`
	Level    int8            `json:"level"`
	Score    float64         `json:"score"`
	Address  address         `json:"address"`
	Homes    []address       `json:"homes"`
	Limits   map[string]int  `json:"limits"`
	Pair     [2]int          `json:"pair"`
	Since    time.Time       `json:"since"`
	Any      any             `json:"any"`
	Manager  *string         `json:"manager"`
	Raw      json.RawMessage `json:"raw"`
	Ignored  string          `json:"-"`
	Untagged string
}

func parseOwn(tb testing.TB, members string) (ownClaims, error) {
	tb.Helper()
	k := hmacKey(tb, "", jose.HS256, "typed")
	v := verifier(tb, keySet(tb, k), nil)
	return jose.ClaimsAs[ownClaims](accept(tb, v, mint(tb, k, goodHeader(jose.HS256), goodClaims("own", "1", members[:strings.Index(members, ":")], members[strings.Index(members, ":")+1:]))))
}

func TestClaimsAs(t *testing.T) {
	k := hmacKey(t, "", jose.HS256, "typed")
	c := accept(t, verifier(t, keySet(t, k), nil), mint(t, k, goodHeader(jose.HS256), goodClaims(
		"tenant", `"acme"`, "roles", `["editor"]`, "admin", "true", "level", "-3", "score", "1.5", "address", `{"city":"Bonn","more":1}`,
		"homes", `[{"city":"Ulm","zip":89073}]`, "limits", `{"a":1,"A2":2}`, "pair", "[1,2]", "since", `"2030-03-01T00:00:00Z"`,
		"any", `{"x":[null]}`, "manager", "null", "raw", `{"a": 1}`, "Untagged", `"u"`, "unknown", `{"tenant":1}`)))
	got, err := jose.ClaimsAs[ownClaims](c)
	if err != nil {
		t.Fatal(err)
	}
	zip := 89073
	want := ownClaims{
		common: common{"acme"}, Subject: "ada", Expiry: now.Unix() + 900, Roles: []string{"editor"}, Admin: true, Level: -3, Score: 1.5,
		Address: address{City: "Bonn"}, Homes: []address{{"Ulm", &zip}}, Limits: map[string]int{"a": 1, "A2": 2}, Pair: [2]int{1, 2},
		Since: time.Date(2030, 3, 1, 0, 0, 0, 0, time.UTC), Any: map[string]any{"x": []any{nil}}, Raw: json.RawMessage(`{"a":1}`), Untagged: "u",
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(ownClaims{})); diff != "" {
		t.Errorf("ClaimsAs() (-want +got):\n%s", diff)
	}
	if m, err := jose.ClaimsAs[map[string]any](c); err != nil || m["tenant"] != "acme" || m["iss"] != issuer {
		t.Errorf("ClaimsAs[map]() = %v, %v", m, err)
	}
	if p, err := jose.ClaimsAs[*common](c); err != nil || p.Tenant != "acme" {
		t.Errorf("ClaimsAs[*T]() = %v, %v", p, err)
	}
}

// JWT-07: no claim is taken for another, and none of the wrong type for the zero
// value.
func TestJWT07_typedClaims(t *testing.T) {
	for _, members := range []string{
		"Tenant:\"x\"", "TENANT:\"x\"", "Admin:true", "ADMIN:true", "untagged:\"x\"", `address:{"City":"x"}`, `homes:[{"CITY":"x"}]`,
		"tenant:null", "tenant:1", "tenant:true", "tenant:[\"x\"]", "admin:null", `admin:"true"`, "admin:1", "level:1.5", "level:128",
		`level:"1"`, "level:1e2", "level:null", "score:\"1\"", "roles:\"editor\"", "roles:[1]", "roles:[null]", "roles:{}", "address:null",
		"address:[]", `address:{"city":null}`, `homes:[null]`, `limits:{"a":null}`, "limits:[]", "pair:[1]", "pair:[1,2,3]", "pair:null",
		"since:1900000000", "manager:1",
	} {
		t.Run(members, func(t *testing.T) {
			got, err := parseOwn(t, members)
			if err == nil {
				t.Errorf("ClaimsAs() = %+v", got)
			}
			if diff := cmp.Diff(ownClaims{}, got, cmp.AllowUnexported(ownClaims{})); diff != "" {
				t.Errorf("an error, and as well\n%s", diff)
			}
		})
	}
	if _, err := jose.ClaimsAs[ownClaims](nil); err == nil {
		t.Error("no claims are taken")
	}
	if _, err := jose.ClaimsAs[ownClaims](&jose.Claims{Extra: map[string]any{"sub": "x"}}); err == nil {
		t.Error("a registered claim in Extra is taken")
	}
	if _, err := jose.ClaimsAs[ownClaims](&jose.Claims{Extra: map[string]any{"x": 1, "X": 2}}); err == nil {
		t.Error("claims that differ in case are taken")
	}
	if _, err := jose.ClaimsAs[int](new(jose.Claims)); err == nil {
		t.Error("claims are a number")
	}
}
