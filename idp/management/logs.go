package management

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

func showLog(l *tenant.Log) (object, error) {
	o, err := view(l)
	if err == nil {
		o.set("_id", l.ID)
		o.set("isMobile", false)
	}
	return o, err
}

// badSearch says what is wrong with a query of users or logs.
func badSearch(err error) error {
	if errors.Is(err, tenant.ErrQuery) {
		return &problem{status: 400, message: shape.Cut(err.Error(), 300), code: "invalid_query_string"}
	}
	return err
}

func (a *API) listLogs(ctx context.Context, q *request) (answer, error) { return a.logs(ctx, q, "") }

func (a *API) listUserLogs(ctx context.Context, q *request) (answer, error) {
	if _, err := a.store.User(ctx, q.id("user")); err != nil {
		return answer{}, noUser(err)
	}
	return a.logs(ctx, q, q.id("user"))
}

func (a *API) logs(ctx context.Context, q *request, user string) (answer, error) {
	p, err := q.page()
	if err != nil {
		return answer{}, err
	}
	look := tenant.LogQuery{Q: q.query.Get("q"), UserID: user}
	if p.checkpoint {
		look.From, look.Take = p.from, p.size
	} else {
		look.Sort, look.Offset, look.Limit, look.Total = q.query.Get("sort"), p.start(), p.size, p.totals
	}
	found, total, err := a.store.SearchLogs(ctx, look)
	if err != nil {
		return answer{}, badSearch(err)
	}
	s := part{key: "logs", total: total, length: true, unknown: !p.totals, items: []object{}}
	for _, l := range found {
		o, err := showLog(l)
		if err != nil {
			return answer{}, err
		}
		s.items = append(s.items, q.pick(o))
	}
	if !p.checkpoint {
		return q.show(p, s)
	}
	ans := answer{status: 200, body: s.items} // a bare array, and the header says where to go on
	if len(found) > 0 {
		ans.link = q.link(map[string]string{"next": found[len(found)-1].ID})
	}
	return ans, nil
}

func (a *API) getLog(ctx context.Context, q *request) (answer, error) {
	l, err := a.store.LogEntry(ctx, q.id("log"))
	if err != nil {
		return answer{}, orAbsent(err, "The log event does not exist", "inexistent_log")
	}
	o, err := showLog(l)
	return answer{status: 200, body: o}, err
}

const day = 24 * time.Hour

// dailyStats counts log-ins and sign-ups a day.
func (a *API) dailyStats(ctx context.Context, q *request) (answer, error) {
	from, to, err := a.days(q)
	if err != nil {
		return answer{}, err
	}
	type count struct {
		Date    string `json:"date"`
		Logins  int    `json:"logins"`
		Signups int    `json:"signups"`
		Leaked  int    `json:"leaked_passwords"`
	}
	list := []count{}
	for d := from; !d.After(to); d = d.AddDate(0, 0, 1) {
		list = append(list, count{Date: timeText(d)})
	}
	counts, err := a.store.LoginsByDay(ctx, from, to.AddDate(0, 0, 1))
	if err != nil {
		return answer{}, err
	}
	for _, n := range counts {
		c := &list[int(n.Day.Sub(from)/day)]
		switch n.Type {
		case "s":
			c.Logins = n.N
		case "ss":
			c.Signups = n.N
		case "pwd_leak":
			c.Leaked = n.N
		}
	}
	return answer{status: 200, body: list}, nil
}

// days reads the parameters from and to, YYYYMMDD: the last 30 days when they are
// not there.
func (a *API) days(q *request) (from, to time.Time, err error) {
	to = a.now().UTC().Truncate(24 * time.Hour)
	from = to.AddDate(0, 0, -29)
	for name, t := range map[string]*time.Time{"from": &from, "to": &to} {
		s := q.query.Get(name)
		if s == "" {
			continue
		}
		if *t, err = time.Parse("20060102", s); err != nil {
			return from, to, badQuery("'Object didn't pass validation for format YYYYMMDD' on property %s.", name)
		}
	}
	if from.After(to) || to.Sub(from) > 366*24*time.Hour {
		return from, to, badQuery("'has to be before to, by at most %s days' on property from.", strconv.Itoa(366))
	}
	return from, to, nil
}

// activeUsers counts the users who logged in within 30 days.
func (a *API) activeUsers(ctx context.Context, _ *request) (answer, error) {
	n, err := a.store.ActiveUsers(ctx, a.now().Add(-30*day))
	return answer{status: 200, body: n}, err
}
