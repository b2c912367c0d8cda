package cli

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/tenant"
)

type idpLogCmd struct {
	Query  string        `arg:"" optional:"" help:"As Auth0's log search has it: type:fp AND ip:203.0.113.7."`
	Type   []string      `placeholder:"TYPE" help:"Of this type, such as s (log-in), f (failed), sapi (administration); may be given more than once."`
	User   string        `placeholder:"USER" help:"Of this user, by address or ID."`
	Since  time.Duration `placeholder:"TIME" help:"No older than this, such as 24h."`
	Limit  int           `default:"50" help:"The most that are shown, 1000 at most."`
	Follow bool          `short:"f" help:"Go on with what happens."`
}

// Example is what help ends with.
func (idpLogCmd) Example() string { return "gate idp log --type fp --since 24h" }

// Run lists the log.
func (c *idpLogCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		q := tenant.LogQuery{Q: c.query(time.Now()), Limit: c.Limit}
		if c.User != "" {
			u, err := whom{c.User}.find(a)
			if err != nil {
				return err
			}
			q.UserID = u.ID
		}
		if !c.Follow {
			return a.logs(q)
		}
		return a.followLogs(q)
	})
}

// query puts the flags together.
func (c *idpLogCmd) query(now time.Time) string {
	var parts []string
	if c.Query != "" {
		parts = append(parts, "("+c.Query+")")
	}
	var types []string
	for _, t := range c.Type {
		types = append(types, `type:"`+strings.ReplaceAll(t, `"`, "")+`"`)
	}
	if len(types) > 0 {
		parts = append(parts, "("+strings.Join(types, " OR ")+")")
	}
	if c.Since > 0 {
		parts = append(parts, "date:["+now.Add(-c.Since).UTC().Format("2006-01-02T15:04:05.000Z")+" TO *]")
	}
	return strings.Join(parts, " AND ")
}

// logs prints entries, the oldest first.
func (a *admin) logs(q tenant.LogQuery) error {
	list, _, err := a.Tenant().SearchLogs(a.out, q)
	if err == nil && len(list) == 0 && strings.Contains(q.Q, "type:") && !a.json {
		a.out.talk.line("  types are those of Auth0: s and f are log-ins, fp a wrong password, seacft and seccft tokens, sapi administration")
	}
	if errors.Is(err, tenant.ErrQuery) {
		return &fault{err: err, hint: "gate idp log 'type:fp AND ip:203.0.113.7'", usage: true}
	}
	if err != nil {
		return err
	}
	if list == nil {
		list = []*tenant.Log{}
	}
	slices.Reverse(list)
	var rows [][]string
	for _, e := range list {
		rows = append(rows, logRow(e))
	}
	return a.print(list, []string{"date", "type", "who", "client", "address", "what"}, rows)
}

func logRow(e *tenant.Log) []string {
	who := e.UserName
	if who == "" {
		who = e.UserID
	}
	return []string{e.Date.Local().Format("2006-01-02 15:04:05"), e.Type, who, e.ClientName, e.IP, e.Description}
}

// followLogs prints the last entries, and then what comes, until it is
// interrupted.
func (a *admin) followLogs(q tenant.LogQuery) error {
	if err := a.logs(q); err != nil {
		return err
	}
	last, _, err := a.Tenant().SearchLogs(a.out, tenant.LogQuery{Limit: 1})
	if err != nil {
		return err
	}
	q.Limit, q.Take = 0, 100
	if len(last) > 0 {
		q.From = last[0].ID
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-a.out.Done():
			return nil
		case <-tick.C:
		}
		list, _, err := a.Tenant().SearchLogs(a.out, q)
		if err != nil {
			if a.out.Err() != nil {
				return nil
			}
			return err
		}
		for _, e := range list {
			q.From = e.ID
			if a.json {
				err = printJSON(a.out.stdout, e)
			} else {
				err = table(a.out.stdout, nil, [][]string{logRow(e)})
			}
			if err != nil {
				return err
			}
		}
	}
}
