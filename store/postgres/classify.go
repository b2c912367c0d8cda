package postgres

import (
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gatewright/gate/store"
)

// classify reads an error of the driver.
func classify(err error) store.Problem {
	if e, ok := errors.AsType[*pgconn.ConnectError](err); ok && e != nil {
		return store.Problem{Kind: store.Unavailable}
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return server(e)
	}
	switch {
	case pgconn.Timeout(err):
		return store.Problem{Kind: store.Unavailable}
	case pgconn.SafeToRetry(err): // the connection broke before anything was sent
		return store.Problem{Kind: store.Unavailable, Retry: true}
	case errors.Is(err, io.ErrUnexpectedEOF): // the server died in the middle of a statement
		return store.Problem{Kind: store.Unavailable}
	}
	return store.Problem{}
}

// server reads an error that the server sent, by its code (SQLSTATE).
func server(e *pgconn.PgError) store.Problem {
	p := store.Problem{Table: e.TableName, Constraint: e.ConstraintName}
	switch e.Code {
	case "23505", "23P01": // unique_violation, exclusion_violation
		p.Kind, p.Columns = store.Unique, keyColumns(e.Detail)
	case "23503", "23001": // foreign_key_violation, restrict_violation
		p.Kind, p.Columns = store.ForeignKey, keyColumns(e.Detail)
	case "23502": // not_null_violation
		p.Kind, p.Columns = store.NotNull, []string{e.ColumnName}
	case "23514": // check_violation
		p.Kind = store.Check
	case "54000": // program_limit_exceeded
		if e.ConstraintName == "" {
			return store.Problem{}
		}
		p.Kind = store.TooLong // of an entry of an index, which is a third of a page at most
	case "40001", "40P01", "55P03": // serialization_failure, deadlock_detected, lock_not_available
		return store.Problem{Kind: store.Unavailable, Retry: true}
	case "57014", "25006": // query_canceled (statement_timeout), read_only_sql_transaction (a standby)
		return store.Problem{Kind: store.Unavailable}
	default:
		if aboutServer(e.Code) {
			return store.Problem{Kind: store.Unavailable}
		}
		return store.Problem{}
	}
	return p
}

// aboutServer reports whether a code is about the server, not about the data.
func aboutServer(code string) bool {
	if len(code) != 5 {
		return false
	}
	switch code[:2] {
	case "08", // connection exception
		"28", // invalid authorization
		"53", // insufficient resources: disk full, too many connections
		"58", // system error, such as I/O
		"XX": // internal error, corrupted data
		return true
	}
	return strings.HasPrefix(code, "57P") // shutting down, starting up
}

// keyOf finds the columns in "Key (tenant, email)=(…) already exists."; the
// words around them depend on the server's language.
var keyOf = regexp.MustCompile(`\(([a-z_][a-z0-9_$]*(?:, [a-z_][a-z0-9_$]*)*)\)=\(`)

// keyColumns returns the columns that detail names before the values. It
// answers nil for expressions and for names in quotes; the constraint's name
// says enough then.
func keyColumns(detail string) []string {
	match := keyOf.FindStringSubmatchIndex(detail)
	if match == nil || strings.Count(detail[:match[0]], "(") > 0 {
		return nil // a value can look like a key, and values stay inside
	}
	return strings.Split(detail[match[2]:match[3]], ", ")
}
