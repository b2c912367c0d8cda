package strictjson_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gatewright/gate/internal/strictjson"
)

// read reads text and returns the names and the values of its members.
func read(text string, l strictjson.Limits) (string, error) {
	var b strings.Builder
	err := strictjson.ReadObject(text, l, func(r *strictjson.Reader, name string) error {
		v, err := r.Value()
		fmt.Fprintf(&b, "%s=%v ", name, v)
		return err
	})
	return b.String(), err
}

func TestReadObject(t *testing.T) {
	got, err := read(` { "a" : [ 1 , {"b":null} ] , "\u0063":"\ud83d\ude00" } `, strictjson.Limits{})
	if want := "a=[1 map[b:<nil>]] c=😀 "; err != nil || got != want {
		t.Errorf("ReadObject() = %q, %v; want %q", got, err, want)
	}
	want := errors.New("mine")
	err = strictjson.ReadObject(`{"a":1}`, strictjson.Limits{}, func(*strictjson.Reader, string) error { return want })
	if !errors.Is(err, want) {
		t.Errorf("ReadObject() error = %v, want the one of member", err)
	}
	// Who leaves a value where it is has read nothing.
	if err := strictjson.ReadObject(`{"a":1}`, strictjson.Limits{}, func(*strictjson.Reader, string) error { return nil }); err == nil {
		t.Error("a value is passed over")
	}
}

// TestOPS03_limits checks what the limits change, and that they are what does.
func TestOPS03_limits(t *testing.T) {
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + "}" }
	for _, tt := range []struct {
		text   string
		limits strictjson.Limits
		want   bool
	}{
		{deep(16), strictjson.Limits{Depth: 16}, true},
		{deep(17), strictjson.Limits{Depth: 16}, false},
		{deep(32), strictjson.Limits{}, true},
		{deep(33), strictjson.Limits{}, false},
		{`{"a":1e400}`, strictjson.Limits{}, true},
		{`{"a":1e400}`, strictjson.Limits{Float64: true}, false},
		{`{"a":[{"b":-1e400}]}`, strictjson.Limits{Float64: true}, false},
		{`{"a":` + strings.Repeat("9", 309) + `}`, strictjson.Limits{Float64: true}, false},
		{`{"a":` + strings.Repeat("9", 308) + `}`, strictjson.Limits{Float64: true}, true},
		{`{"a":1e-400}`, strictjson.Limits{Float64: true}, true}, // is 0
	} {
		if got, err := read(tt.text, tt.limits); (err == nil) != tt.want {
			t.Errorf("%.60s with %+v: %q, %v", tt.text, tt.limits, got, err)
		}
	}
}

// The typed readers refuse values of another type, and say where.
func TestReader_types(t *testing.T) {
	for _, value := range []string{"null", "true", "{}", "x", ""} {
		text := `{"a": ` + value + `}`
		for name, member := range map[string]func(r *strictjson.Reader, name string) error{
			"String": func(r *strictjson.Reader, _ string) error { _, err := r.String(); return err },
			"Number": func(r *strictjson.Reader, _ string) error { _, err := r.Number(); return err },
			"Array": func(r *strictjson.Reader, _ string) error {
				return r.Array(func(r *strictjson.Reader) error { _, err := r.Skip(); return err })
			},
		} {
			err := strictjson.ReadObject(text, strictjson.Limits{}, member)
			if e, ok := errors.AsType[*strictjson.Error](err); !ok || e.Offset != 6 {
				t.Errorf("%s of %s: %v", name, text, err)
			}
		}
	}
}

// An error quotes a name, and not much of it.
func TestError_quotesLittle(t *testing.T) {
	name := strings.Repeat("n", 5000)
	_, err := strictjson.Decode([]byte(`{"`+name+`":1,"`+name+`":2}`), 0)
	if err == nil || len(err.Error()) > 200 {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
	_, err = strictjson.Decode([]byte("{\"a\\u000ab\":1,\"a\\nb\":2}"), 0)
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has a line of its own: %q", err)
	}
}

func TestFold(t *testing.T) {
	names := []string{"alg", "ALG", "aLg", "k", "K", "\u212a", "s", "S", "ſ", "ß", "ẞ", "é", "É", "", "i", "I", "ı", "İ"}
	for _, a := range names {
		for _, b := range names {
			if got, want := strictjson.Fold(a) == strictjson.Fold(b), strings.EqualFold(a, b); got != want {
				t.Errorf("Fold(%q) and Fold(%q) are the same: %t, want %t", a, b, got, want)
			}
		}
	}
}

// FuzzFold compares with strings.EqualFold.
func FuzzFold(f *testing.F) {
	f.Add("alg", "ALG")
	f.Add("\u212a", "k")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return
		}
		if got, want := strictjson.Fold(a) == strictjson.Fold(b), strings.EqualFold(a, b); got != want {
			t.Errorf("Fold(%q) and Fold(%q) are the same: %t, want %t", a, b, got, want)
		}
	})
}

// FuzzReadObject checks that the limits only take away: what is read with them
// is read without, and means the same.
func FuzzReadObject(f *testing.F) {
	for _, seed := range seeds {
		f.Add(`{"a":` + seed + `}`)
	}
	f.Add(`{"a":1e400,"b":[[[[]]]]}`)
	f.Fuzz(func(t *testing.T, text string) {
		strict, strictErr := read(text, strictjson.Limits{Depth: 3, Float64: true})
		loose, err := read(text, strictjson.Limits{})
		if strictErr == nil && (err != nil || strict != loose) {
			t.Fatalf("%q with limits, %q, %v without", strict, loose, err)
		}
		if err == nil && !json.Valid([]byte(text)) {
			t.Fatal("accepted, and not valid")
		}
	})
}
