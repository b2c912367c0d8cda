package design_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/gatewright/gate/design"
)

// edits are the changes that testdata/edit/*.txtar describes by name.
func edits() map[string]func([]byte) ([]byte, error) {
	return map[string]func([]byte) ([]byte, error){
		"set-core": func(src []byte) ([]byte, error) {
			return design.SetPlugin(src, "auth-core", design.Setting{Key: "entity", Value: "User"})
		},
		"set-jwt": func(src []byte) ([]byte, error) {
			return design.SetPlugin(src, "auth-jwt",
				design.Setting{Key: "algorithm", Value: "ES256"}, design.Setting{Key: "expiresIn", Value: "15m"},
				design.Setting{Key: "audience", Value: []string{"a", "b c"}})
		},
		"set-core-account": func(src []byte) ([]byte, error) {
			return design.SetPlugin(src, "auth-core", design.Setting{Key: "entity", Value: "Account"})
		},
		"set-jwt-nothing": func(src []byte) ([]byte, error) { return design.SetPlugin(src, "auth-jwt") },
		"remove-jwt":      func(src []byte) ([]byte, error) { return design.RemovePlugin(src, "auth-jwt") },
		"remove-core":     func(src []byte) ([]byte, error) { return design.RemovePlugin(src, "auth-core") },
		"disable-jwt":     func(src []byte) ([]byte, error) { return design.EnablePlugin(src, "auth-jwt", false) },
		"enable-jwt":      func(src []byte) ([]byte, error) { return design.EnablePlugin(src, "auth-jwt", true) },
	}
}

// TestEdits changes the file "in" of every archive, and wants the file that has
// the name of the edit. With CRLF line endings the same has to come out.
func TestEdits(t *testing.T) {
	archives, err := filepath.Glob("testdata/edit/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	all := edits()
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		in := archive.Files[0].Data
		for i := range archive.Files[1:] {
			file := &archive.Files[i+1]
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar")+"/"+file.Name, func(t *testing.T) {
				edit := all[file.Name]
				if edit == nil {
					t.Fatal("no such edit")
				}
				got, err := edit(in)
				if err != nil {
					got = []byte("error: " + err.Error() + "\n")
				}
				if *update {
					file.Data = got
					return
				}
				if diff := cmp.Diff(string(file.Data), string(got)); diff != "" {
					t.Errorf("edited (-want +got):\n%s", diff)
				}
				if err != nil {
					return
				}
				crlf := strings.ReplaceAll(string(in), "\n", "\r\n")
				if got, err = edit([]byte(crlf)); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(strings.ReplaceAll(string(file.Data), "\n", "\r\n"), string(got)); diff != "" {
					t.Errorf("edited with CRLF (-want +got):\n%s", diff)
				}
			})
		}
		if *update {
			writeFile(t, path, txtar.Format(archive))
		}
	}
}

// TestEdits_offAndOn wants the bytes back after a plugin was turned off and on.
func TestEdits_offAndOn(t *testing.T) {
	paths, err := filepath.Glob("testdata/edit/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		in := archive.Files[0].Data
		off, err := design.EnablePlugin(in, "auth-jwt", false)
		if err != nil || strings.Contains(string(in), "enabled:") {
			continue
		}
		on, err := design.EnablePlugin(off, "auth-jwt", true)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if diff := cmp.Diff(string(in), string(on)); diff != "" && !strings.Contains(path, "empty-settings") {
			t.Errorf("%s (-before +after):\n%s", path, diff)
		}
		if d, err := design.EnablePlugin(off, "auth-jwt", false); err != nil || string(d) != string(off) {
			t.Errorf("%s: off twice is not off: %v", path, err)
		}
	}
}

// TestGEN02_settings wants every text back that was set, whatever it holds.
func TestGEN02_settings(t *testing.T) {
	for _, text := range []string{
		"", " ", "a b", "a: b", "a #b", "#", "- a", "[a", "{a: b}", "it's", `say "hi"`, "\\", "*x", "&x", "!x", "%x", "@x", "`x",
		"true", "Null", "~", "yes", "1", "1.5", "0x1", "1e3", "15m", ".nan", "-", "?", "|", ">", "a\nb", "a\r\nb", "\ttab", "\x00", "\x7f",
		"\u2028", "\u202e", "\ufeff", "äöü 世界 😀", "=", "<<", "a,b", "}", "]", "2025-01-02", "\U0010ffff",
	} {
		src, err := design.SetPlugin([]byte(header), "auth-jwt", design.Setting{Key: "issuer", Value: text}, design.Setting{Key: "audience", Value: []string{text, "x"}})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		p := parse(t, string(src)).Plugin("auth-jwt")
		if got := p.Setting("issuer").Value; got != text {
			t.Errorf("got %q, want %q; file:\n%s", got, text, src)
		}
		if got := p.Setting("audience").Children[0].Value; got != text {
			t.Errorf("in a list: got %q, want %q; file:\n%s", got, text, src)
		}
	}
}

func TestSetPlugin_refusals(t *testing.T) {
	src := []byte(header)
	for _, tt := range []struct{ name, plugin, key string }{
		{"plugin name", "x: {}\nroles", "a"},
		{"plugin name in capitals", "Auth", "a"},
		{"setting name", "auth-jwt", "a: b, c"},
		{"empty setting name", "auth-jwt", ""},
	} {
		if got, err := design.SetPlugin(src, tt.plugin, design.Setting{Key: tt.key, Value: "x"}); err == nil {
			t.Errorf("%s: got\n%s", tt.name, got)
		}
	}
	if _, err := design.SetPlugin(src, "auth-jwt", design.Setting{Key: "a", Value: struct{}{}}); err == nil {
		t.Error("a struct was written")
	}
	if got, err := design.SetPlugin([]byte(header+"plugins: {authjwt: {}}\n"), "auth-jwt"); err == nil || !strings.Contains(err.Error(), "too close to \"authjwt\" on line") {
		t.Errorf("beside a name that is too close: got %s, %v", got, err)
	}
	if _, err := design.SetPlugin([]byte("gate: [\n"), "auth-jwt"); err == nil {
		t.Error("a file that is no YAML was edited")
	} else if _, ok := errors.AsType[*design.Errors](err); !ok {
		t.Errorf("got %T, want the places of what is wrong", err)
	}
	for name, err := range map[string]error{
		"remove": second(design.RemovePlugin([]byte(header+"plugins: {auth-jwt: {}}\n"), "auth-jtw")),
		"enable": second(design.EnablePlugin([]byte(header+"plugins: {auth-jwt: {}}\n"), "auth-jtw", true)),
	} {
		if err == nil || err.Error() != `no plugin "auth-jtw" in the design, did you mean "auth-jwt"?` {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestSetPlugin_noFinalNewline adds to a file whose last line does not end.
func TestSetPlugin_noFinalNewline(t *testing.T) {
	for in, want := range map[string]string{
		header + "# end":                         header + "# end\n\nplugins:\n  auth-jwt: {}\n",
		strings.TrimSuffix(header, "\n"):         header + "\nplugins:\n  auth-jwt: {}\n",
		header + "plugins:":                      header + "plugins:\n  auth-jwt: {}",
		header + "plugins:\n  other:":            header + "plugins:\n  other:\n  auth-jwt: {}",
		header + "plugins:\n  other: {a: 1} # x": header + "plugins:\n  other: {a: 1} # x\n  auth-jwt: {}",
	} {
		got, err := design.SetPlugin([]byte(in), "auth-jwt")
		if err != nil || string(got) != want {
			t.Errorf("%q: got %q, %v; want %q", in, got, err, want)
		}
	}
}

func second(_ []byte, err error) error { return err }

// FuzzEdit wants an edit to fail or to do what it says, and to keep the rest.
func FuzzEdit(f *testing.F) {
	f.Add([]byte(header + "plugins:\n  auth-jwt: {a: 1} # x\n"))
	f.Add([]byte(header + "plugins: {auth-jwt: {a: 'it''s', b: [}]}}\r\n"))
	f.Add([]byte("{gate: 1, plugins: {\"auth-jwt\": }}"))
	f.Add([]byte(header + "plugins:\n  authjwt: {a}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		before, beforeErr := design.Parse("gate.yaml", src)
		for name, edit := range edits() {
			out, err := edit(src)
			if (err == nil) != (out != nil) && len(src) > 0 {
				t.Fatalf("%s: %q and %v", name, out, err)
			}
			if err != nil || beforeErr != nil {
				continue
			}
			after, err := design.Parse("gate.yaml", out)
			if err != nil && !strings.Contains(err.Error(), "insecureOpen") {
				t.Fatalf("%s broke the design: %v\n%s", name, err, out)
			}
			if err == nil && (len(after.Entities) != len(before.Entities) || len(after.Roles) != len(before.Roles) || after.Service.Name != before.Service.Name) {
				t.Fatalf("%s changed the rest:\n%s", name, out)
			}
		}
	})
}
