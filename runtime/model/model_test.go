package model_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/runtime/model"
)

// entity returns an entity of an id and that field.
func entity(f model.Field) *model.Entity {
	if f.Name == "" {
		f.Name, f.Column = "it", "it"
	}
	return &model.Entity{
		Name: "Thing", Path: "things", Table: "things",
		Fields: []model.Field{{Name: "id", Column: "id", Type: model.ID, Required: true}, f},
	}
}

// checked returns the second field of a checked entity.
func checked(t testing.TB, f model.Field) *model.Field {
	t.Helper()
	e := entity(f)
	if err := e.Check(); err != nil {
		t.Fatal(err)
	}
	return &e.Fields[1]
}

func TestEntity_Check_refuses(t *testing.T) {
	tests := []struct {
		name string
		e    *model.Entity
		want string
	}{
		{"no type", entity(model.Field{}), "unknown type"},
		{"type beyond the last", entity(model.Field{Type: 99}), "unknown type"},
		{"column that is SQL", entity(model.Field{Name: "x", Column: `x" --`, Type: model.Text}), "identifier"},
		{"name that is no member", entity(model.Field{Name: "a b", Column: "x", Type: model.Text}), "identifier"},
		{"twice", entity(model.Field{Name: "id", Column: "other", Type: model.Text}), "twice"},
		{"column twice", entity(model.Field{Name: "other", Column: "id", Type: model.Text}), "twice"},
		{"second id", entity(model.Field{Type: model.ID, Required: true}), "second one"},
		{"relation to nothing", entity(model.Field{Type: model.Relation}), "points to"},
		{"enum of nothing", entity(model.Field{Type: model.Enum}), "values"},
		{"decimal without digits", entity(model.Field{Type: model.DecimalType}), "1 to 18 digits"},
		{"decimal of 19 digits", entity(model.Field{Type: model.DecimalType, Precision: 19}), "1 to 18 digits"},
		{"scale above precision", entity(model.Field{Type: model.DecimalType, Precision: 2, Scale: 3}), "1 to 18 digits"},
		{"limit that is no number", entity(model.Field{Type: model.Integer, Min: "one"}), "limit"},
		{"limit of a text", entity(model.Field{Type: model.Text, Min: "1"}), "no minimum"},
		{"lengths", entity(model.Field{Type: model.Text, MinLength: 3, MaxLength: 2}), "lengths"},
		{"default against the rules", entity(model.Field{Type: model.Enum, Values: []string{"a"}, Default: "b"}), "default"},
		{"default password", entity(model.Field{Type: model.Password, Default: "admin"}), "no default"},
		{"default roles", entity(model.Field{Type: model.Roles, Default: "admin"}), "no default"},
		{"kind of id", entity(model.Field{Type: model.Relation, To: "X", ID: 9}), "kind of id"},
		{"owner", &model.Entity{Name: "A", Path: "a", Table: "a", Owner: "x", Fields: []model.Field{{Name: "id", Column: "id", Type: model.ID, Required: true}}}, "owner"},
		{"optional id", &model.Entity{Name: "A", Path: "a", Table: "a", Fields: []model.Field{{Name: "id", Column: "id", Type: model.ID}}}, "required"},
		{"no id", &model.Entity{Name: "A", Path: "a", Table: "a"}, "no field of type id"},
		{"table that is SQL", &model.Entity{Name: "A", Path: "a", Table: "a; drop"}, "table"},
		{"too many", &model.Entity{Name: "A", Path: "a", Table: "a", Fields: make([]model.Field, model.MaxFields+1)}, "more than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.e.Check()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// TestField_Decode reads JSON values into fields of every type.
func TestField_Decode(t *testing.T) {
	long := strings.Repeat("é", 5)
	text := model.Field{Type: model.Text, MinLength: 2, MaxLength: 5}
	decimal := model.Field{Type: model.DecimalType, Precision: 5, Scale: 2, Min: "-1.5", Max: "100"}
	integer := model.Field{Type: model.Integer, Min: "-5", Max: "9007199254740993"}
	tests := []struct {
		field model.Field
		raw   string
		want  string // the JSON it becomes, or the code of the problem
	}{
		{text, `"ab"`, `"ab"`},
		{text, `"` + long + `"`, `"` + long + `"`}, // code points, not bytes
		{text, `"` + long + `x"`, model.CodeTooLong},
		{text, `"\ud83d\ude00!"`, `"😀!"`},
		{text, `"a"`, model.CodeTooShort},
		{text, `" a "`, `" a "`}, // kept to the character
		{text, `"a\u0000b"`, model.CodeFormat},
		{text, `12`, model.CodeType},
		{text, `["ab"]`, model.CodeType},
		{text, `{"ab":1}`, model.CodeType},
		{text, `true`, model.CodeType},
		{text, `null`, `null`},
		{model.Field{Type: model.Text, Required: true}, `null`, model.CodeRequired},
		{model.Field{Type: model.Text, Required: true}, `""`, `""`},
		{integer, `9007199254740993`, `9007199254740993`},
		{integer, `9007199254740994`, model.CodeTooLarge},
		{integer, `-6`, model.CodeTooSmall},
		{integer, `1e3`, `1000`},
		{integer, `5.0`, `5`},
		{integer, `5.5`, model.CodeType},
		{integer, `9223372036854775808`, model.CodeTooLarge},
		{integer, `1e400`, model.CodeType},
		{integer, `"5"`, model.CodeType},
		{integer, `true`, model.CodeType},
		{decimal, `12.5`, `12.50`},
		{decimal, `12.500`, `12.50`},
		{decimal, `12.505`, model.CodePrecision},
		{decimal, `1000`, model.CodePrecision},
		{decimal, `100.01`, model.CodeTooLarge},
		{decimal, `-1.51`, model.CodeTooSmall},
		{decimal, `"12.5"`, model.CodeType},
		{decimal, `1e-400`, model.CodePrecision},
		{model.Field{Type: model.Float, Min: "0"}, `0.1`, `0.1`},
		{model.Field{Type: model.Float}, `1e400`, model.CodeTooLarge},
		{model.Field{Type: model.Float, Min: "0"}, `-0.1`, model.CodeTooSmall},
		{model.Field{Type: model.Float}, `"1"`, model.CodeType},
		{model.Field{Type: model.Boolean}, `true`, `true`},
		{model.Field{Type: model.Boolean}, `"true"`, model.CodeType},
		{model.Field{Type: model.Boolean}, `1`, model.CodeType},
		{model.Field{Type: model.DateType}, `"2024-02-29"`, `"2024-02-29"`},
		{model.Field{Type: model.DateType}, `"2026-02-29"`, model.CodeFormat},
		{model.Field{Type: model.DateType}, `"2026-2-1"`, model.CodeFormat},
		{model.Field{Type: model.DateType}, `"0000-01-01"`, model.CodeFormat},
		{model.Field{Type: model.DateType}, `20260101`, model.CodeType},
		{model.Field{Type: model.DateTime}, `"2026-11-21T12:45:40.1234569+01:00"`, `"2026-11-21T11:45:40.123456Z"`},
		{model.Field{Type: model.DateTime}, `"2026-11-21T12:45:40Z"`, `"2026-11-21T12:45:40.000000Z"`},
		{model.Field{Type: model.DateTime}, `"2026-11-21 12:45:40Z"`, model.CodeFormat},
		{model.Field{Type: model.DateTime}, `"2026-11-21T12:45:40"`, model.CodeFormat},
		{model.Field{Type: model.DateTime}, `"2026-11-21T24:00:00Z"`, model.CodeFormat},
		{model.Field{Type: model.DateTime}, `"2026-11-21T1:00:00Z"`, model.CodeFormat},
		{model.Field{Type: model.DateTime}, `"2026-11-21T11:00:00,5Z"`, model.CodeFormat},
		{model.Field{Type: model.DateTime}, `"2026-11-21T11:00:00+24:00"`, model.CodeFormat},
		{model.Field{Type: model.DateTime}, `"2026-11-21T11:00:00-05:60"`, model.CodeFormat},
		{model.Field{Type: model.DateTime}, `"2026-11-21T11:00:00-05:30"`, `"2026-11-21T16:30:00.000000Z"`},
		{model.Field{Type: model.DateTime}, `"0001-01-01T00:00:00+14:00"`, model.CodeFormat},
		{model.Field{Type: model.DateTime}, `0`, model.CodeType},
		{model.Field{Type: model.Email}, `"Ann@Example.com"`, `"Ann@Example.com"`},
		{model.Field{Type: model.Email}, `"ann"`, model.CodeFormat},
		{model.Field{Type: model.Email}, `"ann@"`, model.CodeFormat},
		{model.Field{Type: model.Email}, `"ann@-a.com"`, model.CodeFormat},
		{model.Field{Type: model.Email}, `"ann@a..com"`, model.CodeFormat},
		{model.Field{Type: model.Email}, `"a b@example.com"`, model.CodeFormat},
		{model.Field{Type: model.Email}, `"a@b@example.com"`, model.CodeFormat},
		{model.Field{Type: model.Email}, `"Ann <ann@example.com>"`, model.CodeFormat},
		{model.Field{Type: model.Email}, `"ann@example.com\nBcc: x@y"`, model.CodeFormat},
		{model.Field{Type: model.Email}, `"\u212ann@example.com"`, model.CodeFormat}, // the sign for Kelvin
		{model.Field{Type: model.Email}, `"` + strings.Repeat("a", 65) + `@example.com"`, model.CodeFormat},
		{model.Field{Type: model.URL}, `"https://example.com/a?b=c#d"`, `"https://example.com/a?b=c#d"`},
		{model.Field{Type: model.URL}, `"javascript:alert(1)"`, model.CodeFormat},
		{model.Field{Type: model.URL}, `"data:text/html,x"`, model.CodeFormat},
		{model.Field{Type: model.URL}, `"//example.com"`, model.CodeFormat},
		{model.Field{Type: model.URL}, `"https:example.com"`, model.CodeFormat},
		{model.Field{Type: model.URL}, `"https://"`, model.CodeFormat},
		{model.Field{Type: model.URL}, `"https://:80"`, model.CodeFormat},
		{model.Field{Type: model.URL}, `"https://user:pass@example.com"`, model.CodeFormat},
		{model.Field{Type: model.URL}, `"https://exa mple.com"`, model.CodeFormat},
		{model.Field{Type: model.URL}, `" https://example.com"`, model.CodeFormat},
		{model.Field{Type: model.URL}, `"https://example.com/\"onload="`, model.CodeFormat},
		{model.Field{Type: model.URL}, `"https://example.com/` + strings.Repeat("a", 2048) + `"`, model.CodeTooLong},
		{model.Field{Type: model.Username}, `"ann.b-c_1"`, `"ann.b-c_1"`},
		{model.Field{Type: model.Username}, `"änn"`, model.CodeFormat},
		{model.Field{Type: model.Username}, `"an n"`, model.CodeFormat},
		{model.Field{Type: model.Username, Required: true}, `""`, model.CodeRequired},
		{model.Field{Type: model.Enum, Values: []string{"a", "b"}}, `"b"`, `"b"`},
		{model.Field{Type: model.Enum, Values: []string{"a", "b"}}, `"B"`, model.CodeNotInList},
		{model.Field{Type: model.Enum, Values: []string{"a", "b"}}, `0`, model.CodeType},
		{model.Field{Type: model.Password}, `"` + strings.Repeat("a", 1025) + `"`, model.CodeTooLong},
		{model.Field{Type: model.Password}, `12345678`, model.CodeType},
		{model.Field{Type: model.Relation, To: "X"}, `"01890000-0000-7000-8000-00000000000A"`, `"01890000-0000-7000-8000-00000000000a"`},
		{model.Field{Type: model.Relation, To: "X"}, `"{01890000-0000-7000-8000-000000000000}"`, model.CodeFormat},
		{model.Field{Type: model.Relation, To: "X"}, `{"id":"x"}`, model.CodeType},
		{model.Field{Type: model.Relation, To: "X", ID: model.Serial}, `7`, `7`},
		{model.Field{Type: model.Relation, To: "X", ID: model.Serial}, `-7`, model.CodeType},
		{model.Field{Type: model.Relation, To: "X", ID: model.Serial}, `7.0`, model.CodeType},
		{model.Field{Type: model.Relation, To: "X", ID: model.Serial}, `7e0`, model.CodeType},
		{model.Field{Type: model.Relation, To: "X", ID: model.Serial}, `"7"`, model.CodeType},
		{model.Field{Type: model.JSON}, `{ "a" : [1, 2.50, "x"] }`, `{"a":[1,2.50,"x"]}`},
		{model.Field{Type: model.JSON}, `null`, `null`},
		{model.Field{Type: model.JSON}, `"a\u0000"`, model.CodeFormat},
		{model.Field{Type: model.JSON}, `{"a\u0000":1}`, model.CodeFormat},
		{model.Field{Type: model.JSON}, `["\\u0000"]`, `["\\u0000"]`},
		{model.Field{Type: model.JSON}, `[1e301]`, model.CodePrecision},
		{model.Field{Type: model.JSON}, `[1e300]`, model.CodePrecision},
		{model.Field{Type: model.JSON}, `[1e299]`, `[1` + strings.Repeat("0", 299) + `]`},
		{model.Field{Type: model.JSON}, `[-1e-299]`, `[-0.` + strings.Repeat("0", 298) + `1]`},
		{model.Field{Type: model.JSON}, `[` + strings.Repeat("1e250,", 300) + `1]`, model.CodePrecision},
		{model.Field{Type: model.JSON}, `[1` + strings.Repeat("0", 300) + `]`, model.CodePrecision},
		{model.Field{Type: model.JSON}, `{"bb":1,"a":{"y":{},"x":[true,null,[]]},"c":"\n","A":0}`, `{"A":0,"a":{"x":[true,null,[]],"y":{}},"c":"\n","bb":1}`},
		{model.Field{Type: model.Roles}, `["a","b"]`, `["a","b"]`},
		{model.Field{Type: model.Roles}, `[]`, `[]`},
		{model.Field{Type: model.Roles}, `["a","a"]`, model.CodeFormat},
		{model.Field{Type: model.Roles}, `[""]`, model.CodeFormat},
		{model.Field{Type: model.Roles}, `[1]`, model.CodeType},
		{model.Field{Type: model.Roles}, `"a"`, model.CodeType},
		{model.Field{Type: model.Roles}, `{"a":true}`, model.CodeType},
	}
	for _, tt := range tests {
		f := checked(t, tt.field)
		p := address(f)
		before := string(f.AppendJSON(nil, p))
		problem, ok := f.Decode(json.RawMessage(tt.raw), p)
		got := problem.Code
		if ok {
			got = string(f.AppendJSON(nil, p))
			if f.Type == model.Password {
				got = fmt.Sprint(f.Value(p))
			}
		} else if after := string(f.AppendJSON(nil, p)); after != before || problem.Message == "" || problem.Field != "it" {
			t.Errorf("%s %.60s: %+v, and the field is %s", f.Type, tt.raw, problem, after)
		}
		if got != tt.want {
			t.Errorf("%s %.60s: %s (%s), want %s", f.Type, tt.raw, got, problem.Message, tt.want)
		}
	}
}

// address returns a pointer of the kind that the field needs.
func address(f *model.Field) any {
	candidates := []any{
		new(string), new(int64), new(float64), new(bool), new(model.Decimal), new(model.Date), new(time.Time),
		new(*string), new(*int64), new(*float64), new(*bool), new(*model.Decimal), new(*model.Date), new(*time.Time),
		new(json.RawMessage), new([]string),
	}
	i := slices.IndexFunc(candidates, func(p any) bool { return f.CheckPointer(p) == nil })
	return candidates[i]
}

func TestMembers(t *testing.T) {
	members, err := model.Members([]byte(` {"a": 1, "b": {"c": null}} `))
	if err != nil || len(members) != 2 || members[0].Key != "a" || string(members[1].Value) != `{"c": null}` {
		t.Errorf("%v, %v", members, err)
	}
	for _, body := range []string{
		"", "null", "[]", `"a"`, `{"a":1}{"a":1}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}",
		`{"a":01}`, `{"a":NaN}`, `{'a':1}`, `{"a":1,}`, "\ufeff{}", strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100),
	} {
		if _, err := model.Members([]byte(body)); err == nil {
			t.Errorf("%.40q was read", body)
		} else if p, ok := err.(model.Problems); !ok || !p.Only(model.CodeMalformed) { //nolint:errorlint // it is one
			t.Errorf("%.40q: %v", body, err)
		}
	}
}

// TestField_Parse reads values as they stand in a URL.
func TestField_Parse(t *testing.T) {
	for _, tt := range []struct {
		field model.Field
		in    any
		want  any // nil is refused
	}{
		{model.Field{Type: model.Integer}, "5", int64(5)},
		{model.Field{Type: model.Integer}, "+5", nil},
		{model.Field{Type: model.Integer}, "0x5", nil},
		{model.Field{Type: model.Integer}, "", nil},
		{model.Field{Type: model.Integer}, 5, int64(5)},
		{model.Field{Type: model.Float}, "NaN", nil},
		{model.Field{Type: model.Float}, "Infinity", nil},
		{model.Field{Type: model.Float}, "0x1p-2", nil},
		{model.Field{Type: model.Float}, "1_0", nil},
		{model.Field{Type: model.Float}, "1.5", 1.5},
		{model.Field{Type: model.Boolean}, "true", true},
		{model.Field{Type: model.Boolean}, "1", nil},
		{model.Field{Type: model.Boolean}, "TRUE", nil},
		{model.Field{Type: model.DecimalType, Precision: 4, Scale: 2}, "1.5", model.NewDecimal(150, 2)},
		{model.Field{Type: model.DecimalType, Precision: 4, Scale: 2}, 0.1, model.NewDecimal(10, 2)},
		{model.Field{Type: model.DateType}, model.Date{Year: 2026, Month: 2, Day: 30}, nil},
		{model.Field{Type: model.JSON}, "{}", nil},
		{model.Field{Type: model.Text}, 5, nil},
		{model.Field{Type: model.Text}, "\xff", nil},
	} {
		f := checked(t, tt.field)
		got, err := f.Parse(tt.in)
		if (err == nil) != (tt.want != nil) || err == nil && got != tt.want {
			t.Errorf("%s %v: %v, %v; want %v", f.Type, tt.in, got, err, tt.want)
		}
	}
}

func TestField_SetDefault(t *testing.T) {
	at := time.Date(2026, 11, 21, 23, 30, 0, 1500, time.FixedZone("", -3600))
	for _, tt := range []struct {
		field model.Field
		want  string
	}{
		{model.Field{Type: model.Text, Default: "x"}, `"x"`},
		{model.Field{Type: model.Text}, `null`},
		{model.Field{Type: model.Text, Required: true}, `""`},
		{model.Field{Type: model.DecimalType, Precision: 5, Scale: 2, Default: "1.5"}, `1.50`},
		{model.Field{Type: model.Integer, Default: int64(7)}, `7`},
		{model.Field{Type: model.Boolean, Default: false}, `false`},
		{model.Field{Type: model.Float, Default: 1.5}, `1.5`},
		{model.Field{Type: model.DateType, Default: "now"}, `"2026-11-22"`},
		{model.Field{Type: model.DateTime, Default: "now"}, `"2026-11-22T00:30:00.000001Z"`},
		{model.Field{Type: model.DateTime, Default: "2026-01-01T00:00:00Z"}, `"2026-01-01T00:00:00.000000Z"`},
	} {
		f := checked(t, tt.field)
		p := address(f)
		f.SetDefault(p, at)
		if got := string(f.AppendJSON(nil, p)); got != tt.want {
			t.Errorf("%s: %s, want %s", f.Type, got, tt.want)
		}
	}
}

// TestAUZ06_secretIsNull: even code that forgot to ask gets nothing out of it.
func TestAUZ06_secretIsNull(t *testing.T) {
	f := checked(t, model.Field{Type: model.Password, Required: true})
	hash := "the hash"
	if got := string(f.AppendJSON(nil, &hash)); got != "null" {
		t.Error(got)
	}
}

// TestAppendString compares with encoding/json.
func TestAppendString(t *testing.T) {
	for _, s := range []string{"", "plain", "a\"b\\c/", "\x00\x01\x1f\n\r\t\x7f", "é\u2028😀", "\xff a \xc3", "a\xffb\xfe", "<script>&"} {
		out := model.AppendString(nil, s)
		var back string
		if err := json.Unmarshal(out, &back); err != nil {
			t.Errorf("%q: %s: %v", s, out, err)
		}
		if want := strings.ToValidUTF8(strings.ReplaceAll(strings.ReplaceAll(s, "\xff", "\ufffd"), "\xfe", "\ufffd"), "\ufffd"); back != want {
			t.Errorf("%q comes back as %q", s, back)
		}
	}
}

func TestIDs(t *testing.T) {
	at := time.Date(2026, 11, 21, 11, 45, 40, 123456789, time.UTC)
	for _, kind := range []model.IDKind{model.UUID, model.CUID2, model.ULID} {
		seen := make(map[string]bool)
		var list []string
		for i := range 1000 {
			id := kind.New(at.Add(time.Duration(i) * time.Millisecond))
			if back, ok := kind.Parse(id); !ok || back != id {
				t.Fatalf("%s %q is read as %q, %t", kind, id, back, ok)
			}
			if seen[id] {
				t.Fatalf("%s %q came twice", kind, id)
			}
			seen[id] = true
			list = append(list, id)
		}
		if kind != model.CUID2 && !slices.IsSorted(list) {
			t.Errorf("%s does not sort by time", kind)
		}
	}
	if id := model.UUID.New(at); id[14] != '7' || !strings.ContainsRune("89ab", rune(id[19])) {
		t.Errorf("%s is no version 7 (RFC 9562 §5.7)", id)
	}
	if got, want := model.UUID.New(at)[:13], fmt.Sprintf("%012x", at.UnixMilli()); strings.ReplaceAll(got, "-", "") != want {
		t.Errorf("time %s, want %s", got, want)
	}
	for _, tt := range []struct {
		kind model.IDKind
		in   string
	}{
		{model.UUID, ""},
		{model.UUID, "01890000000070008000000000000000"},
		{model.UUID, "01890000-0000-7000-8000-00000000000g"},
		{model.UUID, "01890000-0000-7000-8000-0000000000000"},
		{model.CUID2, ""},
		{model.CUID2, "1abcdefghijklmnopqrstuvw"},
		{model.CUID2, "ABCDEFGHIJKLMNOPQRSTUVWX"},
		{model.CUID2, "a%"},
		{model.ULID, "01ARZ3NDEKTSV4RRFFQ69G5FAI"},
		{model.ULID, "81ARZ3NDEKTSV4RRFFQ69G5FAV"},
		{model.Serial, ""},
		{model.Serial, "0"},
		{model.Serial, "-1"},
		{model.Serial, "01"},
		{model.Serial, "1.0"},
		{model.Serial, "9223372036854775808"},
	} {
		if got, ok := tt.kind.Parse(tt.in); ok {
			t.Errorf("%s %q is read as %q", tt.kind, tt.in, got)
		}
	}
}

func TestFieldSet(t *testing.T) {
	a := model.Fields(0, 63, 64, 255)
	b := model.Fields(63, 100)
	if diff := cmp.Diff([]model.FieldID{0, 63, 64, 255}, slices.Collect(a.All())); diff != "" {
		t.Error(diff)
	}
	for name, tt := range map[string]struct{ got, want model.FieldSet }{
		"union":     {a.Union(b), model.Fields(0, 63, 64, 100, 255)},
		"intersect": {a.Intersect(b), model.Fields(63)},
		"without":   {a.Without(b), model.Fields(0, 64, 255)},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %v", name, slices.Collect(tt.got.All()))
		}
	}
	if a.Len() != 4 || a.Empty() || !a.Contains(model.Fields(255)) || a.Contains(b) || a.Has(1) || a.Has(model.NoField) || a.Has(256) {
		t.Error("wrong facts about", slices.Collect(a.All()))
	}
	c := a
	c.Remove(0)
	if !a.Has(0) || c.Has(0) {
		t.Error("sets share their memory")
	}
}

func FuzzField_Decode(f *testing.F) {
	e := &model.Entity{Name: "Thing", Path: "things", Table: "things", Fields: []model.Field{
		{Name: "id", Column: "id", Type: model.ID, Required: true},
		{Name: "text", Column: "a", Type: model.Text},
		{Name: "json", Column: "b", Type: model.JSON},
		{Name: "int", Column: "c", Type: model.Integer},
		{Name: "dec", Column: "d", Type: model.DecimalType, Precision: 18, Scale: 6},
		{Name: "time", Column: "e", Type: model.DateTime},
		{Name: "roles", Column: "f", Type: model.Roles},
		{Name: "float", Column: "g", Type: model.Float},
	}}
	if err := e.Check(); err != nil {
		f.Fatal(err)
	}
	f.Add(`{"text":"a","json":{"x":[1]},"int":1,"dec":1.5,"time":"2026-11-21T11:45:40Z","roles":["a"],"float":1e5}`)
	f.Fuzz(func(t *testing.T, body string) {
		members, err := model.Members([]byte(body))
		if err != nil {
			return
		}
		for _, m := range members {
			id, ok := e.Field(m.Key)
			if !ok {
				continue
			}
			field := &e.Fields[id]
			p := address(field)
			if _, ok := field.Decode(m.Value, p); !ok {
				continue
			}
			out := field.AppendJSON(nil, p)
			again := address(field)
			if problem, ok := field.Decode(out, again); !ok || string(field.AppendJSON(nil, again)) != string(out) {
				t.Errorf("%s became %s, which is refused (%s) or another", m.Value, out, problem.Message)
			}
		}
	})
}

// TestSerial_oneSpelling: an identifier that the database has counted is written
// in one way.
func TestSerial_oneSpelling(t *testing.T) {
	f := model.Field{Type: model.ID, ID: model.Serial}
	if id, err := f.Parse("7"); err != nil || id != int64(7) {
		t.Errorf("Parse = %v, %v", id, err)
	}
	for _, text := range []string{"07", "+7", "7.0", "7e0", "7E0", " 7", "70e-1", "-0", "0", "", "٧"} {
		if id, err := f.Parse(text); err == nil {
			t.Errorf("Parse(%q) = %v", text, id)
		}
		if id, err := f.Parse(json.Number(text)); err == nil {
			t.Errorf("Parse(%s) = %v", text, id)
		}
	}
}

// TestField_quoted: numbers that are strings keep all of their digits both ways, and
// are read from numbers, too.
func TestField_quoted(t *testing.T) {
	price := model.Field{Type: model.DecimalType, Precision: 18, Scale: 2, Max: "9999999999999999.99", Quoted: true}
	count := model.Field{Type: model.Integer, Quoted: true}
	for _, tt := range []struct {
		field model.Field
		raw   string
		want  string // the JSON it becomes, or the code of the problem
	}{
		{price, `"9007199254740993.10"`, `"9007199254740993.10"`},
		{price, `"7.5"`, `"7.50"`},
		{price, `7.5`, `"7.50"`},
		{price, `"-0.00"`, `"0.00"`},
		{price, `null`, `null`},
		{price, `"7.505"`, model.CodePrecision},
		{price, `""`, model.CodeType},
		{price, `" 7"`, model.CodeType},
		{price, `"7 "`, model.CodeType},
		{price, `"+7"`, model.CodeType},
		{price, `"0x7"`, model.CodeType},
		{price, `"1_000"`, model.CodeType},
		{price, `"1,5"`, model.CodeType},
		{price, `"NaN"`, model.CodeType},
		{price, `"null"`, model.CodeType},
		{price, `["7"]`, model.CodeType},
		{count, `"9223372036854775807"`, `"9223372036854775807"`},
		{count, `9223372036854775807`, `"9223372036854775807"`},
		{count, `"9223372036854775808"`, model.CodeTooLarge},
		{count, `"1.5"`, model.CodeType},
		{count, `"01"`, model.CodeType},
		{count, `true`, model.CodeType},
	} {
		for _, required := range []bool{true, false} {
			if required && tt.raw == "null" {
				continue
			}
			f := checked(t, tt.field)
			f.Required = required
			p := address(f)
			problem, ok := f.Decode(json.RawMessage(tt.raw), p)
			got := problem.Code
			if ok {
				got = string(f.AppendJSON(nil, p))
			}
			if got != tt.want {
				t.Errorf("%s, required %t: %s %+v, want %s", tt.raw, required, got, problem, tt.want)
			}
		}
	}
	for _, f := range []model.Field{{Type: model.Text, Quoted: true}, {Type: model.Float, Quoted: true}} {
		if err := entity(f).Check(); err == nil || !strings.Contains(err.Error(), "quoted") {
			t.Errorf("%s: %v", f.Type, err)
		}
	}
}

// TestCheckAlone: what a field says of its values holds where no entity has it, too.
func TestCheckAlone(t *testing.T) {
	for _, tt := range []struct {
		field     model.Field
		good, bad any
	}{
		{model.Field{Name: "a", Type: model.Text, Pattern: "[A-Z]{3}"}, "ABC", "x; rm -rf /"},
		{model.Field{Name: "a", Type: model.Text, MinLength: 2, MaxLength: 3}, "abc", "abcd"},
		{model.Field{Name: "a", Type: model.Integer, Min: "1", Max: "3"}, "3", "4"},
		{model.Field{Name: "a", Type: model.DecimalType, Precision: 4, Scale: 2, Min: "0"}, "1.25", "-1"},
		{model.Field{Name: "a", Type: model.Enum, Values: []string{"b"}}, "b", "c"},
	} {
		f := tt.field
		if err := f.CheckAlone(); err != nil || f.Column != "" || f.Required {
			t.Fatalf("%v, column %q", err, f.Column)
		}
		if _, err := f.Parse(tt.good); err != nil {
			t.Errorf("%v: %v", tt.good, err)
		}
		if _, err := f.Parse(tt.bad); err == nil {
			t.Errorf("%s takes %v", f.Type, tt.bad)
		}
	}
}
