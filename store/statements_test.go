package store_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/store"
)

func TestSplit(t *testing.T) {
	both := []store.Dialect{store.SQLite, store.Postgres}
	for _, tt := range []struct {
		name     string
		dialects []store.Dialect
		script   string
		want     []string
	}{
		{"nothing", both, " \n\t; ;-- a; comment\n/* b; */", nil},
		{"plain", both, "a 1; b 2 ;c", []string{"a 1", "b 2 ", "c"}},
		{"byte order mark", both, "\ufeffa;", []string{"a"}},
		{"quotes", both, `a ';''' "x;""y"; b`, []string{`a ';''' "x;""y"`, "b"}},
		{"backslash is a letter", both, `a '\'; b`, []string{`a '\'`, "b"}},
		{"comments inside", both, "a --;'\n1; b /* ;' */ 2", []string{"a --;'\n1", "b /* ;' */ 2"}},
		{"comment first", both, "-- x\na; /* y */ b", []string{"a", "b"}},
		{"rule in parentheses", both, "a (b; c); d", []string{"a (b; c)", "d"}},
		{"words that look like blocks", both, "BEGIN; a CASE b END; end", []string{"BEGIN", "a CASE b END", "end"}},
		{
			"trigger",
			both,
			"CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET c = CASE WHEN 1 THEN 2 END; DELETE FROM d; END; x",
			[]string{"CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET c = CASE WHEN 1 THEN 2 END; DELETE FROM d; END", "x"},
		},
		{"brackets and backticks", []store.Dialect{store.SQLite}, "a [x;'] `;`; b", []string{"a [x;'] `;`", "b"}},
		{"comments do not nest", []store.Dialect{store.SQLite}, "/* /* */ a; b", []string{"a", "b"}},
		{"dollar is a parameter", []store.Dialect{store.SQLite}, "a $1; b $1", []string{"a $1", "b $1"}},
		{"comments nest", []store.Dialect{store.Postgres}, "/* /* ; */ ; */ a; b", []string{"a", "b"}},
		{"escapes", []store.Dialect{store.Postgres}, `a E'\';'; b`, []string{`a E'\';'`, "b"}},
		{"dollar quotes", []store.Dialect{store.Postgres}, "a $$;'$$; b $x$ ; $$ $x$ ;c $1;d", []string{"a $$;'$$", "b $x$ ; $$ $x$ ", "c $1", "d"}},
		{"dollar in a name", []store.Dialect{store.Postgres}, "a b$c$; d$c$", []string{"a b$c$", "d$c$"}},
		{
			"SQL function",
			[]store.Dialect{store.Postgres},
			"CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END; x",
			[]string{"CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END", "x"},
		},
	} {
		for _, d := range tt.dialects {
			t.Run(tt.name+"/"+d.String(), func(t *testing.T) {
				got, _, err := store.Split(d, tt.script)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestSplit_unterminated(t *testing.T) {
	for _, script := range []string{"a;\n'b", `a;` + "\n" + `"b;`, "a;\n/* b;"} {
		_, _, err := store.Split(store.SQLite, script)
		if err == nil || !strings.HasPrefix(err.Error(), "line 2: unterminated ") {
			t.Errorf("%q: err = %v, want it to name line 2", script, err)
		}
	}
	for _, script := range []string{"$$ a", "$x$ a $$", "/* /* */", `E'\'`} {
		if _, _, err := store.Split(store.Postgres, script); err == nil {
			t.Errorf("%q: no error", script)
		}
	}
	for _, script := range []string{"[a", "`a"} {
		if _, _, err := store.Split(store.SQLite, script); err == nil {
			t.Errorf("%q: no error", script)
		}
	}
}

func TestSplit_lines(t *testing.T) {
	_, got, err := store.Split(store.Postgres, "\n-- x\na\n;\n\n b $$\n\n$$; /*\n*/ c")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{3, 6, 9}, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// FuzzSplit: the pieces are in the script, in order, and nothing but blanks,
// comments and semicolons lies between them.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{
		"a; b", "'\"`[", "/* /* */", "$x$ ; $x$;", "E'\\';", "CREATE TRIGGER BEGIN ; END ; x", "((;))));", "\ufeff;", "--", "$1$;",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, script string, sqlite bool) {
		d := store.Postgres
		if sqlite {
			d = store.SQLite
		}
		texts, lines, err := store.Split(d, script)
		if err != nil {
			return
		}
		rest := script
		for i, text := range texts {
			at := strings.Index(rest, text)
			if at < 0 {
				t.Fatalf("%q is not in the rest of the script %q", text, rest)
			}
			again, _, err := store.Split(d, text)
			if err != nil || len(again) != 1 || again[0] != text {
				t.Errorf("%q is cut again: %q, %v", text, again, err)
			}
			if i > 0 && lines[i] < lines[i-1] {
				t.Errorf("lines go back: %v", lines)
			}
			rest = rest[at+len(text):]
		}
	})
}
