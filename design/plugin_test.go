package design_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
)

type settings struct {
	Algorithm string            `yaml:"algorithm"`
	ExpiresIn time.Duration     `yaml:"expiresIn"`
	Rounds    int               `yaml:"rounds"`
	Small     int8              `yaml:"small"`
	Size      uint16            `yaml:"size"`
	Ratio     float64           `yaml:"ratio"`
	Strict    bool              `yaml:"strict"`
	Audience  []string          `yaml:"audience"`
	Headers   map[string]string `yaml:"headers"`
	Leeway    *time.Duration    `yaml:"leeway"`
	Nested    struct {
		Name string `yaml:"name"`
	} `yaml:"nested"`
	NotASetting string
}

func TestDecode(t *testing.T) {
	d := parse(t, header+`plugins:
  jwt:
    algorithm: ES256
    expiresIn: 15m
    rounds: -3
    size: 65535
    ratio: 2
    strict: true
    audience: [a, b]
    headers: {x: y}
    leeway: 30s
    nested: {name: n}
    enabled: false
`)
	leeway := 30 * time.Second
	want := settings{
		Algorithm: "ES256", ExpiresIn: 15 * time.Minute, Rounds: -3, Small: 7, Size: 65535, Ratio: 2, Strict: true,
		Audience: []string{"a", "b"}, Headers: map[string]string{"x": "y"}, Leeway: &leeway,
	}
	want.Nested.Name = "n"
	got := settings{Small: 7, Algorithm: "HS256"}
	if err := d.Plugin("jwt").Decode(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestDecode_refusals(t *testing.T) {
	d := parse(t, header+`plugins:
  jwt:
    algorthm: ES256
    expiresIn: 15
    rounds: 1.5
    small: 300
    size: -1
    ratio: high
    strict: "true"
    audience: a
    headers: [x]
    nested: {nam: n}
    NotASetting: x
    zzz: 1
`)
	err := d.Plugin("jwt").Decode(&settings{})
	if err == nil {
		t.Fatal("got no error")
	}
	want := `gate.yaml:5:5: unknown setting "algorthm" of plugin jwt, did you mean "algorithm"?
gate.yaml:6:16: expiresIn has to be a duration such as 15m or 24h, not the number "15"
gate.yaml:7:13: rounds has to be a whole number of 64 bits, not the number "1.5"
gate.yaml:8:12: small has to be a whole number of 8 bits, not the number "300"
gate.yaml:9:11: size has to be a whole number of 16 bits, not the number "-1"
gate.yaml:10:12: ratio has to be a number, not the text "high"
gate.yaml:11:13: strict has to be true or false, not the text "true"
gate.yaml:12:15: audience has to be a list, not the text "a"
gate.yaml:13:14: headers has to be a mapping, not a list
gate.yaml:14:14: unknown setting "nam" of nested, did you mean "name"?
gate.yaml:15:5: unknown setting "NotASetting" of plugin jwt
    known settings: algorithm, expiresIn, rounds, small, size, ratio, strict, audience, headers, leeway, nested
gate.yaml:16:5: unknown setting "zzz" of plugin jwt
    known settings: algorithm, expiresIn, rounds, small, size, ratio, strict, audience, headers, leeway, nested`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	err = d.Plugin("jwt").Decode(&struct{}{})
	if err == nil || !strings.Contains(err.Error(), "it has no settings") {
		t.Errorf("got %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a value that is no pointer was taken")
		}
	}()
	_ = d.Plugin("jwt").Decode(settings{})
}

// TestGEN01_oddSettingNames wants odd keys in a message, not a crash.
func TestGEN01_oddSettingNames(t *testing.T) {
	for _, key := range []string{"a]", "[", "]", "a[b]", ".", "a.", "\n", ""} {
		d := parse(t, header+"plugins: {x: {headers: {"+fmt.Sprintf("%q", key)+": [1]}}}\n")
		if err := d.Plugin("x").Decode(&settings{}); err == nil {
			t.Errorf("%q: a list was taken for text", key)
		} else if strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%q: message over lines: %q", key, err)
		}
	}
}

func TestSettingChild(t *testing.T) {
	d := parse(t, header+"plugins: {x: {a: {b: [1, 2.5, yes, null, true]}}}\n")
	list := d.Plugin("x").Setting("a").Child("b")
	var kinds []design.Kind
	for _, c := range list.Children {
		kinds = append(kinds, c.Kind)
	}
	want := []design.Kind{design.KindInteger, design.KindFloat, design.KindString, design.KindNull, design.KindBool}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	if c := list.Children[1]; c.Value != 2.5 || c.Path != "plugins.x.a.b[1]" || c.Pos.Column != 26 {
		t.Errorf("element %+v", c)
	}
	if d.Plugin("x").Setting("b") != nil || list.Child("a") != nil || d.Plugin("y") != nil {
		t.Error("found what is not there")
	}
}

// TestDecode_raw: what a plugin looks at by itself comes as it is written.
func TestDecode_raw(t *testing.T) {
	d := parse(t, header+"plugins:\n  x: {any: {a: [1, {b: true}], c: text}}\n")
	var got struct {
		Any design.Setting `yaml:"any"`
		Not design.Setting `yaml:"not"`
	}
	if err := d.Plugin("x").Decode(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*d.Plugin("x").Setting("any"), got.Any); diff != "" {
		t.Errorf("setting (-want +got):\n%s", diff)
	}
	if got.Not.Kind != design.KindNull || got.Any.Child("c").Value != "text" {
		t.Errorf("got %+v", got)
	}
}
