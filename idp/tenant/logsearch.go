package tenant

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A LogQuery says which log entries [Store.SearchLogs] returns. The zero value
// means the fifty newest.
type LogQuery struct {
	// Q is a query as in [UserQuery], about the members of [Log]:
	//
	//	type:fp AND user_name:"ada@example.com"
	//	date:[2026-01-01 TO 2026-01-31]
	//
	// A bare word stands for entries whose description, user name or user
	// agent begins with it, or whose type or address it is. Empty means all.
	Q string
	// From and Take page by checkpoint, the oldest first: Take entries after
	// the one with the ID From, from the oldest on when that is empty. Entries
	// appear there two seconds after they were recorded: until then another
	// process may still write one that comes before them. Sort and Offset are
	// not for that.
	From string
	Take int
	// Sort is a field and 1 or -1; empty means date:-1.
	Sort string
	// Offset is how many entries are left out.
	Offset int
	// Limit is the most that are returned; zero means 50, and 1000 is the most.
	Limit int
	// UserID is whose entries are returned; empty means everybody's.
	UserID string
	// Total asks for how many there are besides.
	Total bool
}

// SearchLogs returns the log entries that a query describes and, when it asks
// for the total, how many there are. A query that cannot be read is [ErrQuery],
// and the error says where.
func (s *Store) SearchLogs(ctx context.Context, q LogQuery) (logs []*Log, total int, err error) {
	c := &compiler{dialect: s.db.Dialect(), table: &logTable}
	where, err := c.where(q.Q)
	if err != nil {
		return nil, 0, err
	}
	if q.UserID != "" {
		where = "l.user_id = " + c.text(q.UserID) + " AND " + where
	}
	leave, err := s.rooms.enter(ctx, q.Q)
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	if q.Total {
		if total, err = s.count(ctx, "idp_logs l WHERE "+where, c.args); err != nil {
			return nil, 0, err
		}
	}
	where, end, err := c.logPage(q, where, logID(s.now().Add(-settle)))
	if err != nil {
		return nil, 0, err
	}
	logs, err = s.logRows(ctx, "SELECT l.doc FROM idp_logs l WHERE "+where+end, c.args...)
	return logs, total, err
}

// settle is how long an entry waits before it is paged by checkpoint. Whoever
// reads on from a checkpoint never sees what is written before it later: IDs are
// given when something happens, and each process writes when it comes to it.
const settle = 2 * time.Second

// logPage returns the condition of a query and its end. Pages by checkpoint end
// before the ID settled.
func (c *compiler) logPage(q LogQuery, where, settled string) (condition, end string, err error) {
	if q.From == "" && q.Take == 0 {
		// IDs count up with the time, and every index of the table has them.
		if direction, ok := strings.CutPrefix(q.Sort, "date:"); ok {
			q.Sort = "log_id:" + direction
		}
		order, err := c.order(q.Sort, "log_id:-1", "l.id")
		if err != nil {
			return "", "", err
		}
		page, err := c.page(q.Offset, q.Limit)
		return where, order + page, err
	}
	if q.Sort != "" || q.Offset != 0 {
		return "", "", fmt.Errorf("%w: a checkpoint has neither sort nor offset", ErrQuery)
	}
	if q.From != "" {
		where = "l.id > " + c.text(q.From) + " AND " + where
	}
	where = "l.id < " + c.text(settled) + " AND " + where
	limit := q.Take
	if limit == 0 {
		limit = q.Limit
	}
	page, err := c.page(0, limit)
	return where, " ORDER BY l.id" + page, err
}

// logTable are the fields of log entries.
//
//nolint:gochecknoglobals // constant
var logTable = searchable{
	doc: "l.doc",
	columns: map[string]searchColumn{
		"log_id":     {"l.id", exactText},
		"_id":        {"l.id", exactText},
		"date":       {"l.date", instantMillis},
		"type":       {"l.type", exactText},
		"user_id":    {"l.user_id", exactText},
		"client_id":  {"l.client_id", exactText},
		"connection": {"l.connection", exactText},
		"ip":         {"l.ip", exactText},
	},
	bare: []string{"type", "ip", "user_name", "description", "user_agent"},
}
