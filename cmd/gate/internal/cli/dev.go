package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/design"
	adminpages "github.com/gatewright/gate/gen/plugin/admin"
	"github.com/gatewright/gate/gen/plugin/authsession"
	"github.com/gatewright/gate/store"
)

type devCmd struct {
	Dir              string   `arg:"" default:"." help:"Folder of the service, with its gate.yaml."`
	Addr             string   `placeholder:"HOST:PORT" help:"Listen here instead of at ADDR, or localhost and the design's port; port 0 picks a free one."`
	JSON             bool     `name:"json" help:"Print one JSON object a line to stdout, for programs."`
	IDP              string   `name:"idp" placeholder:"HOST:PORT" help:"Run the identity provider of a design with auth-auth0 here, instead of where its issuerURL says; port 0 picks a free one."`
	Verbose          bool     `short:"v" help:"Show every line of the service's log; all of it is in .gate/service.log."`
	AllowDestructive []string `placeholder:"NAME" help:"Let this table, column or value of an enum go, or become required (items, items.price, items.state=open)."`
	Force            bool     `help:"Overwrite generated files that were edited."`
	Admin            bool     `negatable:"" default:"true" help:"Build the pages of the plugin admin, which takes Node.js."`
}

func (devCmd) Help() string {
	return "Everything that is made while developing (database, keys, the first administrator) lives in .gate and .env " +
		"of that folder. Ctrl+C stops everything."
}

func (devCmd) Example() string { return "gate dev examples/restaurant --addr localhost:8080" }

// Run follows the folder of a service until it is interrupted.
func (c *devCmd) Run(out *console) error {
	if c.JSON {
		out.talk.toPrograms(out.stdout)
	}
	ctx, stop := context.WithCancel(out)
	defer stop()
	go leaveWithParent(stop)
	d := &dev{cmd: c, talk: out.talk}
	err := d.run(ctx)
	if ctx.Err() != nil {
		out.talk.event(map[string]any{"event": "stopped"})
		return nil
	}
	return err
}

// A dev is one run of gate dev: a folder, and the version of its service that
// is being served.
type dev struct {
	cmd   *devCmd
	talk  *talk
	p     *project // of the version that is served, or the newest readable one
	addr  string   // where to listen; with the real port once it is known
	token string   // proves to the service that we started it
	log   *serviceLog
	watch *watcher

	web      devWeb       // the pages of the plugin admin
	provider *devProvider // nil when the design needs none on this machine

	unapplied []unapplied // migrations that this run wrote, oldest first
	news      []string    // what the newest version brought besides itself, in words

	serving *process
	bin     string        // of the process that serves
	since   time.Time     // it serves
	took    time.Duration // until the first version served; 0 before

	known administrator // that was there when the run began
}

func (d *dev) run(ctx context.Context) error {
	start := time.Now()
	p, err := d.read()
	if err != nil {
		return err
	}
	d.p = p
	d.token = strings.ToLower(rand.Text())
	if err := d.chooseAddr(ctx); err != nil {
		return err
	}
	alone, err := d.lock()
	if err != nil {
		return err
	}
	defer alone.Close()
	if err := d.openLog(); err != nil {
		return err
	}
	defer d.log.file.Close()
	if d.watch, err = newWatcher(d.p.dir); err != nil {
		return fmt.Errorf("watch %s: %w", d.p.dir, err)
	}
	defer d.watch.close()
	if d.p, err = open(d.cmd.Dir); err != nil { // as the watcher has seen it, or newer
		return err
	}
	d.known = d.administrator()
	if err := d.openProvider(ctx); err != nil {
		return err
	}
	defer func() { d.provider.close() }()
	defer d.web.end()
	defer func() { d.serving.stop() }()
	switch err := d.make(ctx, true); {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		d.problem(err, nil)
	default:
		d.ready(start)
	}
	return d.follow(ctx)
}

// ready tells of the first version that serves.
func (d *dev) ready(start time.Time) {
	d.took = time.Since(start)
	d.tellState(nil)
	d.tellReady(d.administrator() != d.known)
}

func (d *dev) read() (*project, error) {
	s := d.talk.step("design")
	p, err := open(d.cmd.Dir)
	if err != nil {
		return nil, err
	}
	d.talk.line("")
	d.talk.line("  " + d.talk.paint(bold, "gate "+version()+"   "+p.design.Service.Name))
	d.talk.line("")
	s.done(p.summary())
	warn(d.talk, p)
	return p, nil
}

// chooseAddr decides where to listen, and says so early when that is taken.
func (d *dev) chooseAddr(ctx context.Context) error {
	said := "--addr"
	d.addr = d.cmd.Addr
	if d.addr == "" {
		said, d.addr = "ADDR", os.Getenv("ADDR")
	}
	if d.addr == "" {
		d.addr = net.JoinHostPort("localhost", strconv.Itoa(d.p.design.Service.Port))
	}
	host, port, err := net.SplitHostPort(d.addr)
	if err != nil {
		return failf("write it as localhost:3000 or :3000", "%s %s: not HOST:PORT", said, d.addr)
	}
	if host == "localhost" {
		d.addr = net.JoinHostPort("127.0.0.1", port)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", d.addr)
	if err != nil {
		hint := "--addr localhost:0 picks a free port, and service.port in gate.yaml is the one that counts without --addr"
		if d.providerTaken(ctx) {
			hint = "that of the identity provider is taken, too: --addr localhost:0 --idp localhost:0 pick free ports"
		}
		return failf(hint, "cannot listen on %s: %w", d.addr, err)
	}
	return l.Close()
}

func (d *dev) openLog() error {
	name := filepath.Join(d.p.stateDir(), "service.log")
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) { // it may be a link to somewhere
		return err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	d.log = &serviceLog{file: f, talk: d.talk, all: d.cmd.Verbose}
	return err
}

// make brings the service to the design: generate, build, migrate, restart.
// Until the last step the old version serves, and it goes on when one fails.
func (d *dev) make(ctx context.Context, aloud bool) error {
	step := d.talk.step
	if !aloud {
		quiet := &talk{w: nothing{}}
		step = quiet.step
	}
	s := step("generate")
	if err := d.generate(s); err != nil {
		return err
	}
	if err := d.p.prepare(); err != nil {
		return err
	}
	if err := d.p.located(); err != nil {
		return err
	}
	d.web.follow(ctx, d)

	s = step("build")
	bin, detail, err := d.build(ctx, s)
	if err != nil {
		return err
	}
	s.done(detail)

	s = step("migrate")
	applied, err := d.migrate(ctx, bin)
	if err != nil {
		return d.takeBack(err)
	}
	d.news = nil
	for _, u := range d.unapplied {
		d.news = append(d.news, "migration "+u.name+" written and applied")
	}
	d.unapplied = nil
	s.done(applied)

	if err := d.seed(ctx, bin, step); err != nil {
		return err
	}
	told, err := d.provider.follow(ctx, d)
	if err != nil {
		return fmt.Errorf("the provider: %w", err)
	}
	d.news = append(d.news, told...)

	s = step("start")
	if err := d.restart(ctx, bin); err != nil {
		return err
	}
	s.done(d.url())
	return d.provider.show(d) // with the address where it is now
}

// located refuses a server of which nobody says where it is.
func (p *project) located() error {
	if p.design.Service.Database != design.Postgres || says(p.dir, "DATABASE_URL") {
		return nil
	}
	return failf("write DATABASE_URL=postgres://USER:PASSWORD@localhost:5432/"+p.design.Service.Name+" into "+filepath.Join(p.dir, ".env"),
		"the database is PostgreSQL, and nothing says where it is")
}

// nothing is a writer for steps that nobody wants to hear of.
type nothing struct{}

func (nothing) Write(p []byte) (int, error) { return len(p), nil }

// restart replaces the process that serves. When the new one does not come up,
// the old one is started again.
func (d *dev) restart(ctx context.Context, bin string) error {
	old := d.bin
	d.serving.stop()
	d.serving = nil
	p, err := d.start(ctx, bin)
	if err != nil {
		if ctx.Err() != nil || old == "" || old == bin {
			return err
		}
		again, before := d.start(ctx, old)
		if before == nil {
			d.serving, d.bin = again, old
			return err
		}
		why := before.Error()
		if strings.Contains(why, store.ErrNewer.Error()) {
			why = "the database has migrations that it does not know. Mend the new one, or have gate migrate down take the last migration back, where nothing is lost by that"
		}
		return &fault{err: err, hint: "the version of before does not start any more either: " + why}
	}
	d.serving, d.bin, d.since = p, bin, time.Now()
	return nil
}

func (d *dev) start(ctx context.Context, bin string) (*process, error) {
	p, err := start(bin, d.p.dir, d.environment(), d.log)
	if err != nil {
		return nil, err
	}
	addr, err := p.wait(ctx)
	if err == nil {
		d.addr = addr
		err = d.answers(ctx)
	}
	if err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// answers asks the service whether it is ready.
func (d *dev) answers(ctx context.Context) error {
	client := &http.Client{Timeout: time.Second}
	url := "http://" + d.addr + "/health/ready"
	for try := 0; ; try++ {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode < 300 {
				return nil
			}
			err = fmt.Errorf("%s answers %s", url, res.Status)
		}
		if try == 50 || ctx.Err() != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (d *dev) environment() []string {
	return slices.Concat(os.Environ(), []string{
		"ADDR=" + d.addr,
		"GATE_DEV=" + d.token,
		"GATE_DEV_STATE=" + d.statePath(),
	}, d.provider.environment(), d.p.origins())
}

// url is where people find the service.
func (d *dev) url() string {
	host, port, err := net.SplitHostPort(d.addr)
	if err != nil {
		return "http://" + d.addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

func (d *dev) tellReady(firstTime bool) {
	admin := d.administrator()
	start := d.url() + "/?token=" + d.token
	event := map[string]any{"event": "ready", "url": d.url() + "/", "start": start, "api": d.url() + "/api", "docs": d.url() + "/api/docs", "ms": d.took.Milliseconds()}
	if admin.Login != "" {
		event["admin"] = map[string]any{"login": admin.Login, "file": d.administratorFile()}
	}
	accounts := d.accounts()
	if len(accounts) > 0 {
		event["seeded"] = accounts
	}
	if p := d.provider; p != nil {
		event["idp"] = map[string]any{
			"issuer": p.issuer, "audience": p.audience, "client_id": p.client, "machine_client_id": p.machine,
			"machine_client_secret": p.secret, "admin": p.admin, "admin_password": p.password,
		}
	}
	d.talk.event(event)
	d.talk.line("")
	d.talk.named("Start here", d.talk.paint(cyan, start))
	d.talk.named("REST", d.talk.paint(cyan, d.url()+"/api/docs"))
	if slices.Contains(d.p.design.Service.APIs, design.GraphQL) {
		d.talk.named("GraphQL", d.talk.paint(cyan, d.url()+"/api/graphql"))
	}
	if path, on := adminpages.PathOf(d.p.design); on {
		d.talk.named("Admin", d.talk.paint(cyan, d.url()+path))
	}
	if authsession.PagesOf(d.p.design) {
		d.talk.named("Account", d.talk.paint(cyan, d.url()+"/account"))
	}
	d.provider.tell(d.talk)
	d.tellIssuer()
	d.tellAdministrator(admin, firstTime)
	d.tellAccounts(accounts)
	d.talk.line("")
	d.talk.line("  " + d.talk.paint(bold, "Ready in "+short(d.took)+".") + " Watching " + d.p.watches() + " and *.go. Ctrl+C stops.")
	d.talk.line("")
}

// tellAdministrator names the first administrator; the password is shown once,
// and on a terminal only.
func (d *dev) tellAdministrator(a administrator, once bool) {
	if a.Login == "" {
		return
	}
	password := "password in " + d.administratorFile()
	if once && d.talk.terminal {
		password = d.talk.paint(bold, a.password)
	}
	d.talk.line("")
	roles := "" // it had every role when it was made
	if once {
		roles = "every role"
	}
	d.talk.named("Users", pad(a.Login, 27)+pad(roles, 13)+password)
}

// administrator is what the service wrote when it made its first account.
type administrator struct{ Login, password string }

func (d *dev) administratorFile() string { return filepath.Join(d.cmd.Dir, ".gate", "admin.json") }

// administrator reads {"email": …, "password": …}; what accounts log in with may
// have another name.
func (d *dev) administrator() (a administrator) {
	var fields map[string]string
	data, err := os.ReadFile(d.administratorFile())
	if err != nil || json.Unmarshal(data, &fields) != nil {
		return administrator{}
	}
	for name, value := range fields {
		if name == "password" {
			a.password = value
		} else {
			a.Login = value
		}
	}
	return a
}

func (d *dev) statePath() string {
	path, err := filepath.Abs(filepath.Join(d.p.stateDir(), "dev.json"))
	if err != nil {
		return ""
	}
	return path
}

// tellState writes what the start page shows.
func (d *dev) tellState(problem map[string]any) {
	state := map[string]any{
		"name": d.p.design.Service.Name, "gate": version(), "design": d.p.summary(),
		"database":   map[design.Database]string{design.SQLite: "SQLite", design.Postgres: "PostgreSQL"}[d.p.design.Service.Database],
		"started_in": short(d.took), "error": problem, "provider": d.provider.facts(),
	}
	data, err := json.Marshal(state)
	if err != nil {
		return
	}
	tmp := d.statePath() + ".new"
	if os.WriteFile(tmp, data, 0o600) == nil {
		_ = os.Rename(tmp, d.statePath())
	}
}

// leaveWithParent ends everything when the program that started us has gone.
// "go run" does not pass a SIGTERM on: without this the service would stay.
func leaveWithParent(stop func()) {
	exe, err := os.Executable()
	if err != nil || !strings.Contains(exe, "go-build") {
		return // started by hand
	}
	for parent := os.Getppid(); os.Getppid() == parent; {
		time.Sleep(250 * time.Millisecond)
	}
	stop()
}
