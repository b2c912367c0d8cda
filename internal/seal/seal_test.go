package seal_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/gatewright/gate/internal/seal"
)

// What is stored opens for ever: the keys and the form of what is sealed stay.
func TestStored(t *testing.T) {
	secret := bytes.Repeat([]byte("s"), 32)
	key, err := seal.Key(secret, "purpose")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(key), "a76ab963ef0ec0a5bcf2dddf9202f3a520b1c13226c21ccb2fee6e22b48ff4dc"; got != want {
		t.Errorf("key %s, want %s", got, want)
	}
	box, err := seal.New(secret, "purpose")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := hex.DecodeString("15b407d84088613d83436ea109be43709addb0164168a0da8b866e2f48dd836c33")
	if err != nil {
		t.Fatal(err)
	}
	if value, err := box.Open(sealed, "row 1"); err != nil || string(value) != "value" {
		t.Errorf("%q, %v", value, err)
	}
}

func TestBox(t *testing.T) {
	box, err := seal.New(bytes.Repeat([]byte("s"), 32), "purpose")
	if err != nil {
		t.Fatal(err)
	}
	other, err := seal.New(bytes.Repeat([]byte("s"), 32), "another")
	if err != nil {
		t.Fatal(err)
	}
	sealed := box.Seal([]byte("value"), "row 1")
	if value, err := box.Open(sealed, "row 1"); err != nil || string(value) != "value" {
		t.Errorf("%q, %v", value, err)
	}
	if bytes.Equal(sealed, box.Seal([]byte("value"), "row 1")) {
		t.Error("sealed twice to the same")
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, try := range map[string]func() ([]byte, error){
		"another row":     func() ([]byte, error) { return box.Open(sealed, "row 2") },
		"another purpose": func() ([]byte, error) { return other.Open(sealed, "row 1") },
		"changed":         func() ([]byte, error) { return box.Open(changed, "row 1") },
		"cut":             func() ([]byte, error) { return box.Open(sealed[:20], "row 1") },
		"empty":           func() ([]byte, error) { return box.Open(nil, "row 1") },
	} {
		if value, err := try(); err == nil {
			t.Errorf("%s: opened as %q", name, value)
		}
	}
	if _, err := seal.WithKey([]byte("short")); err == nil {
		t.Error("a short key was taken")
	}
}
