package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/store"
)

// How long after the opening statistics are looked at for the first time, and how
// often at least from then on: each time waits for twice as long as the one before.
var (
	firstUpkeep = time.Second
	lastUpkeep  = time.Hour
)

// readerLife is how long a reader lives: statistics are read by a connection when it
// is opened.
const readerLife = 15 * time.Minute

// upkeep counts what is in the indexes, from time to time, until stop is called: SQLite
// chooses between them by that, and without it takes the wrong one of two for a
// condition on many rows. Where nothing has grown tenfold there is nothing to do, and
// what there is looks at some thousand rows of an index. That others have the file, or
// that it is full, is told by the next write.
func upkeep(write *sql.DB) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	wait, most := firstUpkeep, lastUpkeep
	go func() {
		defer close(ended)
		for ; ; wait = min(2*wait, most) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
				_ = count(ctx, write)
			}
		}
	}()
	return func() { cancel(); <-ended }
}

// count brings the statistics up to date. It is one transaction, so that no connection
// reads them before they are mended.
func count(ctx context.Context, write *sql.DB) (err error) {
	c, err := write.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for _, stmt := range []string{"BEGIN", "PRAGMA optimize = 0x10012"} { // all tables, some rows
		if _, err = c.ExecContext(ctx, stmt); err != nil {
			break
		}
	}
	if err == nil {
		err = mend(ctx, c)
	}
	ended := context.WithoutCancel(ctx)
	if err == nil {
		if _, err = c.ExecContext(ended, "COMMIT"); err == nil {
			return nil
		}
	}
	if _, undone := c.ExecContext(ended, "ROLLBACK"); undone != nil { // nobody else may come into this transaction
		err = errors.Join(err, undone, c.Raw(func(any) error { return driver.ErrBadConn }))
	}
	return err
}

// sampled is how many keys of an index are looked at.
const sampled = 2000

// A figure is what the statistics say of an index whose first column may be empty.
type figure struct {
	table, index, column, stat string
	alone                      bool // the column is unique by itself
}

// mend counts such indexes once more, without the rows in which the column is empty.
// SQLite counts those as rows of one value: where most are, it takes each look-up of a
// value for one that finds most rows, and reads the table instead of the index.
func mend(ctx context.Context, c *sql.Conn) error {
	figures, err := optional(ctx, c)
	if err != nil {
		return err
	}
	changed := false
	for _, f := range figures {
		each := 1
		if !f.alone {
			//nolint:gosec // names that the database itself told, quoted
			of := fmt.Sprintf(`SELECT max(1, count(*) / max(1, count(DISTINCT v))) FROM (SELECT %[1]s AS v FROM %[2]s INDEXED BY %[3]s WHERE %[1]s IS NOT NULL LIMIT %[4]d)`,
				store.SQLite.Quote(f.column), store.SQLite.Quote(f.table), store.SQLite.Quote(f.index), sampled)
			if err = c.QueryRowContext(ctx, of).Scan(&each); err != nil {
				return err
			}
		}
		// All rows, then for each column how many have one value of it and of those before.
		words := strings.Fields(f.stat)
		for i := 1; i < len(words); i++ {
			if n, err := strconv.Atoi(words[i]); err == nil && (i == 1 || n > each) {
				words[i] = strconv.Itoa(each)
			}
		}
		if stat := strings.Join(words, " "); stat != f.stat {
			changed = true
			if _, err = c.ExecContext(ctx, `UPDATE sqlite_stat1 SET stat = $1 WHERE tbl = $2 AND idx = $3`, stat, f.table, f.index); err != nil {
				return err
			}
		}
	}
	if changed {
		_, err = c.ExecContext(ctx, "ANALYZE sqlite_schema") // which has this connection read them
	}
	return err
}

// optional returns what is known of indexes that begin with a column that may be empty.
// Of those for some rows only, those whose column is unique by itself.
func optional(ctx context.Context, c *sql.Conn) (figures []figure, err error) {
	rows, err := c.QueryContext(ctx, `SELECT s.tbl, s.idx, f.name, s.stat,
		l."unique" AND (SELECT count(*) FROM pragma_index_info(s.idx)) = 1 AS alone
		FROM sqlite_stat1 AS s JOIN pragma_index_list(s.tbl) AS l ON l.name = s.idx
		JOIN pragma_index_info(s.idx) AS i ON i.seqno = 0
		JOIN pragma_table_info(s.tbl) AS f ON f.cid = i.cid
		WHERE NOT f."notnull" AND NOT f.pk AND (alone OR NOT l.partial)`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Err(), rows.Close()) }()
	for rows.Next() {
		var f figure
		if err := rows.Scan(&f.table, &f.index, &f.column, &f.stat, &f.alone); err != nil {
			return nil, err
		}
		figures = append(figures, f)
	}
	return figures, nil
}
