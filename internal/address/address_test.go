package address_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/internal/address"
)

func TestIsEmail(t *testing.T) {
	for s, want := range map[string]bool{
		"ann@b.example":                         true,
		"o'neil+x@b":                            true,
		strings.Repeat("a", 64) + "@b.example":  true,
		strings.Repeat("a", 65) + "@b.example":  false,
		"a@" + strings.Repeat("b.", 126) + "cc": false,
		"":                                      false, "ann": false, "@b.example": false, "ann@": false, "ann@b..example": false, "ann@-b.example": false,
		"ann@b-.example": false, "a@b@c": false, "ä@b.example": false, "ann@bücher.example": false, `"a b"@c.example`: false,
		"Ann <ann@b.example>": false, "a\x00b@c.example": false, "aäb@c.example": false,
	} {
		if got := address.IsEmail(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestIsURL(t *testing.T) {
	for s, want := range map[string]bool{
		"https://b.example/x?y#z": true, "http://127.0.0.1:8080": true,
		"": false, "b.example": false, "//b.example": false, "https://": false, "https://:443/": false, "ftp://b.example": false,
		"javascript:alert(1)": false, "https://ann:secret@b.example": false, "https://b.example/a b": false, "https://b.example/<x>": false,
	} {
		if got := address.IsURL(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
