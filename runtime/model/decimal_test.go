package model_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatewright/gate/runtime/model"
)

func TestParseDecimal(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"0", "0"},
		{"-0", "0"},
		{"-0.00", "0.00"},
		{"12.50", "12.50"},
		{"-12.5", "-12.5"},
		{"0.001", "0.001"},
		{"-0.05", "-0.05"},
		{"1e3", "1000"},
		{"1.5e1", "15"},
		{"125e-2", "1.25"},
		{"1E+2", "100"},
		{"999999999999999999", "999999999999999999"},
		{"-0.999999999999999999", "-0.999999999999999999"},
		{"0.1000000000000000000", "0.100000000000000000"}, // 19 digits, but the last is 0
		{"0e5", "0"},
	} {
		d, err := model.ParseDecimal(tt.in)
		if err != nil || d.String() != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.in, d, err, tt.want)
		}
	}
	for _, in := range []string{
		"", " 1", "1 ", "+1", "--1", ".5", "5.", "01", "1,5", "1_000", "0x10", "NaN", "Infinity", "1e", "e1", "1e1.5", "1e+-2", "1e--2",
		"1000000000000000000", "9999999999999999999", "0.1234567890123456789", "1e18", "1e400", "1e-400", "1e99999999999999999999", "١",
	} {
		if d, err := model.ParseDecimal(in); err == nil {
			t.Errorf("%q is %s", in, d)
		}
	}
}

func TestDecimal_rescale(t *testing.T) {
	for _, tt := range []struct {
		in    string
		scale int
		want  string // "" is refused
	}{
		{"1.5", 2, "1.50"},
		{"1.50", 1, "1.5"},
		{"1.55", 1, ""}, // never rounded
		{"-1.50", 0, ""},
		{"100000000000", 6, "100000000000.000000"},
		{"100000000000", 7, ""},
		{"0", 18, "0.000000000000000000"},
		{"1", 19, ""},
		{"1", -1, ""},
	} {
		d, ok := model.MustDecimal(tt.in).Rescale(tt.scale)
		if ok != (tt.want != "") || ok && d.String() != tt.want {
			t.Errorf("%s at scale %d: %s, %t", tt.in, tt.scale, d, ok)
		}
	}
}

// TestDecimal_exact compares with math/big.
func TestDecimal_exact(t *testing.T) {
	draw := func(t *rapid.T, name string) (model.Decimal, *big.Rat) {
		most := rapid.SampledFrom([]int64{9999, 999999999, 999999999999999999}).Draw(t, name)
		d := model.NewDecimal(rapid.Int64Range(-most, most).Draw(t, name), rapid.IntRange(0, 18).Draw(t, name))
		r, ok := new(big.Rat).SetString(d.String())
		if !ok {
			t.Fatalf("%s is no number", d)
		}
		return d, r
	}
	rapid.Check(t, func(t *rapid.T) {
		a, ra := draw(t, "a")
		b, rb := draw(t, "b")
		if got, want := a.Cmp(b), ra.Cmp(rb); got != want {
			t.Fatalf("%s and %s: %d, want %d", a, b, got, want)
		}
		back, err := model.ParseDecimal(a.String())
		if err != nil || back != a {
			t.Fatalf("%s comes back as %s, %v", a, back, err)
		}
		if r, ok := a.Rescale(rapid.IntRange(0, 18).Draw(t, "scale")); ok && r.Cmp(a) != 0 {
			t.Fatalf("%s rescaled is %s", a, r)
		}
		for _, op := range []struct {
			name  string
			calc  func(model.Decimal) (model.Decimal, bool)
			exact *big.Rat
			scale int
		}{
			{"+", a.Add, new(big.Rat).Add(ra, rb), max(a.Scale(), b.Scale())},
			{"-", a.Sub, new(big.Rat).Sub(ra, rb), max(a.Scale(), b.Scale())},
			{"×", a.Mul, new(big.Rat).Mul(ra, rb), a.Scale() + b.Scale()},
		} {
			// What is right has 18 digits at most, and what takes part as well.
			room := op.scale <= 18 && less(op.exact, op.scale) && (op.name == "×" || less(ra, op.scale) && less(rb, op.scale))
			got, ok := op.calc(b)
			if ok != room || ok && (got.String() != op.exact.FloatString(op.scale) || got.Scale() != op.scale) {
				t.Fatalf("%s %s %s is %s, %t; want %s, %t", a, op.name, b, got, ok, op.exact.FloatString(op.scale), room)
			}
		}
	})
}

// less reports whether r has at most 18 digits with that scale.
func less(r *big.Rat, scale int) bool {
	most := new(big.Rat).SetInt64(1_000_000_000_000_000_000)
	units := new(big.Rat).Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
	return units.Abs(units).Cmp(most) < 0
}

func ExampleDecimal_Mul() {
	price, quantity := model.MustDecimal("12.50"), model.NewDecimal(3, 0)
	total, ok := price.Mul(quantity)
	fmt.Println(total, ok)
	// Output: 37.50 true
}

func TestDecimal_json(t *testing.T) {
	var v struct{ A, B model.Decimal }
	if err := json.Unmarshal([]byte(`{"A":12.50,"B":-1e2}`), &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil || string(out) != `{"A":12.50,"B":-100}` {
		t.Errorf("%s, %v", out, err)
	}
	for _, in := range []string{`{"A":"12.5"}`, `{"A":null}`, `{"A":true}`} {
		if err := json.Unmarshal([]byte(in), &v); err == nil {
			t.Errorf("%s was read as %s", in, v.A)
		}
	}
}

func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"1.50", "-1e-3", "1e18", "00", "0.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := model.ParseDecimal(s)
		if err != nil {
			if d != (model.Decimal{}) {
				t.Errorf("%q: %v and %s", s, err, d)
			}
			return
		}
		if !json.Valid([]byte(s)) || !json.Valid([]byte(d.String())) {
			t.Errorf("%q is %s; one is no JSON number", s, d)
		}
		want, ok := new(big.Rat).SetString(s)
		got, _ := new(big.Rat).SetString(d.String())
		if !ok || want.Cmp(got) != 0 {
			t.Errorf("%q is %s", s, d)
		}
	})
}
