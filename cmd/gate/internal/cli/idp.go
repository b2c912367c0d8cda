package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/terminal"
)

// idpCmd administers an identity provider: directly in its database, whether it
// runs or not.
type idpCmd struct {
	Config string `placeholder:"FILE" help:"Configuration; idp.yaml unless said, or .gate/idp.yaml where there is none."`
	JSON   bool   `name:"json" help:"Print JSON, for programs."`

	Serve      idpServeCmd      `cmd:"" help:"Run the provider."`
	Check      idpCheckCmd      `cmd:"" help:"Check the configuration."`
	Schema     idpSchemaCmd     `cmd:"" help:"Print the JSON Schema of idp.yaml, for editors."`
	Admin      idpAdminCmd      `cmd:"" help:"Make the first administrator."`
	User       idpUserCmd       `cmd:"" help:"People and what they may do."`
	Client     idpClientCmd     `cmd:"" help:"Applications."`
	API        idpAPICmd        `cmd:"" name:"api" help:"APIs that access tokens are for."`
	Role       idpRoleCmd       `cmd:"" help:"Roles and their permissions."`
	Connection idpConnectionCmd `cmd:"" help:"Where people log in: passwords kept here, and other providers."`
	Action     idpActionCmd     `cmd:"" help:"Scripts that run at log-in and the like."`
	Key        idpKeyCmd        `cmd:"" help:"Keys that sign tokens."`
	Log        idpLogCmd        `cmd:"" help:"Show the log."`
	Export     idpExportCmd     `cmd:"" help:"Write the tenant, or its users, to a file."`
	Import     idpImportCmd     `cmd:"" help:"Read a tenant, or users, from a file."`
	CA         idpCACmd         `cmd:"" name:"ca" help:"Print the certificate authority of this machine."`
	Worker     idpWorkerCmd     `cmd:"" name:"actions-worker" hidden:""`
}

// Example is that of the command that comes first.
func (idpCmd) Example() string { return "gate idp serve --config idp.yaml --dev" }

// idpWorkerCmd is the process that scripts run in.
type idpWorkerCmd struct{}

// Run runs scripts until standard input ends.
func (idpWorkerCmd) Run(out *console) error { return actions.Work(out, out.stdin, out.stdout) }

// actionsWorker makes the command of such a process.
func actionsWorker() *exec.Cmd {
	exe, err := os.Executable()
	if err != nil {
		return nil // the runner says so
	}
	return exec.Command(exe, "idp", "actions-worker") // ended by the runner
}

// idpCheckCmd checks the configuration.
type idpCheckCmd struct{}

// Example is what help ends with.
func (idpCheckCmd) Example() string { return "gate idp check --config idp.yaml" }

// Help says what is looked at.
func (idpCheckCmd) Help() string {
	return "It tells all that is wrong at once: keys and values, and files that cannot be read. A variable of the seed that is not set is told and no error: it is needed only until what it is for has been made."
}

// Run says what is wrong, or nothing.
func (idpCheckCmd) Run(out *console, idp *idpCmd) error {
	cfg, variables, err := config.Check(idp.file())
	for _, name := range variables {
		out.talk.line("  " + out.talk.paint(yellow, "!") + " " + idp.file() + ": the variable " + name + " of the seed is not set")
	}
	if err != nil {
		return idp.absent(err)
	}
	out.talk.line("  " + out.talk.paint(green, tick(out.talk)) + " " + idp.file() + ": " + cfg.Issuer + ", listening on " + cfg.Address())
	return nil
}

func tick(t *talk) string {
	if t.ascii {
		return "ok"
	}
	return "✓"
}

// idpSchemaCmd prints the schema.
type idpSchemaCmd struct{}

// Example is what help ends with.
func (idpSchemaCmd) Example() string { return "gate idp schema > idp.schema.json" }

// Run prints it.
func (idpSchemaCmd) Run(out *console) error {
	_, err := out.stdout.Write(config.JSONSchema())
	return err
}

// file returns the name of the configuration.
func (c *idpCmd) file() string {
	if c.Config != "" {
		return c.Config
	}
	if _, err := os.Stat("idp.yaml"); errors.Is(err, fs.ErrNotExist) {
		inDev := filepath.Join(".gate", "idp.yaml")
		if _, err := os.Stat(inDev); err == nil {
			return inDev
		}
	}
	return "idp.yaml"
}

func (c *idpCmd) load() (*config.Config, error) {
	cfg, err := config.Load(c.file())
	return cfg, c.absent(err)
}

// absent gives the error of a configuration that is not there its advice.
func (c *idpCmd) absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return failf("--config FILE names it, or run it in the folder of a service (.gate/idp.yaml); a short one is: issuer: http://localhost:3001/", "%s: there is no such file", c.file())
	}
	return err
}

// An admin is an opened provider that is administered by a command.
type admin struct {
	*config.Instance

	out    *console
	json   bool
	signup string // as idp.yaml says it
}

// administer opens the provider for one command.
func (c *idpCmd) administer(out *console, do func(a *admin) error) (err error) {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(out.talk.w, &slog.HandlerOptions{Level: slog.LevelWarn}))
	in, err := cfg.Open(out, config.Options{Administration: true, Worker: actionsWorker, Console: printConsole(out.talk), Logger: logger})
	if err != nil {
		return opening(cfg, err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(out.Context), 10*time.Second)
		defer cancel()
		err = errors.Join(err, in.Close(ctx))
	}()
	return refusal(do(&admin{Instance: in, out: out, json: c.JSON, signup: cfg.Signup}))
}

// opening gives an error of opening its advice.
func opening(cfg *config.Config, err error) error {
	switch {
	case cfg.Local() && errors.Is(err, config.ErrNoMail):
		return &fault{err: err, hint: "on this machine gate idp serve --dev puts letters into a folder"}
	case errors.Is(err, config.ErrNoSecret) && cfg.Local() && !strings.HasPrefix(cfg.Database, "postgres"):
		return &fault{err: err, hint: "or start gate idp serve --dev once; it makes idp.secret"}
	case errors.Is(err, config.ErrNoSecret):
		return &fault{err: err, hint: "the database can be read with the secret it was made with, and with no other"}
	case errors.Is(err, tenant.ErrWrongSecret):
		return &fault{err: err, hint: config.EnvSecret + " is not the one that this database was made with"}
	}
	return err
}

// refusal gives an error of the administration its advice.
func refusal(err error) error {
	r, ok := errors.AsType[*config.Refusal](err)
	if !ok {
		return err
	}
	message := strings.TrimPrefix(r.Message, "PasswordStrengthError: ") // a word for programs
	message = strings.ToLower(message[:1]) + strings.TrimSuffix(message[1:], ".")
	if len(r.Reasons) > 0 {
		message += ": " + strings.Join(r.Reasons, ", ")
	}
	message = strings.TrimPrefix(message, "payload validation error: ")
	if m := wrongProperty.FindStringSubmatch(message); m != nil {
		message = m[2] + ": " + m[1]
	}
	before, found := strings.CutSuffix(err.Error(), r.Message) // what it was about, as in a seed
	if !found {
		before = ""
	}
	return &fault{err: errors.New(before + message), usage: r.Status == http.StatusBadRequest}
}

// wrongProperty matches what the Management API says of one property.
var wrongProperty = regexp.MustCompile(`^'(.*)' on property (\S+?)(?: \(.*\))?$`)

// print prints a value for programs, or a table for people.
func (a *admin) print(v any, head []string, rows [][]string) error {
	if a.json {
		return printJSON(a.out.stdout, v)
	}
	if len(rows) == 0 {
		a.out.talk.line("  none")
		return nil
	}
	return table(a.out.stdout, head, rows)
}

// show prints one object: for programs as it is, for people by lines.
func (a *admin) show(v any, lines ...[2]string) error {
	if a.json {
		return printJSON(a.out.stdout, v)
	}
	var rows [][]string
	for _, l := range lines {
		if l[1] != "" {
			rows = append(rows, []string{l[0], l[1]})
		}
	}
	return table(a.out.stdout, nil, rows)
}

// plain takes from a text what a terminal could act on: names come from people.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if terminal.Steers(r) {
			return '·'
		}
		return r
	}, s)
}

// done says what was done.
func (a *admin) done(format string, args ...any) { a.result(true, format, args...) }

// result says what was done, and whether that is all that was asked for.
func (a *admin) result(all bool, format string, args ...any) {
	if a.json {
		return
	}
	mark := a.out.talk.paint(yellow, "!")
	if all {
		mark = a.out.talk.paint(green, tick(a.out.talk))
	}
	a.out.talk.line("  " + mark + " " + plain(fmt.Sprintf(format, args...)))
}

// send sends a request that changes something.
func (a *admin) send(method, path string, in, out any) error {
	err := a.Admin.Do(a.out, method, path, in, out)
	if r, ok := errors.AsType[*config.Refusal](err); ok && r.Status == http.StatusConflict {
		what, _ := in.(map[string]any)
		for _, name := range []string{"name", "identifier", "email"} {
			if text, ok := what[name].(string); ok {
				return fmt.Errorf("%q: %s", text, strings.ToLower(r.Message[:1])+strings.TrimSuffix(r.Message[1:], "."))
			}
		}
	}
	return err
}

// get reads one object as the Management API shows it.
func (a *admin) get(path string) (json.RawMessage, error) {
	var raw json.RawMessage
	return raw, a.send(http.MethodGet, path, nil, &raw)
}

func dateOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
