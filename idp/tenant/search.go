package tenant

import (
	"context"
	"fmt"
	"strings"

	"github.com/gatewright/gate/idp/tenant/internal/lucene"
)

// A UserQuery says which users [Store.SearchUsers] returns. The zero value
// means the fifty oldest.
type UserQuery struct {
	// Q is a query in the subset of Lucene that Auth0's user search v3 reads:
	//
	//	email:"ada@example.com"          the address, in lower case
	//	name:ada*  name:*love*           patterns; three characters after a leading wildcard
	//	logins_count:[10 TO *}           ranges, also of times and metadata
	//	_exists_:app_metadata.plan       also app_metadata.plan:*
	//	identities.connection:github     of any identity
	//	email.domain:example.com
	//	NOT blocked:true AND (a OR b)
	//
	// A bare word stands for users whose address, name, nickname, user name or
	// ID begins with it. Of an array in the metadata each element counts. IDs,
	// addresses and connections compare exactly, everything else without
	// regard to case. Empty means all.
	Q string
	// Sort is a field and 1 or -1, as in "email:1"; empty means created_at:1.
	Sort string
	// Connection is the name of the connection of the first identity; empty
	// means all.
	Connection string
	// Offset is how many users are left out.
	Offset int
	// Limit is the most that are returned; zero means 50, and 1000 is the most.
	Limit int
	// Total asks for how many there are besides.
	Total bool
}

// The bounds of a page.
const (
	defaultPage = 50
	maxPage     = 1000
)

// SearchUsers returns the users that a query describes and, when it asks for
// the total, how many there are. A query that cannot be read is [ErrQuery], and
// the error says where.
//
// Addresses, IDs, connections and times of creation are searched by index; the
// rest reads every user.
func (s *Store) SearchUsers(ctx context.Context, q UserQuery) (users []*User, total int, err error) {
	c := &compiler{dialect: s.db.Dialect(), table: &userTable}
	where, err := c.where(q.Q)
	if err != nil {
		return nil, 0, err
	}
	if q.Connection != "" {
		where = "u.connection = " + c.text(q.Connection) + " AND " + where
	}
	leave, err := s.rooms.enter(ctx, q.Q)
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	if q.Total {
		if total, err = s.count(ctx, "idp_users u WHERE "+where, c.args); err != nil {
			return nil, 0, err
		}
	}
	order, err := c.order(q.Sort, "created_at:1", "u.id")
	if err != nil {
		return nil, 0, err
	}
	page, err := c.page(q.Offset, q.Limit)
	if err != nil {
		return nil, 0, err
	}
	users, err = s.users(ctx, "SELECT "+userColumns+" FROM idp_users u WHERE "+where+order+page, c.args...)
	return users, total, err
}

func (s *Store) count(ctx context.Context, from string, args []any) (n int, err error) {
	if err := s.db.Read().QueryRowContext(ctx, "SELECT COUNT(*) FROM "+from, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count: %w", s.db.Wrap(err))
	}
	return n, nil
}

// page returns the end of a query for a page.
func (c *compiler) page(offset, limit int) (string, error) {
	if limit == 0 {
		limit = defaultPage
	}
	if offset < 0 || limit < 0 || limit > maxPage {
		return "", fmt.Errorf("%w: offset %d or limit %d out of bounds", ErrQuery, offset, limit)
	}
	return fmt.Sprintf(" LIMIT %d OFFSET %d", limit, offset), nil
}

// order returns the ORDER BY of a sort such as "email:-1". The key decides
// between equals, so that pages neither overlap nor leave a gap.
func (c *compiler) order(sort, otherwise, key string) (string, error) {
	if sort == "" {
		sort = otherwise
	}
	field, direction, _ := strings.Cut(sort, ":")
	nulls := ""
	switch direction {
	case "1":
		direction, nulls = " ASC", " NULLS FIRST"
	case "-1":
		direction, nulls = " DESC", " NULLS LAST"
	default:
		return "", fmt.Errorf("%w: sort %q is not a field, a colon and 1 or -1", ErrQuery, sort)
	}
	column, ok := c.table.columns[field]
	switch {
	case ok && column.name == key:
		return " ORDER BY " + key + direction, nil
	case ok:
		return " ORDER BY " + column.name + direction + ", " + key + direction, nil
	}
	segments, err := pathOf(new(lucene.Expr), field)
	if err != nil {
		return "", err
	}
	return " ORDER BY " + c.memberText(segments) + direction + nulls + ", " + key + direction, nil
}

// userTable are the fields of users.
//
//nolint:gochecknoglobals // constant
var userTable = searchable{
	doc: "u.doc",
	columns: map[string]searchColumn{
		"user_id":      {"u.id", exactText},
		"email":        {"u.email", mailText},
		"email.raw":    {"u.email", exactText},
		"name":         {"u.name", foldedText},
		"blocked":      {"u.blocked", truth},
		"created_at":   {"u.created_at", instantMillis},
		"updated_at":   {"u.updated_at", instantMillis},
		"last_login":   {"u.last_login_at", instantMillis},
		"last_ip":      {"u.last_ip", exactText},
		"logins_count": {"u.logins_count", wholeNumber},
	},
	bare:    []string{"email", "name", "nickname", "username", "user_id"},
	special: userSpecial,
}

// identityColumns are the fields of identities.
//
//nolint:gochecknoglobals // constant
var identityColumns = map[string]searchColumn{
	"connection": {"i.connection", exactText},
	"provider":   {"i.provider", exactText},
	"user_id":    {"i.subject", exactText},
	"isSocial":   {"i.social", truth},
}

// userSpecial compiles the fields that are kept elsewhere.
func userSpecial(c *compiler, e *lucene.Expr) (sql string, ok bool, err error) {
	if e.Field == "email.domain" {
		sql, err := c.domain(e)
		return sql, true, err
	}
	field, ok := strings.CutPrefix(e.Field, "identities.")
	if !ok {
		return "", false, nil
	}
	if column, known := identityColumns[field]; known {
		sql, err = c.column(column, e)
	} else if path, known := strings.CutPrefix(field, "profileData."); known {
		sql, err = c.member("i.profile", path, e)
	} else {
		err = refuse(e, "identities have connection, provider, user_id, isSocial and profileData")
	}
	return "EXISTS (SELECT 1 FROM idp_identities i WHERE i.user_id = u.id AND " + sql + ")", true, err
}

// domain compiles a term about the domain of the address.
func (c *compiler) domain(e *lucene.Expr) (string, error) {
	switch e.Op { //nolint:exhaustive // the rest is for expr
	case lucene.Exists:
		return "u.email <> ''", nil
	case lucene.Range:
		return "", refuse(e, "a domain has no range")
	}
	p := lucene.Pattern{Parts: append([]string{""}, e.Pattern.Parts...)}
	p.Parts[1] = "@" + p.Parts[1]
	return c.folded("u.email", p), nil
}
