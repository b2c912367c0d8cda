package gen_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/runtime/permtest"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/postgres"
)

// deployed is a design with everything that deploys it.
func deployed(database string) string {
	return strings.Replace(shop("  auth-core: {entity: User}\n  auth-jwt: {}\n  docker: {}\n  ci-github: {}\n  ci-gitlab: {}\n"),
		"example.com/shop}", "example.com/shop, port: 8081, database: "+database+"}", 1)
}

// text returns a generated file.
func text(t *testing.T, files gen.Files, name string) string {
	t.Helper()
	data, ok := files.Get(name)
	if !ok {
		t.Fatalf("no %s", name)
	}
	return string(data)
}

// TestDeploy_ignored: what the go command leaves alone is not copied into the image.
func TestDeploy_ignored(t *testing.T) {
	for name, src := range map[string]string{"with": strings.Replace(deployed("sqlite"), "  docker: {}\n", "  docker: {}\n  client-ts: {}\n", 1), "without": deployed("sqlite")} {
		ignored := strings.Fields(text(t, generate(t, parse(t, src), gen.Options{}), ".dockerignore"))
		if got := slices.Contains(ignored, "client/node_modules"); got != (name == "with") {
			t.Errorf("%s a client: %v", name, ignored)
		}
	}
}

// TestDeploy_files: nothing that is secret is in them, nothing runs as root or
// with rights that it does not need, and each is what its reader expects.
func TestDeploy_files(t *testing.T) {
	for _, db := range []string{"sqlite", "postgres"} {
		files := generate(t, parse(t, deployed(db)), gen.Options{})
		for _, name := range []string{"Dockerfile", ".dockerignore", "compose.yaml", ".github/workflows/ci.yaml", ".gitlab-ci.yml"} {
			i := slices.IndexFunc(files, func(f gen.File) bool { return f.Path == name })
			if i < 0 || files[i].Owner != gen.Once {
				t.Errorf("%s: %s is not there, or not the user's", db, name)
			}
		}
		image := text(t, files, "Dockerfile")
		last := image[strings.LastIndex(image, "\nFROM "):]
		for _, want := range []string{"\nFROM scratch\n", "\nUSER 65532:65532\n", "\nWORKDIR /data\n", "\nENV ADDR=:8081\n", "\nENTRYPOINT [\"/service\"]\n"} {
			if !strings.Contains(last, want) {
				t.Errorf("%s: the last stage of the Dockerfile has no %q", db, want)
			}
		}
		if strings.Contains(image, "ARG ") || strings.Contains(strings.ToUpper(image), "SECRET=") {
			t.Errorf("%s: what is secret would stay in the layers:\n%s", db, image)
		}
		ignored := strings.Fields(text(t, files, ".dockerignore"))
		for _, name := range []string{".env", ".env.*", "!.env.example", ".gate", ".git", "/shop"} {
			if !slices.Contains(ignored, name) {
				t.Errorf("%s: %s would be copied into the image", db, name)
			}
		}

		type service struct {
			Environment map[string]string
			Ports       []string
			Volumes     []string
			ReadOnly    bool     `yaml:"read_only"`
			CapDrop     []string `yaml:"cap_drop"`
			SecurityOpt []string `yaml:"security_opt"`
			EnvFile     string   `yaml:"env_file"`
		}
		var compose struct {
			Services map[string]service
			Volumes  map[string]any
		}
		if err := yaml.Unmarshal([]byte(text(t, files, "compose.yaml")), &compose); err != nil {
			t.Fatal(err)
		}
		s := compose.Services["service"]
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.EnvFile != ".env" {
			t.Errorf("%s: the service has more rights than it needs: %+v", db, s)
		}
		if !slices.Equal(s.Ports, []string{"127.0.0.1:8081:8081"}) {
			t.Errorf("%s: ports %v", db, s.Ports)
		}
		database, there := compose.Services["database"]
		if there != (db == "postgres") {
			t.Errorf("%s: a database of its own: %t", db, there)
		}
		for name, value := range map[string]string{"DATABASE_URL": s.Environment["DATABASE_URL"], "POSTGRES_PASSWORD": database.Environment["POSTGRES_PASSWORD"]} {
			if there && !strings.Contains(value, "${POSTGRES_PASSWORD:?") {
				t.Errorf("%s is %q: a password that everybody knows", name, value)
			}
		}
		if there {
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			url := strings.NewReplacer("${POSTGRES_PASSWORD:?write it into .env}", "secret").Replace(s.Environment["DATABASE_URL"])
			if _, err := postgres.Open(ended, url, postgres.Config{}); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("the service does not get as far as to connect: %v", err)
			}
			if !slices.Contains(s.Volumes, "socket:/run/postgresql") || !slices.Contains(database.Volumes, "socket:/var/run/postgresql") {
				t.Errorf("service and database share no socket: %v, %v", s.Volumes, database.Volumes)
			}
		}
		if len(database.Ports) > 0 {
			t.Errorf("the database is open to others: %v", database.Ports)
		}

		var github struct {
			Permissions map[string]string
			Jobs        map[string]struct {
				Services map[string]any
				Env      map[string]string
				Steps    []struct {
					Uses, Run string
					With      map[string]any
				}
			}
		}
		if err := yaml.Unmarshal([]byte(text(t, files, ".github/workflows/ci.yaml")), &github); err != nil {
			t.Fatal(err)
		}
		if len(github.Permissions) != 1 || github.Permissions["contents"] != "read" {
			t.Errorf("the workflow may %v", github.Permissions)
		}
		runs := ""
		for _, step := range github.Jobs["test"].Steps {
			runs += step.Run + "\n"
		}
		var gitlab struct {
			Image string
			Test  struct {
				Variables    map[string]string
				BeforeScript []string `yaml:"before_script"`
				Script       []string
			}
		}
		if err := yaml.Unmarshal([]byte(text(t, files, ".gitlab-ci.yml")), &gitlab); err != nil {
			t.Fatal(err)
		}
		for _, pipeline := range []struct {
			starts int
			url    string
		}{{len(github.Jobs["test"].Services), github.Jobs["test"].Env[permtest.EnvPostgres]}, {len(gitlab.Test.BeforeScript), gitlab.Test.Variables[permtest.EnvPostgres]}} {
			if starts := pipeline.starts > 0; starts != (db == "postgres") || starts == (pipeline.url == "") {
				t.Errorf("%s: a pipeline that starts a server: %t, with the permission test on %q", db, starts, pipeline.url)
			}
			if pipeline.url != "" {
				ended, cancel := context.WithCancel(t.Context())
				cancel()
				if _, err := postgres.Open(ended, pipeline.url, postgres.Config{}); !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("the permission test does not get as far as to connect: %v", err)
				}
			}
		}
		for _, script := range []string{runs, strings.Join(gitlab.Test.Script, "\n")} {
			for _, want := range []string{"go vet ./...", "go test -race ./...", "{{.Version}}", "generate --check ."} {
				if !strings.Contains(script, want) {
					t.Errorf("%s: a pipeline without %q:\n%s", db, want, script)
				}
			}
		}
	}
}

// TestDeploy_outgrown: the files are the user's, so that another database changes none of
// them. Each that lacks it now is told of, with what it lacks, in that generation.
func TestDeploy_outgrown(t *testing.T) {
	dir := t.TempDir()
	apply := func(d string, opts gen.ApplyOptions) []gen.Outgrown {
		t.Helper()
		design := parse(t, d)
		state, err := gen.ReadState(dir, design.Service.Database)
		if err != nil {
			t.Fatal(err)
		}
		report, err := gen.Apply(dir, generate(t, design, gen.Options{State: state}), opts)
		if err != nil {
			t.Fatal(err)
		}
		return report.Outgrown
	}
	if told := apply(deployed("sqlite"), gen.ApplyOptions{}); told != nil {
		t.Errorf("the first generation: %v", told)
	}
	own := filepath.Join(dir, "compose.yaml")
	if err := os.WriteFile(own, []byte("services: {mine: {}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(deployed("sqlite"), "entities:\n", "entities:\n  Leaf: {fields: {name: text}}\n", 1)
	if told := apply(other, gen.ApplyOptions{}); told != nil {
		t.Errorf("an entity more: %v", told)
	}
	other = strings.Replace(other, "database: sqlite", "database: postgres", 1)
	for _, opts := range []gen.ApplyOptions{{Check: true}, {}} {
		told := apply(other, opts)
		for i, want := range []struct{ path, line string }{
			{".github/workflows/ci.yaml", "+        image: postgres:17\n"},
			{".gitlab-ci.yml", "+    - service postgresql start\n"},
			{"Dockerfile", "-"},
			{"compose.yaml", "+    image: postgres:17\n"},
		} {
			if len(told) != 4 || told[i].Path != want.path || !strings.Contains(told[i].Diff, want.line) {
				t.Fatalf("%+v: told %v, want %q of %s", opts, told, want.line, want.path)
			}
		}
	}
	if data, err := os.ReadFile(own); err != nil || string(data) != "services: {mine: {}}\n" {
		t.Errorf("the file of the user is %q, %v", data, err)
	}
	if told := apply(other, gen.ApplyOptions{}); told != nil {
		t.Errorf("once more: %v", told)
	}

	// What was written with a design that cannot be read any more nobody knows.
	lock := filepath.Join(dir, "gate.lock")
	data, err := os.ReadFile(lock)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lock, bytes.Replace(data, []byte(`"design": {`), []byte(`"design": {"gone": true,`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	told := apply(other, gen.ApplyOptions{})
	if len(told) == 0 {
		t.Fatal("a design that cannot be read: nothing told")
	}
	for _, o := range told {
		if data, err := os.ReadFile(filepath.Join(dir, o.Path)); !o.Unknown || err != nil || o.Path == "compose.yaml" && !strings.Contains(o.Diff, "-"+string(data)) {
			t.Errorf("a design that cannot be read: %+v, %v", o, err)
		}
	}
}
