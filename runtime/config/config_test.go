package config_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/runtime/config"
)

// good is a secret that could be one.
const good = "vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA"

// write writes a .env that only its owner may read.
func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func load(environ []string, file string) (*config.Config, error) {
	if environ == nil {
		environ = []string{}
	}
	return config.Load(config.Options{
		Environ: environ, File: file, Addr: "127.0.0.1:3000", Database: "data.db", SecretBytes: 32,
	})
}

// TestOPS13_refused is the table of bad settings: each is refused by its name,
// and never with its value.
func TestOPS13_refused(t *testing.T) {
	secret := "AUTH_SECRET=" + good
	for _, tt := range []struct {
		name    string
		environ []string
		file    string
		setting string // must be in the error
		value   string // must not be
	}{
		{"no secret", nil, "", "AUTH_SECRET is not set", ""},
		{"empty secret", []string{"AUTH_SECRET="}, "", "AUTH_SECRET is not set", ""},
		{"short secret", []string{"AUTH_SECRET=" + good[:31]}, "", "AUTH_SECRET is shorter than 32", good[:31]},
		{"placeholder of the seed", []string{"AUTH_SECRET=Change_ME!!!"}, "", "AUTH_SECRET was copied", "Change_ME"},
		{"long placeholder", []string{"AUTH_SECRET=please-change-me-before-going-to-production-1234"}, "", "AUTH_SECRET was copied", "production"},
		{"secret is secret", []string{"AUTH_SECRET=my-super-secret-key-for-my-service-0123"}, "", "AUTH_SECRET was copied", "super"},
		{"example", []string{"AUTH_SECRET=this-is-an-ExAmPlE-key-of-enough-length"}, "", "AUTH_SECRET was copied", "enough"},
		{"angle brackets", []string{"AUTH_SECRET=<your-key-your-key-your-key-your-key>"}, "", "AUTH_SECRET was copied", "<"},
		{"one character", []string{"AUTH_SECRET=" + strings.Repeat("a", 48)}, "", "AUTH_SECRET repeats", "aaaa"},
		{"one piece", []string{"AUTH_SECRET=" + strings.Repeat("abcdefgh", 6)}, "", "AUTH_SECRET repeats", "abcdefgh"},
		{"few characters", []string{"AUTH_SECRET=" + "abcabdabeabfabcbacbdebfecadfebcafdeb"}, "", "AUTH_SECRET repeats", "abcabd"},
		{"blank at the end", []string{"AUTH_SECRET=" + good + " "}, "", "AUTH_SECRET begins or ends", good},
		{"database password from an example", []string{secret, "DATABASE_URL=postgres://app:changeme@db/app"}, "", "DATABASE_URL has a password", "app:changeme"},
		{"no connections", []string{secret, "DATABASE_MAX_CONNS=0"}, "", "DATABASE_MAX_CONNS must be a number from 1", ""},
		{"connections in words", []string{secret, "DATABASE_MAX_CONNS=many"}, "", "DATABASE_MAX_CONNS must be a number", "many"},
		{"too many connections", []string{secret, "DATABASE_MAX_CONNS=10001"}, "", "DATABASE_MAX_CONNS must be a number", ""},
		{"a time-out without unit", []string{secret, "DATABASE_STATEMENT_TIMEOUT=3"}, "", "DATABASE_STATEMENT_TIMEOUT must be a duration", ""},
		{"no time-out", []string{secret, "DATABASE_STATEMENT_TIMEOUT=0s"}, "", "DATABASE_STATEMENT_TIMEOUT must be a duration", ""},
		{"no time at all", []string{secret, "DATABASE_STATEMENT_TIMEOUT=1ms"}, "", "DATABASE_STATEMENT_TIMEOUT must be a duration", ""},
		{"pool, misspelt in the file", nil, secret + "\nDATABASE_MAX_CONN=3\n", "DATABASE_MAX_CONN is not a setting", ""},
		{"address without port", []string{secret, "ADDR=127.0.0.1"}, "", "ADDR must be host:port", ""},
		{"address with a wordy port", []string{secret, "ADDR=:http"}, "", "ADDR must end in a port", ""},
		{"address with a huge port", []string{secret, "ADDR=:70000"}, "", "ADDR must end in a port", ""},
		{"address with a signed port", []string{secret, "ADDR=:+80"}, "", "ADDR must end in a port", ""},
		{"address that is a URL", []string{secret, "ADDR=http://localhost:80"}, "", "ADDR must", ""},
		{"public URL without TLS", []string{secret, "PUBLIC_URL=http://api.example.com"}, "", "PUBLIC_URL must begin with https", ""},
		{"public URL with a user", []string{secret, "PUBLIC_URL=https://u:hidden@api.example.com"}, "", "PUBLIC_URL must be", "hidden"},
		{"public URL with a query", []string{secret, "PUBLIC_URL=https://api.example.com/?a=1"}, "", "PUBLIC_URL must be", ""},
		{"issuer without a scheme", []string{secret, "OIDC_ISSUER=tenant.auth0.com"}, "", "OIDC_ISSUER must be scheme, host", "tenant"},
		{"issuer without TLS", []string{secret, "OIDC_ISSUER=http://login.example.com"}, "", "OIDC_ISSUER must begin with https", "login.example.com"},
		{"issuer of another kind", []string{secret, "OIDC_ISSUER=ftp://127.0.0.1"}, "", "OIDC_ISSUER must begin with https", ""},
		{"issuer without a host", []string{secret, "OIDC_ISSUER=https://:443"}, "", "OIDC_ISSUER must be scheme, host", ""},
		{"issuer with a user", []string{secret, "OIDC_ISSUER=https://u:hidden@login.example.com"}, "", "OIDC_ISSUER must be", "hidden"},
		{"issuer with a query", []string{secret, "OIDC_ISSUER=https://login.example.com/?"}, "", "OIDC_ISSUER must be", ""},
		{"issuer with a fragment", []string{secret, "OIDC_ISSUER=https://login.example.com/#"}, "", "OIDC_ISSUER must be", ""},
		{"issuer with a bar", []string{secret, "OIDC_ISSUER=https://login.example.com/|a"}, "", "OIDC_ISSUER must be", ""},
		{"two issuers", []string{secret, "OIDC_ISSUER=https://a.example https://b.example"}, "", "OIDC_ISSUER must be", ""},
		{"document of an issuer", []string{secret, "OIDC_ISSUER=https://a.example/.well-known/openid-configuration"}, "", "OIDC_ISSUER is the address", ""},
		{"issuer, misspelt in the file", nil, secret + "\nOIDC_ISSUERS=https://a.example\n", "OIDC_ISSUERS is not a setting", ""},
		{"two audiences", []string{secret, "OIDC_AUDIENCE=a b"}, "", "OIDC_AUDIENCE must be one name", ""},
		{"Auth0 issuer without a slash", []string{secret, "AUTH0_ISSUER_URL=https://a.eu.auth0.com"}, "", "AUTH0_ISSUER_URL has no slash at the end", ""},
		{"Auth0 issuer without a scheme", []string{secret, "AUTH0_ISSUER_URL=a.eu.auth0.com/"}, "", "AUTH0_ISSUER_URL must be scheme, host", ""},
		{"two names, two issuers", []string{secret, "AUTH0_ISSUER_URL=https://a.example/", "OIDC_ISSUER=https://b.example/"}, "", "AUTH0_ISSUER_URL and OIDC_ISSUER say two things", ""},
		{"two names, two audiences", []string{secret, "AUTH0_AUDIENCE=a", "OIDC_AUDIENCE=b"}, "", "AUTH0_AUDIENCE and OIDC_AUDIENCE say two things", ""},
		{"Auth0 placeholder", []string{secret, "AUTH0_AUDIENCE=AUTH0_AUDIENCE"}, "", "AUTH0_AUDIENCE was copied from an example", ""},
		{"Auth0 placeholder in braces", []string{secret, "AUTH0_CLIENT_ID={yourClientId}"}, "", "AUTH0_CLIENT_ID was copied from an example", ""},
		{"Auth0 domain with a scheme", []string{secret, "AUTH0_DOMAIN=https://a.eu.auth0.com"}, "", "AUTH0_DOMAIN must be a host", ""},
		{"Auth0 domain with a path", []string{secret, "AUTH0_DOMAIN=a.eu.auth0.com/"}, "", "AUTH0_DOMAIN must be a host", ""},
		{"redirect to a script", []string{secret, "AUTH0_REDIRECT_URI=javascript:alert(1)"}, "", "AUTH0_REDIRECT_URI must be a path or a URL", ""},
		{"redirect without TLS", []string{secret, "AUTH0_LOGOUT_REDIRECT_URI=http://app.example.com/"}, "", "AUTH0_LOGOUT_REDIRECT_URI must begin with https", ""},
		{"redirect to a host", []string{secret, "AUTH0_REDIRECT_URI=//app.example.com/"}, "", "AUTH0_REDIRECT_URI must be a path or a URL", ""},
		{"first administrator", []string{secret, "FIRST_ADMIN_EMAIL=boss"}, "", "FIRST_ADMIN_EMAIL is not an e-mail address", ""},
		{"Auth0, misspelt in the file", nil, secret + "\nAUTH0_CLIENTID=x\n", "AUTH0_CLIENTID is not a setting", ""},
		{"origin *", []string{secret, "CORS_ORIGINS=*"}, "", "CORS_ORIGINS cannot hold *", ""},
		{"origin with *", []string{secret, "CORS_ORIGINS=https://*.example.com"}, "", "CORS_ORIGINS cannot hold *", ""},
		{"origin null", []string{secret, "CORS_ORIGINS=null"}, "", "CORS_ORIGINS must list origins", ""},
		{"origin with a path", []string{secret, "CORS_ORIGINS=https://app.example.com/"}, "", "CORS_ORIGINS must list origins", ""},
		{"origin without TLS", []string{secret, "CORS_ORIGINS=http://app.example.com"}, "", "CORS_ORIGINS must list https", ""},
		{"origin in capitals", []string{secret, "CORS_ORIGINS=https://App.example.com"}, "", "CORS_ORIGINS must list origins", ""},
		{"origin twice", []string{secret, "CORS_ORIGINS=https://a.example,https://a.example"}, "", "CORS_ORIGINS names an origin twice", ""},
		{"proxy by name", []string{secret, "TRUSTED_PROXIES=proxy.local"}, "", "TRUSTED_PROXIES must list", ""},
		{"every proxy", []string{secret, "TRUSTED_PROXIES=0.0.0.0/0"}, "", "TRUSTED_PROXIES cannot trust everybody", ""},
		{"every proxy, by IPv6", []string{secret, "TRUSTED_PROXIES=::/0"}, "", "TRUSTED_PROXIES cannot trust everybody", ""},
		{"log level", []string{secret, "LOG_LEVEL=verbose"}, "", "LOG_LEVEL must be", "verbose"},
		{"switch", []string{secret, "DOCS=yes"}, "", "DOCS must be on or off", ""},
		{"administrator", []string{secret, "ADMIN_EMAIL=Ada <ada@x.test>"}, "", "ADMIN_EMAIL is not", ""},
		{"quoted administrator", []string{secret, `ADMIN_EMAIL="a b"@x.test`}, "", "ADMIN_EMAIL is not", ""},
		{"unknown name of ours", []string{secret, "GATE_DEBUG=1"}, "", "GATE_DEBUG is not a setting", ""},
		{"development in a file", nil, secret + "\nGATE_DEV=0123456789abcdef0123\n", "GATE_DEV is set by", "0123456789abcdef"},
		{"development by hand", []string{secret, "GATE_DEV=1"}, "", "GATE_DEV is set by", ""},
		{"twice in the environment", []string{secret, "AUTH_SECRET=" + good[1:] + "B"}, "", "AUTH_SECRET stands twice", good},
		{"twice in the file", nil, secret + "\nADDR=:1\nADDR=:2\n", "ADDR stands twice, first in line 2", ""},
		{"misspelt in the file", nil, secret + "\nCORS_ORIGIN=https://a.example\n", "CORS_ORIGIN is not a setting", ""},
		{"not an assignment", nil, secret + "\nhello world\n", ".env:2: is not of the form", "hello"},
		{"bad name", nil, secret + "\n1A=x\n", ".env:2: a name consists", ""},
		{"open single quote", nil, "AUTH_SECRET='" + good + "\n", "the single quote is never closed", good},
		{"open double quote", nil, "AUTH_SECRET=\"" + good + "\n", "the double quote is never closed", good},
		{"text behind a quote", nil, "AUTH_SECRET='" + good + "'x\n", "only a comment may follow", good},
		{"unknown escape", nil, `AUTH_SECRET="\x41` + good + "\"\n", "the escapes of a double-quoted value", good},
		{"NUL", nil, secret + "\x00\n", "is not plain UTF-8 text", good},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := ""
			if tt.file != "" {
				file = write(t, tt.file)
			}
			c, err := load(tt.environ, file)
			if c != nil || err == nil {
				t.Fatalf("Load = %v, %v; want an error alone", c, err)
			}
			if problems, ok := errors.AsType[*config.Errors](err); !ok || len(problems.Problems) == 0 {
				t.Errorf("error is %T, want *config.Errors with problems", err)
			}
			text := strings.ReplaceAll(err.Error(), filepath.Dir(file)+string(filepath.Separator), "")
			if !strings.Contains(strings.ReplaceAll(text, ": ", ": "), tt.setting) {
				t.Errorf("error %q does not say %q", text, tt.setting)
			}
			if tt.value != "" && strings.Contains(text, tt.value) {
				t.Errorf("error %q tells the value", text)
			}
		})
	}
}

func TestLoad_allProblemsAtOnce(t *testing.T) {
	_, err := load([]string{"ADDR=x", "LOG_LEVEL=x", "DOCS=x", "CORS_ORIGINS=*", "GATE_X=1"}, "")
	problems, ok := errors.AsType[*config.Errors](err)
	if !ok {
		t.Fatalf("error is %v", err)
	}
	var got []string
	for _, p := range problems.Problems {
		got = append(got, p.Setting)
	}
	want := []string{"GATE_X", "ADDR", "AUTH_SECRET", "CORS_ORIGINS", "LOG_LEVEL", "DOCS"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if !strings.Contains(err.Error(), "\n\tmake one: openssl rand -base64") {
		t.Errorf("error %q has no hint how to make a secret", err)
	}
}

func TestOPS13_fileThatOthersRead(t *testing.T) {
	for _, tt := range []struct {
		mode os.FileMode
		want string
	}{{0o600, ""}, {0o640, ""}, {0o604, "may read it"}, {0o644, "may read it"}, {0o620, "may change it"}, {0o666, "may read it"}} {
		t.Run(fmt.Sprintf("%o", tt.mode), func(t *testing.T) {
			file := write(t, "AUTH_SECRET="+good)
			if err := os.Chmod(file, tt.mode); err != nil {
				t.Fatal(err)
			}
			_, err := load(nil, file)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Load with mode %o: %v, want %q", tt.mode, err, tt.want)
			}
		})
	}
}

// TestOPS13_fileWithoutSecrets: a file that only says where to listen may be
// read by anybody.
func TestOPS13_fileWithoutSecrets(t *testing.T) {
	file := write(t, "ADDR=127.0.0.1:8080\n")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := load([]string{"AUTH_SECRET=" + good}, file)
	if err != nil || c.Addr != "127.0.0.1:8080" {
		t.Errorf("Load = %v, %v", c, err)
	}
}

func TestLoad_environmentWins(t *testing.T) {
	file := write(t, "AUTH_SECRET="+good+"\nADDR=127.0.0.1:1\nLOG_LEVEL=warn\nSTRIPE_KEY=from-file\n")
	c, err := load([]string{"ADDR=127.0.0.1:2", "GATE_TEST_POSTGRES=x"}, file)
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:2" || c.LogLevel != slog.LevelWarn || c.AuthSecret.Reveal() != good {
		t.Errorf("got %q, %v", c.Addr, c.LogLevel)
	}
	if v, ok := c.Lookup("STRIPE_KEY"); !ok || v != "from-file" {
		t.Errorf("Lookup = %q, %v", v, ok)
	}
}

// TestOPS13_settingsOfPlugins: a name in the file that is nearly one that a plugin reads
// is refused as one of ours is; in the environment, which is shared, it is not.
func TestOPS13_settingsOfPlugins(t *testing.T) {
	o := config.Options{Addr: "127.0.0.1:3000", Database: "data.db", Environ: []string{}, Settings: []string{"METRICS_ADDR", "GATE_FEEDBACK"}}
	o.File = write(t, "METRICS_ADDR=off\nGATE_FEEDBACK=on\nFOO=1\n")
	if _, err := config.Load(o); err != nil {
		t.Errorf("names of settings: %v", err)
	}
	o.File = write(t, "METRICS_ADRR=off\n")
	if _, err := config.Load(o); err == nil || !strings.Contains(err.Error(), "METRICS_ADRR is not a setting\n\tdid you mean METRICS_ADDR?") {
		t.Errorf("a misspelt name: %v", err)
	}
	o.File, o.Environ = "", []string{"METRICS_ADRR=off"}
	if _, err := config.Load(o); err != nil {
		t.Errorf("in the environment: %v", err)
	}
}

func TestLoad_defaults(t *testing.T) {
	c, err := load([]string{"AUTH_SECRET=" + good}, filepath.Join(t.TempDir(), "absent"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:3000" || c.DatabaseURL.Reveal() != "data.db" || !c.Docs || c.Dev != nil || c.CORSOrigins != nil {
		t.Errorf("got %+v", c)
	}
}

// TestLoad_pool: what the environment says of the database server wins over the
// design, one setting at a time.
func TestLoad_pool(t *testing.T) {
	design := config.Pool{MaxConns: 20, StatementTimeout: 3 * time.Second}
	for _, tt := range []struct {
		environ []string
		want    config.Pool
	}{
		{nil, design},
		{[]string{"DATABASE_MAX_CONNS=7"}, config.Pool{MaxConns: 7, StatementTimeout: 3 * time.Second}},
		{[]string{"DATABASE_STATEMENT_TIMEOUT= 750ms", "DATABASE_MAX_CONNS="}, config.Pool{MaxConns: 20, StatementTimeout: 750 * time.Millisecond}},
	} {
		c, err := config.Load(config.Options{Environ: append([]string{}, tt.environ...), Addr: ":0", Database: "x", Pool: design})
		if err != nil || c.Pool != tt.want {
			t.Errorf("%q: %+v, %v; want %+v", tt.environ, c, err, tt.want)
		}
	}
}

func TestLoad_lists(t *testing.T) {
	c, err := load([]string{
		"AUTH_SECRET=" + good, "CORS_ORIGINS=https://a.example, http://localhost:5173",
		"TRUSTED_PROXIES=10.1.2.3/8,::ffff:192.0.2.1, fd00::/8", "PUBLIC_URL=https://api.example.com/",
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	var proxies []string
	for _, p := range c.TrustedProxies {
		proxies = append(proxies, p.String())
	}
	got := [][]string{c.CORSOrigins, proxies, {c.PublicURL.String()}}
	want := [][]string{{"https://a.example", "http://localhost:5173"}, {"10.0.0.0/8", "192.0.2.1/32", "fd00::/8"}, {"https://api.example.com"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestJWT10_issuerToTheByte: the slash at the end is part of an issuer's name.
func TestJWT10_issuerToTheByte(t *testing.T) {
	for _, issuer := range []string{
		"https://login.example.com", "https://login.example.com/", "https://login.example.com/Tenant/v2.0",
		"http://127.0.0.1:8080/", "http://[::1]:8080", "http://localhost:8080/realms/shop",
	} {
		c, err := load([]string{"AUTH_SECRET=" + good, "OIDC_ISSUER= " + issuer, "OIDC_AUDIENCE=urn:api"}, "")
		if err != nil || c.OIDCIssuer != issuer || c.OIDCAudience != "urn:api" {
			t.Errorf("%s: %+v, %v", issuer, c, err)
		}
	}
}

// TestLoad_noUseForSecrets: a service without tokens needs no secret, and does
// not look at one.
func TestLoad_noUseForSecrets(t *testing.T) {
	c, err := config.Load(config.Options{Environ: []string{"AUTH_SECRET=x"}, Addr: ":0", Database: "x"})
	if err != nil || c.AuthSecret != "" {
		t.Errorf("Load = %v, %v", c, err)
	}
}

func TestLoad_keyFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key.pem")
	o := config.Options{Environ: []string{"AUTH_KEY_FILE=" + file}, Addr: ":0", Database: "x", KeyFile: true}
	if _, err := config.Load(o); err == nil || !strings.Contains(err.Error(), "AUTH_KEY_FILE names a file that cannot be read") {
		t.Errorf("absent: %v", err)
	}
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(o); err == nil || !strings.Contains(err.Error(), "everybody on this machine may read it") {
		t.Errorf("readable: %v", err)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := config.Load(o); err != nil || c.AuthKeyFile != file {
		t.Errorf("good: %v, %v", c, err)
	}
}

func TestDotenv_grammar(t *testing.T) {
	file := write(t, "\ufeff# a comment\r\n"+
		"AUTH_SECRET="+good+"\r\n"+
		"export A_1 = plain text  # comment\n"+
		"B=a#b\n"+
		"C='single $HOME \\n \"#\"' # comment\n"+
		`D="double \"q\" \n\t\\ \$ $HOME # no comment"`+"\n"+
		"E=\n"+
		"F=# nothing\n"+
		"G=it's \"fine\"\n"+
		"H==x=\n\n   \n")
	c, err := load(nil, file)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, name := range []string{"A_1", "B", "C", "D", "E", "F", "G", "H"} {
		got[name], _ = c.Lookup(name)
	}
	want := map[string]string{
		"A_1": "plain text", "B": "a#b", "C": `single $HOME \n "#"`, "D": "double \"q\" \n\t\\ $ $HOME # no comment",
		"E": "", "F": "", "G": `it's "fine"`, "H": "=x=",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDotenv_huge(t *testing.T) {
	file := write(t, strings.Repeat("#\n", 64<<10))
	if _, err := load([]string{"AUTH_SECRET=" + good}, file); err == nil || !strings.Contains(err.Error(), "larger than 64 KiB") {
		t.Errorf("Load: %v", err)
	}
}

// TestOPS10_configPrintsNoSecret: a Config that ends up in a log shows nothing.
func TestOPS10_configPrintsNoSecret(t *testing.T) {
	c, err := load([]string{"AUTH_SECRET=" + good, "DATABASE_URL=postgres://u:canary-of-the-database@h/d"}, "")
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(c.AuthSecret, c.DatabaseURL) + fmt.Sprintf("%v %+v %#v", c, c, c)
	if strings.Contains(text, good) || strings.Contains(text, "canary") {
		t.Errorf("printed: %s", text)
	}
}

func FuzzDotenv(f *testing.F) {
	f.Add("A=b\nC='d'\nE=\"f\\n\"\n")
	f.Add("A=\"\\")
	f.Add("export =\n=\n'=")
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), ".env")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(config.Options{Environ: []string{}, File: file, Addr: ":0", Database: "x"})
		if (c == nil) == (err == nil) {
			t.Fatalf("Load = %v, %v: want one of both", c, err)
		}
	})
}

func ExampleLoad() {
	_, err := config.Load(config.Options{
		Environ:     []string{"ADDR=localhost", "AUTH_SECRET=change_me"},
		Database:    ".gate/restaurant.db",
		SecretBytes: 32,
	})
	fmt.Println(err)
	// Output:
	// ADDR must be host:port
	// 	for instance ADDR=127.0.0.1:3000
	// AUTH_SECRET was copied from an example
	// 	make one: openssl rand -base64 48
}

// TestAuth0 reads what pages are told; the issuer has two names.
func TestAuth0(t *testing.T) {
	c, err := load([]string{
		"AUTH0_ISSUER_URL=http://localhost:3001/", "OIDC_ISSUER=http://localhost:3001/", "AUTH0_AUDIENCE=urn:api",
		"AUTH0_DOMAIN=localhost:3001", "AUTH0_CLIENT_ID=web", "AUTH0_REDIRECT_URI=/cb", "AUTH0_LOGOUT_REDIRECT_URI=http://localhost:5173/bye",
		"AUTH0_SCOPE=openid email", "FIRST_ADMIN_EMAIL=boss@x.example", "AUTH0_MGMT_TOKEN=t", "AUTH_SECRET=" + good,
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	want := config.Auth0{Domain: "localhost:3001", ClientID: "web", RedirectURI: "/cb", LogoutRedirectURI: "http://localhost:5173/bye", Scope: "openid email"}
	if c.Auth0 != want || c.OIDCIssuer != "http://localhost:3001/" || c.OIDCAudience != "urn:api" || c.FirstAdminEmail != "boss@x.example" {
		t.Errorf("got %+v, %q, %q, %q", c.Auth0, c.OIDCIssuer, c.OIDCAudience, c.FirstAdminEmail)
	}
	if _, err := load(nil, write(t, "AUTH_SECRET="+good+"\nAUTH0_MGMT_TOKEN=t\nAUTH0_DOMAIN=\n")); err != nil {
		t.Errorf("a setting of another program: %v", err)
	}
}
