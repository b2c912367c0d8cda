package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/internal/strictjson"
)

// TestOPS03_refused holds everything that another reader might understand
// differently.
func TestOPS03_refused(t *testing.T) {
	for _, tt := range []struct {
		name, doc string
		offset    int
		message   string
	}{
		{"empty", "", 0, "unexpected end, a value expected"},
		{"blank", " \n", 2, "unexpected end, a value expected"},
		{"no value", "x", 0, "unexpected 'x', a value expected"},
		{"duplicate", `{"a":1,"a":2}`, 7, `member "a" is there twice`},
		{"duplicate by escape", `{"a":1,"\u0061":2}`, 7, `member "a" is there twice`},
		{"duplicate by case", `{"Role":1,"role":2}`, 10, `member "role" is there twice`},
		{"duplicate by Kelvin", `{"k":1,"` + "\u212a" + `":2}`, 7, "member \"\u212a\" is there twice"},
		{"duplicate by long s", `{"s":1,"ſ":2}`, 7, `member "ſ" is there twice`},
		{"duplicate inside", `[{"x":{"a":1,"a":2}}]`, 13, `member "a" is there twice`},
		{"after", `{} {}`, 3, "something after the value"},
		{"after, NUL", "1\x00", 1, "something after the value"},
		{"comma in object", `{"a":1,}`, 7, "unexpected '}', a name in quotes expected"},
		{"comma in array", `[1,]`, 3, "unexpected ']', a value expected"},
		{"comma first", `[,1]`, 1, "unexpected ',', a value expected"},
		{"no comma", `[1 2]`, 3, "unexpected '2', ',' or ']' expected"},
		{"no comma in object", `{"a":1 "b":2}`, 7, "unexpected '\"', ',' or '}' expected"},
		{"no colon", `{"a" 1}`, 5, "unexpected '1', ':' expected"},
		{"no quotes", `{a:1}`, 1, "unexpected 'a', a name in quotes expected"},
		{"single quotes", `{'a':1}`, 1, `unexpected '\'', a name in quotes expected`},
		{"comment", `{/**/}`, 1, "unexpected '/', a name in quotes expected"},
		{"array does not end", `[1`, 2, "unexpected end, ',' or ']' expected"},
		{"array does not begin to end", `[`, 1, "unexpected end, a value expected"},
		{"object does not end", `{"a":1`, 6, "unexpected end, ',' or '}' expected"},
		{"string does not end", `["abc`, 1, "a string that does not end"},
		{"not UTF-8", "\"a\xffb\"", 2, "not UTF-8"},
		{"overlong", "\"\xc0\xaf\"", 1, "not UTF-8"},
		{"surrogate in UTF-8", "\"\xed\xa0\x80\"", 1, "not UTF-8"},
		{"not UTF-8 in a name", "{\"\xff\":1}", 2, "not UTF-8"},
		{"byte order mark", "\ufeff{}", 0, "unexpected 'ï', a value expected"},
		{"control character", "\"a\nb\"", 2, "a control character in a string"},
		{"NUL in a string", "\"\x00\"", 1, "a control character in a string"},
		{"unknown escape", `"\x41"`, 1, "an escape that is none"},
		{"short escape", `"\u12"`, 1, "an escape that is none"},
		{"escape at the end", `"\`, 1, "unexpected '\\\\', an escape expected"},
		{"lone high surrogate", `"\ud800"`, 1, "half of a surrogate pair"},
		{"lone low surrogate", `"\udc00"`, 1, "half of a surrogate pair"},
		{"high twice", `"\ud800\ud800"`, 1, "half of a surrogate pair"},
		{"surrogates swapped", `"\udc00\ud800"`, 1, "half of a surrogate pair"},
		{"leading zero", `01`, 1, "something after the value"},
		{"plus", `+1`, 0, "unexpected '+', a value expected"},
		{"minus only", `-`, 1, "unexpected end, a digit expected"},
		{"minus, zero, digit", `-01`, 2, "something after the value"},
		{"no fraction", `1.`, 2, "unexpected end, a digit expected"},
		{"no integer", `.5`, 0, "unexpected '.', a value expected"},
		{"no exponent", `1e+`, 3, "unexpected end, a digit expected"},
		{"NaN", `NaN`, 0, "unexpected 'N', a value expected"},
		{"Infinity", `-Infinity`, 1, "unexpected 'I', a digit expected"},
		{"hex", `0x1`, 1, "something after the value"},
		{"literal cut", `tru`, 0, "unexpected 't', true expected"},
		{"literal longer", `nulls`, 4, "something after the value"},
		{"too deep", strings.Repeat("[", 33) + strings.Repeat("]", 33), 32, "nested too deeply"},
		{"too deep in objects", strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), 160, "nested too deeply"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := strictjson.Decode([]byte(tt.doc), strictjson.MaxDepth)
			want := &strictjson.Error{Offset: tt.offset, Message: tt.message}
			got, _ := errors.AsType[*strictjson.Error](err)
			if diff := cmp.Diff(want, got); diff != "" || v != nil {
				t.Errorf("%v, error (-want +got):\n%s", v, diff)
			}
			wrapped := `{"v":` + tt.doc + `}`
			if members, err := strictjson.Members([]byte(wrapped)); err == nil && json.Valid([]byte(wrapped)) {
				t.Errorf("Members takes it: %v", members)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	doc := ` {"a":[1,-0.50e+3,"x\"\\\/\b\f\n\r\tA\u00e9\ud83d\ude00é😀",true,false,null,{},[]],"":{"n":123456789012345678901234567890}} `
	want := map[string]any{
		"a": []any{json.Number("1"), json.Number("-0.50e+3"), "x\"\\/\b\f\n\r\tAé😀é😀", true, false, nil, map[string]any{}, []any{}},
		"":  map[string]any{"n": json.Number("123456789012345678901234567890")},
	}
	got, err := strictjson.Decode([]byte(doc), 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	deep := strings.Repeat("[", 32) + strings.Repeat("]", 32)
	if _, err := strictjson.Decode([]byte("["+deep[1:len(deep)-1]+"]"), 32); err != nil {
		t.Errorf("32 levels: %v", err)
	}
	if _, err := strictjson.Decode([]byte("[[],[],[]]"), 2); err != nil {
		t.Errorf("levels of neighbours add up: %v", err)
	}
}

func TestMembers(t *testing.T) {
	got, err := strictjson.Members([]byte(` { "b" : 1.50 , "\u0061":{"x":[1, 2]},"c":"s" } `))
	if err != nil {
		t.Fatal(err)
	}
	want := strictjson.Object{
		{Key: "b", Value: json.RawMessage("1.50")},
		{Key: "a", Value: json.RawMessage(`{"x":[1, 2]}`)},
		{Key: "c", Value: json.RawMessage(`"s"`)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if cap(got[0].Value) != len(got[0].Value) {
		t.Error("appending to a value would write into the document")
	}
	if empty, err := strictjson.Members([]byte("{}")); err != nil || empty == nil || len(empty) != 0 {
		t.Errorf("an empty object: %v %v", empty, err)
	}
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%d":0`, i)
		}
		return "{" + strings.TrimPrefix(b.String(), ",") + "}"
	}
	if got, err := strictjson.Members([]byte(many(strictjson.MaxMembers))); err != nil || len(got) != strictjson.MaxMembers {
		t.Errorf("%d members: %v", len(got), err)
	}
	if _, err := strictjson.Decode([]byte(many(10_000)), 1); err != nil {
		t.Error(err)
	}
	for _, doc := range []string{many(10_001), "[" + many(10_001) + "]"} {
		if _, err := strictjson.Decode([]byte(doc), 2); err == nil || !strings.Contains(err.Error(), "more than 10000 members") {
			t.Errorf("10,001 members: %v", err)
		}
	}
	for _, doc := range []string{"null", "[]", `"a"`, "1", "", many(strictjson.MaxMembers + 1)} {
		if members, err := strictjson.Members([]byte(doc)); err == nil || members != nil {
			t.Errorf("%q: %v %v", doc, members, err)
		}
	}
}

func TestUnquote(t *testing.T) {
	if got, err := strictjson.Unquote(json.RawMessage(`"a\u00e9"`)); err != nil || got != "aé" {
		t.Errorf("%q %v", got, err)
	}
	for _, raw := range []string{"", "1", `"a`, `"a" `, `"a""b"`, `null`, `"\ud800"`} {
		if got, err := strictjson.Unquote(json.RawMessage(raw)); err == nil || got != "" {
			t.Errorf("%s: %q %v", raw, got, err)
		}
	}
}

// TestManyMembers has more members than are compared one by one, and a
// duplicate in the far end.
func TestManyMembers(t *testing.T) {
	var b strings.Builder
	b.WriteByte('{')
	for i := range 999 {
		fmt.Fprintf(&b, `"Member%d":%d,`, i, i)
	}
	members, err := strictjson.Members([]byte(b.String() + `"last":1}`))
	if err != nil || len(members) != 1000 {
		t.Errorf("%d members, %v", len(members), err)
	}
	for _, again := range []string{"Member3", "mEMBER3", "member998", "ME\u004dber500"} {
		if _, err := strictjson.Members([]byte(b.String() + `"` + again + `":1}`)); err == nil {
			t.Errorf("%s is taken a second time", again)
		}
	}
}

// TestOPS03_costs sends documents made to be slow.
func TestOPS03_costs(t *testing.T) {
	var many strings.Builder
	many.WriteByte('{')
	for i := range 50_000 {
		fmt.Fprintf(&many, `"k%d":0,`, i)
	}
	for name, doc := range map[string]string{
		"30,000 arrays":  strings.Repeat("[", 30_000),
		"30,000 objects": strings.Repeat(`{"a":`, 30_000),
		"50,000 members": many.String(),
	} {
		least := time.Hour
		for range 5 { // other programs run, too
			start := time.Now()
			if _, err := strictjson.Decode([]byte(doc), 32); err == nil {
				t.Errorf("%s: accepted", name)
			}
			least = min(least, time.Since(start))
		}
		if least > time.Second {
			t.Errorf("%s: %v", name, least)
		}
	}
}

var seeds = []string{
	`{}`, `[]`, `null`, `"a"`, `-1.5e+10`, `{"a":1,"A":2}`, `{"a":{"b":[1,2,{"c":null}]}}`, `"\ud83d\ude00"`, `"\ud800"`,
	"\"\xff\"", `[1,]`, `{"a":1}x`, `{"s":1,"ſ":2}`, `01`, "\ufeff1", `"\u0000"`, `{"a":"\\\"`, `[[[[]]]]`,
}

// FuzzDecode compares with encoding/json: what is accepted here is accepted
// there and means the same; what is refused here though valid there is refused
// for one of the reasons that make this package.
func FuzzDecode(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := strictjson.Decode(data, 32)
		var want any
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		theirs := dec.Decode(&want)
		if theirs == nil && !json.Valid(data) {
			theirs = errors.New("something after the value")
		}
		if err == nil {
			if theirs != nil {
				t.Fatalf("accepted, encoding/json says %v", theirs)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
		}
		if err != nil {
			if got != nil {
				t.Fatalf("an error, and %v as well", got)
			}
			e, ok := errors.AsType[*strictjson.Error](err)
			if !ok || e.Offset < 0 || e.Offset > len(data) {
				t.Fatalf("error %#v for %d bytes", err, len(data))
			}
			if theirs == nil && !strings.Contains(e.Message, "twice") && !strings.Contains(e.Message, "UTF-8") &&
				!strings.Contains(e.Message, "surrogate") && !strings.Contains(e.Message, "deeply") {
				t.Fatalf("encoding/json takes it: %v", err)
			}
		}
		checkMembers(t, data, got, err)
	})
}

// checkMembers checks that Members says what Decode says.
func checkMembers(t *testing.T, data []byte, decoded any, decodeErr error) {
	t.Helper()
	members, err := strictjson.Members(data)
	want, isObject := decoded.(map[string]any)
	if (err == nil) != (decodeErr == nil && isObject) {
		t.Fatalf("Members: %v, Decode: %v", err, decodeErr)
	}
	if err != nil {
		return
	}
	got := make(map[string]any)
	for _, m := range members {
		v, err := strictjson.Decode(m.Value, 0)
		if err != nil {
			t.Fatal(err)
		}
		got[m.Key] = v
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

var document = []byte(`{"name":"Margherita","price":"9.50","description":"tomato, mozzarella, basil","image":"https://example.com/m.png",` +
	`"addedById":"0190d3a2-7b5e-7c11-9a43-3e1f0d5a7b11","tags":["a","b"],"available":true,"rank":12}`)

func BenchmarkMembers(b *testing.B) {
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := strictjson.Members(document); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := strictjson.Decode(document, 0); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncodingJSON is what one would use instead.
func BenchmarkEncodingJSON(b *testing.B) {
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		var v map[string]json.RawMessage
		if err := json.Unmarshal(document, &v); err != nil {
			b.Fatal(err)
		}
	}
}
