package gen_test

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/permissions"
	"github.com/gatewright/gate/gen/standard"
	"github.com/gatewright/gate/gen/testdata/feedback"
)

func withFeedback(settings string) string {
	return "gate: 1\nservice: {name: shop, module: example.com/shop}\nroles: {clerk: {}}\nplugins:\n  auth-core: {entity: User}\n  auth-jwt: {}\n  feedback: " + settings + `
entities:
  User:
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    allow: {view: owner}
    owner: id
`
}

func extended() []gen.Plugin { return append(standard.Plugins(), feedback.Plugin()) }

// TestGuide holds the guide to the code that is tested here.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("../docs/guides/plugins.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```(?:go|sql)\n(.*?)```").FindAllSubmatch(guide, -1)
	names := []string{"feedback.go", "templates/feedback.go.tmpl", "migrations/sqlite/0001_days.sql", "migrations/sqlite/0001_days.down.sql"}
	for i, name := range names {
		want, err := os.ReadFile(filepath.Join("testdata", "feedback", name))
		if err != nil {
			t.Fatal(err)
		}
		if len(blocks) != len(names) || string(blocks[i][1]) != string(want) {
			t.Errorf("%s in the guide is another one", name)
		}
	}
}

// TestExtended sees that what a plugin adds is what the user's own would be: in who
// may do what, in migrations and in the API; and gone with the plugin.
func TestExtended(t *testing.T) {
	d := parse(t, withFeedback("{readers: clerk, maxLength: 200}"))
	full, err := gen.Extend(d, extended()...)
	if err != nil {
		t.Fatal(err)
	}
	m, err := permissions.Of(full)
	if err != nil {
		t.Fatal(err)
	}
	if m.Entity("Feedback") == nil || full.Entity("User").Field("mayBeAsked") == nil {
		t.Fatal("nothing was added")
	}
	for name, from := range map[string]*design.Design{"the file": d, "what was extended": full} {
		files, err := gen.Generate(from, gen.Options{Replace: "/gate"}, extended()...)
		if err != nil {
			t.Fatalf("from %s: %v", name, err)
		}
		for path, want := range map[string]string{
			"migrations/sqlite/0001_init.sql": `CREATE TABLE "feedback_entries"`, "app/openapi_gen.json": `"/api/feedback-entries"`,
			"app/permissions_gen.json": `"name":"Feedback"`, ".env.example": "FEEDBACK_CLOSED=", "app/user_gen.go": "MayBeAsked",
			"gate.lock": `"feedback": {"version":"v0.1.0"`, "gate.schema.json": `"readers"`,
		} {
			if data, _ := files.Get(path); !strings.Contains(string(data), want) {
				t.Errorf("from %s: %s lacks %s", name, path, want)
			}
		}
		if lock, _ := files.Get("gate.lock"); strings.Contains(string(lock), "mayBeAsked") {
			t.Errorf("from %s: gate.lock says of the file what a plugin added", name)
		}
	}
	off := strings.Replace(withFeedback("{readers: clerk}"), "{readers", "{enabled: false, readers", 1)
	if alone, err := gen.Extend(parse(t, off), extended()...); err != nil || alone.Entity("Feedback") != nil {
		t.Errorf("turned off: %v", err)
	}
}

// TestExtensionErrors says whose fault it is.
func TestExtensionErrors(t *testing.T) {
	taken := strings.Replace(withFeedback("{readers: clerk}"), "entities:\n", "entities:\n  Feedback: {plural: Words, fields: {text: text}}\n", 1)
	field := strings.Replace(withFeedback("{readers: clerk}"), "roles: roles}", "roles: roles, mayBeAsked: text}", 1)
	for name, tt := range map[string]struct{ src, want string }{
		"setting":              {withFeedback("{readers: chef}"), `gate.yaml:7:23: unknown role "chef"`},
		"no setting":           {withFeedback("{}"), "gate.yaml:7:3: plugin feedback has no readers"},
		"injection":            {withFeedback(`{readers: "clerk]}\n  User: {allow: {list: public}"}`), "gate.yaml:7:23: readers cannot be"},
		"a setting out of all": {withFeedback("{readers: clerk, maxLength: -1}"), "plugin feedback:5:"},
		"entity there":         {taken, `plugin feedback:4:5: "plural" of Feedback is not for a plugin to say`},
		"field there":          {field, `plugin feedback:8:14: User has "mayBeAsked" already`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gen.Extend(parse(t, tt.src), extended()...)
			if _, ok := errors.AsType[*design.Errors](err); !ok || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
			if _, again := gen.Generate(parse(t, tt.src), gen.Options{Replace: "/gate"}, extended()...); again == nil {
				t.Error("generated nevertheless")
			}
			gen.Warnings(parse(t, tt.src), extended()...) // of what can be read
		})
	}
}

// TestExtendedServiceRuns compiles and starts a service with the plugin of the guide.
func TestExtendedServiceRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	dir := t.TempDir()
	checkout, err := gen.FindReplace(dir, "..")
	if err != nil {
		t.Fatal(err)
	}
	files, err := gen.Generate(parse(t, withFeedback("{readers: clerk, maxLength: 5, perDay: 1}")), gen.Options{Replace: checkout}, extended()...)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, dir, files, gen.ApplyOptions{})
	goTool(t, dir, "build", "-o", "shop", ".")
	program := filepath.Join(dir, "shop")
	url := start(t, dir, program) + "/api/feedback-entries"
	if body := post(t, url, "{\"text\":\"ni\u0308ce\"}"); !strings.Contains(body, `"id":`) {
		t.Errorf("a word: %s", body)
	}
	if body := post(t, url, `{"text":"too long"}`); !strings.Contains(body, `"too_long"`) {
		t.Errorf("a long word: %s", body)
	}
	if body := post(t, url, `{"text":"again"}`); !strings.Contains(body, "That is enough feedback for today") {
		t.Errorf("one too many: %s", body)
	}
	if status, body := get(t, url); status != http.StatusUnauthorized {
		t.Errorf("a stranger reads: %d %s", status, body)
	}
	for _, tt := range []struct{ command, want string }{
		{"status", "0002_feedback_0001_days.sql  applied"},
		{"down", "taken back app 0002_feedback_0001_days.sql"},
		{"plan", "-- app 0002_feedback_0001_days.sql, can be taken back\n-- How much feedback"},
		{"apply", "applied app 0002_feedback_0001_days.sql"},
	} {
		cmd := exec.CommandContext(t.Context(), program, "migrate", tt.command)
		cmd.Dir = dir
		if out, err := cmd.Output(); !strings.Contains(string(out), tt.want) {
			t.Errorf("migrate %s: %s, %v", tt.command, out, err)
		}
	}
	t.Setenv("FEEDBACK_CLOSED", "yes")
	if body := post(t, start(t, dir, program)+"/api/feedback-entries", `{"text":"nice"}`); !strings.Contains(body, "Feedback is closed") {
		t.Errorf("closed: %s", body)
	}
}
