package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/tenant"
)

type idpExportCmd struct {
	File         string   `arg:"" help:"File to write, which must not exist; - is standard output."`
	Users        bool     `help:"Only the users, one JSON object a line as Auth0 exports them."`
	CSV          bool     `name:"csv" help:"With --users, as a table."`
	Connection   string   `placeholder:"NAME" help:"With --users, only this connection."`
	Field        []string `placeholder:"NAME" help:"With --users, this field of each, such as email or app_metadata.plan; may be given more than once."`
	Secrets      bool     `help:"Include secrets and password hashes: keep the file as safe as the database."`
	WithoutUsers bool     `help:"Without users."`
}

// Example is what help ends with.
func (idpExportCmd) Example() string { return "gate idp export tenant.ndjson --secrets" }

// Run writes a tenant or its users.
func (c *idpExportCmd) Run(out *console, idp *idpCmd) error {
	if !c.Users && (c.CSV || c.Connection != "" || len(c.Field) > 0) || c.Users && c.WithoutUsers {
		return misused("gate idp export --help says which belong together", "these flags do not go together")
	}
	return idp.administer(out, func(a *admin) (err error) {
		if c.Connection != "" {
			conn, err := a.connection(c.Connection)
			if err != nil {
				return err
			}
			c.Connection = conn.Name
		}
		w, closeFile, err := create(c.File, out.stdout)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeFile(err == nil)) }()
		a.Tenant().Record(out, tenant.Log{Type: "mgmt_api_read", UserID: config.Administrator, ClientID: config.Administrator, Description: "tenant exported by gate idp"})
		buffered := bufio.NewWriter(w)
		if c.Users {
			opts := tenant.ExportOptions{Connection: c.Connection, Hashes: c.Secrets}
			if c.CSV {
				opts.Format = tenant.CSV
			}
			for _, f := range c.Field {
				opts.Fields = append(opts.Fields, tenant.ExportField{Name: f})
			}
			err = a.Tenant().ExportUsers(out, buffered, opts)
		} else {
			err = a.Tenant().Export(out, buffered, tenant.DumpOptions{Secrets: c.Secrets, WithoutUsers: c.WithoutUsers})
		}
		if err = errors.Join(err, buffered.Flush()); err != nil {
			return err
		}
		if c.File != "-" {
			a.done("wrote %s", c.File)
		}
		if c.Users {
			return nil
		}
		return a.adviseDevelopment()
	})
}

// adviseDevelopment says what of an export development made, for which no other provider
// has a use.
func (a *admin) adviseDevelopment() error {
	clients, err := a.Tenant().Clients.List(a.out)
	if err != nil {
		return err
	}
	connections, err := a.Tenant().Connections.List(a.out)
	if err != nil {
		return err
	}
	advise := func(what, name string) {
		a.out.talk.line("  " + plain("the file has the "+what+" "+name+", which is for development alone: where it is imported, gate idp "+what+" delete "+name))
	}
	for _, c := range clients {
		if isTryClient(c) {
			advise("client", c.Name)
		}
	}
	for _, c := range connections {
		if imitates(c) {
			advise("connection", c.Name)
		}
	}
	return nil
}

// create opens a file that was not there for its owner alone. What became of an
// export that failed is removed.
func create(name string, stdout io.Writer) (io.Writer, func(good bool) error, error) {
	if name == "-" {
		return onTerminal(stdout), func(bool) error { return nil }, nil
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, nil, failf("name another file", "%s exists already", name)
	}
	return f, func(good bool) error {
		err := f.Close()
		if !good || err != nil {
			return errors.Join(err, os.Remove(name))
		}
		return nil
	}, err
}

type idpImportCmd struct {
	File       string `arg:"" help:"File that gate idp export wrote, or with --connection one of users; - is standard input."`
	Connection string `placeholder:"NAME" help:"Connection that users of Auth0's bulk import or export go into."`
	Upsert     bool   `help:"With --connection, change users who are there already."`
}

// Help says what the formats are.
func (idpImportCmd) Help() string {
	return "Without --connection it is a tenant: what is there is changed, what is not is added, nothing is deleted. " +
		"With --connection it is users, as Auth0's bulk import takes them (a JSON array) or Auth0 exports them (an object a line). It exits with 1 when a row could not be read."
}

// Example is what help ends with.
func (idpImportCmd) Example() string {
	return "gate idp import users.json --connection Username-Password-Authentication"
}

// Run reads a tenant or users.
func (c *idpImportCmd) Run(out *console, idp *idpCmd) error {
	if c.Upsert && c.Connection == "" {
		return misused("gate idp import users.json --connection NAME --upsert; a tenant's file changes what is there anyway", "--upsert is for users of a connection, and none is named")
	}
	return idp.administer(out, func(a *admin) error {
		in := out.stdin
		if c.File != "-" {
			f, err := os.Open(c.File)
			if err != nil {
				return err
			}
			defer f.Close()
			in = f
		}
		report, err := c.read(a, in)
		counted := slices.ContainsFunc(report.Errors, func(e tenant.RowError) bool { return e.Row != e.Line })
		for _, e := range report.Errors {
			row := ""
			if counted { // a line may hold several
				row = fmt.Sprintf("row %d: ", e.Row)
			}
			out.talk.line("  " + out.talk.paint(yellow, "!") + " " + plain(fmt.Sprintf("%s:%d: %s%s%v", c.File, e.Line, row, named(e.User), e.Err)))
		}
		a.Tenant().Record(out, tenant.Log{
			Type: "sapi", UserID: config.Administrator, ClientID: config.Administrator, Description: "import by gate idp",
			Details: map[string]any{"inserted": report.Inserted, "updated": report.Updated, "failed": report.Failed},
		})
		if errors.Is(err, tenant.ErrNoExport) {
			return failf("users go into a connection: --connection NAME, of those that gate idp connection list shows", "%s: %w", c.File, err)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
		if a.json {
			err = printJSON(out.stdout, report)
		} else {
			a.result(report.Failed == 0, "%d added, %d changed, %d refused of %d", report.Inserted, report.Updated, report.Failed, report.Total)
		}
		if err == nil && report.Failed > 0 {
			return errReported
		}
		return err
	})
}

func named(user string) string {
	if user == "" {
		return ""
	}
	return user + ": "
}

func (c *idpImportCmd) read(a *admin, in io.Reader) (tenant.ImportReport, error) {
	if c.Connection == "" {
		return a.Admin.Import(a.out, in)
	}
	connection, err := a.database(c.Connection)
	if err != nil {
		return tenant.ImportReport{}, err
	}
	return a.Tenant().ImportUsers(a.out, in, tenant.ImportOptions{Connection: connection.Name, Upsert: c.Upsert, Job: "gate idp"})
}
