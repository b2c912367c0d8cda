package cli

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/typo"
)

type idpLogCmd struct {
	Query  string   `arg:"" optional:"" help:"As Auth0's log search has it: type:fp AND ip:203.0.113.7."`
	Type   []string `placeholder:"TYPE" help:"Only this type, such as s (log-in), f (failed), sapi (administration); may be given more than once."`
	User   string   `placeholder:"USER" help:"Only this user, by address or ID."`
	Since  string   `placeholder:"TIME" help:"No older than this: 90m, 24h, 7d, a day such as 2026-11-21, or a moment such as 2026-11-21T08:00:00Z."`
	Limit  int      `default:"50" help:"How many to show at most, up to 1000."`
	Follow bool     `short:"f" help:"Keep printing new entries."`
}

// Example is what help ends with.
func (idpLogCmd) Example() string { return "gate idp log --type fp --since 24h" }

// Run lists the log.
func (c *idpLogCmd) Run(out *console, idp *idpCmd) error {
	if err := paged(c.Limit, 0); err != nil {
		return err
	}
	if err := knownTypes(c.Type); err != nil {
		return err
	}
	since, err := sinceTime(c.Since, time.Now())
	if err != nil {
		return err
	}
	return idp.administer(out, func(a *admin) error {
		q := tenant.LogQuery{Q: c.query(since), Limit: c.Limit}
		if c.User != "" {
			u, err := whom{c.User}.find(a)
			if err != nil {
				return err
			}
			q.UserID = u.ID
		}
		shown, err := a.logs(q)
		if err == nil && len(shown) == 0 && strings.Contains(q.Q, "type:") && !a.json {
			a.out.talk.line("  " + kindsOfLog)
		}
		if err != nil || !c.Follow {
			return err
		}
		return a.followLogs(q, shown)
	})
}

// kindsOfLog says which types there are.
const kindsOfLog = "types are those of Auth0: s and f are log-ins, fp a wrong password, seacft and seccft tokens, sapi administration"

// knownTypes refuses a type that no entry has.
func knownTypes(types []string) error {
	for _, t := range types {
		if known := tenant.LogTypes(); !slices.Contains(known, t) {
			hint := kindsOfLog
			if meant := typo.Nearest(t, known); meant != "" {
				hint = "did you mean " + meant + "? " + hint
			}
			return misused(hint, "no entry of the log has the type %q; there are %s", t, strings.Join(known, ", "))
		}
	}
	return nil
}

// sinceTime reads how far the log is looked at; the zero time is all of it.
func sinceTime(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil && n > 0 {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, now.Location()); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		err = misused("write how long ago (90m, 24h, 7d), a day (2026-11-21) or a moment (2026-11-21T08:00:00Z)", "--since %q is no time", text)
	}
	return t, err
}

// query puts the flags together.
func (c *idpLogCmd) query(since time.Time) string {
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
	if !since.IsZero() {
		parts = append(parts, "date:["+since.UTC().Format("2006-01-02T15:04:05.000Z")+" TO *]")
	}
	return strings.Join(parts, " AND ")
}

// logs prints entries, the oldest first, and returns them.
func (a *admin) logs(q tenant.LogQuery) ([]*tenant.Log, error) {
	list, _, err := a.Tenant().SearchLogs(a.out, q)
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
