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
	Type   []string      `placeholder:"TYPE" help:"Only this type, such as s (log-in), f (failed), sapi (administration); may be given more than once."`
	User   string        `placeholder:"USER" help:"Only this user, by address or ID."`
	Since  time.Duration `placeholder:"TIME" help:"No older than this, such as 24h."`
	Limit  int           `default:"50" help:"How many to show at most, up to 1000."`
	Follow bool          `short:"f" help:"Keep printing new entries."`
}

// Example is what help ends with.
func (idpLogCmd) Example() string { return "gate idp log --type fp --since 24h" }

// Run lists the log.
func (c *idpLogCmd) Run(out *console, idp *idpCmd) error {
	if err := paged(c.Limit, 0); err != nil {
		return err
	}
	return idp.administer(out, func(a *admin) error {
		q := tenant.LogQuery{Q: c.query(time.Now()), Limit: c.Limit}
		if c.User != "" {
			u, err := whom{c.User}.find(a)
			if err != nil {
				return err
			}
			q.UserID = u.ID
		}
		shown, err := a.logs(q)
		if err != nil || !c.Follow {
			return err
		}
		return a.followLogs(q, shown)
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

// logs prints entries, the oldest first, and returns them.
func (a *admin) logs(q tenant.LogQuery) ([]*tenant.Log, error) {
	list, _, err := a.Tenant().SearchLogs(a.out, q)
	if err == nil && len(list) == 0 && strings.Contains(q.Q, "type:") && !a.json {
		a.out.talk.line("  types are those of Auth0: s and f are log-ins, fp a wrong password, seacft and seccft tokens, sapi administration")
	}
	if err == nil && len(list) == 0 {
		a.adviseFields("entry", q.UnknownFields(), tenant.LogFields())
	}
	if errors.Is(err, tenant.ErrQuery) {
		return nil, &fault{err: err, hint: "gate idp log 'type:fp AND ip:203.0.113.7'", usage: true}
	}
	if err != nil {
		return nil, err
	}
	if list == nil {
		list = []*tenant.Log{}
	}
	slices.Reverse(list)
	var rows [][]string
	for _, e := range list {
		rows = append(rows, logRow(e))
	}
	return list, a.print(list, []string{"date", "type", "who", "client", "address", "what"}, rows)
}

func logRow(e *tenant.Log) []string {
	who := e.UserName
	if who == "" {
		who = e.UserID
	}
	return []string{e.Date.Local().Format("2006-01-02 15:04:05"), e.Type, who, e.ClientName, e.IP, e.Description}
}

// followLogs prints what comes after entries that were shown, until it is
// interrupted. It starts at the first of them: what another process writes late
// stands between them.
func (a *admin) followLogs(q tenant.LogQuery, shown []*tenant.Log) error {
	seen := map[string]bool{}
	for _, e := range shown {
		seen[e.ID] = true
	}
	q.Limit, q.Take = 0, 100
	if len(shown) > 0 {
		q.From = shown[0].ID
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
		if a.out.Err() != nil {
			return nil //nolint:nilerr // interrupted is how it ends
		}
		if err != nil {
			return err
		}
		for _, e := range list {
			if q.From = e.ID; seen[e.ID] {
				continue
			}
			if err := a.logLine(e); err != nil {
				return err
			}
		}
	}
}

func (a *admin) logLine(e *tenant.Log) error {
	if a.json {
		return printJSON(a.out.stdout, e)
	}
	return table(a.out.stdout, nil, [][]string{logRow(e)})
}
