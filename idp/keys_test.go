package idp_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/jose"
)

// JKS-08: whoever holds a provider serves it and administers it. What it signs
// with is not to be had from it, nor from what it gives out.
func TestJKS08_privateKeysStay(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	for _, held := range []any{s.Provider, s.Tenant(), &config.Instance{Provider: s.Provider}} {
		if _, ok := held.(jose.KeySource); ok {
			t.Errorf("%T hands out signing keys", held)
		}
		for m := range reflect.TypeOf(held).Methods() {
			for out := range m.Type.Outs() {
				if kind := out.String(); strings.Contains(kind, "jose.Key") || strings.Contains(kind, "keyring.") {
					t.Errorf("%T.%s returns a %s", held, m.Name, kind)
				}
			}
		}
	}
}
