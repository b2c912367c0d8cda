package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/gatewright/gate/internal/secret"
)

func TestString_neverPrints(t *testing.T) {
	const value = "correct horse battery staple"
	s := secret.String(value)
	type holder struct {
		Secret secret.String
		List   []secret.String
		Map    map[string]secret.String
	}
	h := holder{s, []secret.String{s}, map[string]secret.String{"k": s}}

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s", "%t"} {
		for _, arg := range []any{s, &s, h, &h} {
			got := fmt.Sprintf(verb, arg)
			if strings.Contains(got, value) || strings.Contains(got, hex.EncodeToString([]byte(value))) {
				t.Errorf("Sprintf(%q, %T) = %q, which tells the secret", verb, arg, got)
			}
		}
		if got := fmt.Sprintf(verb, s); got != "[secret]" {
			t.Errorf("Sprintf(%q) = %q, want [secret]", verb, got)
		}
	}

	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).InfoContext(t.Context(), "test", "s", s, "h", h)
	slog.New(slog.NewJSONHandler(&log, nil)).InfoContext(t.Context(), "test", "s", s, "h", h)
	if strings.Contains(log.String(), value) || strings.Count(log.String(), "[secret]") < 4 {
		t.Errorf("the log tells the secret: %s", log.String())
	}

	doc, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(doc, []byte(value)) {
		t.Errorf("JSON tells the secret: %s", doc)
	}
	if err := fmt.Errorf("login with %v: %w", s, fmt.Errorf("%s", s)); strings.Contains(err.Error(), value) {
		t.Errorf("an error tells the secret: %v", err)
	}
}

func TestString_reveal(t *testing.T) {
	var s secret.String
	if err := json.Unmarshal([]byte(`"abc"`), &s); err != nil {
		t.Fatal(err)
	}
	if got := s.Reveal(); got != "abc" {
		t.Errorf("Reveal() = %q, want abc", got)
	}
	if !s.Equal("abc") || s.Equal("abd") || s.Equal("") || s.Equal("abcd") {
		t.Error("Equal does not compare the whole text")
	}
}

func TestText(t *testing.T) {
	seen := make(map[secret.String]bool)
	for range 1000 {
		s := secret.Text()
		if b, err := base64.RawURLEncoding.Strict().DecodeString(s.Reveal()); err != nil || len(b) != 32 {
			t.Fatalf("Text() is %d bytes, %v; want 32", len(b), err)
		}
		if seen[s] {
			t.Fatal("Text() gave one text twice")
		}
		seen[s] = true
	}
}

func TestBytes(t *testing.T) {
	a, b := secret.Bytes(24), secret.Bytes(24)
	if len(a) != 24 || len(b) != 24 || bytes.Equal(a, b) {
		t.Errorf("Bytes(24) gave %d and %d bytes, equal: %t", len(a), len(b), bytes.Equal(a, b))
	}
	if got := secret.Bytes(0); len(got) != 0 {
		t.Errorf("Bytes(0) gave %d bytes", len(got))
	}
}

func TestHash(t *testing.T) {
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2 §B.1
	if got := secret.Hash("abc"); hex.EncodeToString(got[:]) != want {
		t.Errorf("Hash(abc) = %x, want %s", got, want)
	}
}
