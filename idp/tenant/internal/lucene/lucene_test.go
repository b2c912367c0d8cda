package lucene_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/tenant/internal/lucene"
)

// text writes an expression with every parenthesis.
func text(e *lucene.Expr) string {
	switch e.Op {
	case lucene.All:
		return "ALL"
	case lucene.Exists:
		return "EXISTS " + e.Field
	case lucene.Not:
		return "NOT " + text(e.Args[0])
	case lucene.And, lucene.Or:
		parts := make([]string, len(e.Args))
		for i, arg := range e.Args {
			parts[i] = text(arg)
		}
		return "(" + strings.Join(parts, map[lucene.Op]string{lucene.And: " AND ", lucene.Or: " OR "}[e.Op]) + ")"
	case lucene.Range:
		return fmt.Sprintf("%s from %v to %v", e.Field, e.Low, e.High)
	case lucene.Match:
	}
	return e.Field + "=" + strings.ReplaceAll(strings.Join(e.Pattern.Parts, "*"), lucene.Any, "?")
}

func TestParse(t *testing.T) {
	for query, want := range map[string]string{
		``:                              "ALL",
		`  `:                            "ALL",
		`*`:                             "ALL",
		`*:*`:                           "ALL",
		`a`:                             "=a",
		`a b`:                           "(=a OR =b)",
		`a AND b OR c AND d`:            "((=a AND =b) OR (=c AND =d))",
		`a OR b NOT c`:                  "(=a OR (=b AND NOT =c))",
		`NOT a -b !c`:                   "(NOT =a AND NOT =b AND NOT =c)",
		`(a || b) && c`:                 "((=a OR =b) AND =c)",
		`ANDROID ORACLE NOTE`:           "(=ANDROID OR =ORACLE OR =NOTE)",
		`x:(a OR b -c)`:                 "(x=a OR (x=b AND NOT x=c))",
		`x:"a b"`:                       "x=a b",
		`x: "a \" b"`:                   `x=a " b`,
		`x:a*b?c`:                       "x=a*b?c",
		`x:a\*`:                         "x=a*",
		`x:*abc*`:                       "x=*abc*",
		`x:*`:                           "EXISTS x",
		`_exists_:a.b`:                  "EXISTS a.b",
		`_exists_:"a"`:                  "EXISTS a",
		`user_id:auth0|5`:               "user_id=auth0|5",
		`date:2026-01-01T00:00:00Z`:     "date=2026-01-01T00:00:00Z",
		`x:[1 TO *}`:                    "x from {1 false true} to {* true false}",
		`x:{2026-01-01T10:00 TO "b c"]`: "x from {2026-01-01T10:00 false false} to {b c false true}",
		`x:>=5`:                         "x from {5 false true} to { true false}",
		`x:<5`:                          "x from { true false} to {5 false false}",
		`a\:b\ c:d`:                     "a:b c=d",
		`ünï:çödé`:                      "ünï=çödé",
		`foo-bar`:                       "=foo-bar",
	} {
		e, err := lucene.Parse(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if got := text(e); got != want {
			t.Errorf("%s is %s, want %s", query, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`a:"b" AND (c:[1 TO 2} OR NOT d*)`, `((((`, `a:\`, `x:?`, `-`, `_exists_:*`, `x:(`, `a:"\`, `x:>`, "x:[\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		e, err := lucene.Parse(query)
		if err != nil {
			wrong, ok := errors.AsType[*lucene.Error](err)
			if !ok || wrong.Position < 0 || wrong.Position > len(query) {
				t.Fatalf("%q: %v is not an error with a position", query, err)
			}
			return
		}
		if n := terms(t, e, 0); n > lucene.MaxTerms {
			t.Fatalf("%q has %d terms", query, n)
		}
	})
}

// terms counts the terms of an expression, and checks its depth.
func terms(t *testing.T, e *lucene.Expr, depth int) (n int) {
	t.Helper()
	if depth > 4*lucene.MaxDepth {
		t.Fatal("too deep")
	}
	if len(e.Args) == 0 {
		return 1
	}
	for _, arg := range e.Args {
		n += terms(t, arg, depth+1)
	}
	return n
}
