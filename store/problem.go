package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"os"
	"strconv"
)

// An Error is a condition that callers act on; a target for errors.Is.
type Error string

// Error returns the condition in words.
func (e Error) Error() string { return string(e) }

// The conditions.
const (
	// ErrUnavailable means that the database could not answer: it is locked,
	// full, unreachable, overloaded or too slow, or the caller's context
	// ended. Nothing is known about the data. Callers answer 503.
	ErrUnavailable Error = "store unavailable"
	// ErrBusy means that the caller has as much under way as it may have. Callers
	// answer 429.
	ErrBusy Error = "too much under way"
	// ErrChanged means that a migration was edited after it had been applied.
	ErrChanged Error = "applied migration was changed"
	// ErrNewer means that the database is ahead of the program.
	ErrNewer Error = "database is newer than this program"
	// ErrGap means that a migration is missing between two that are there.
	ErrGap Error = "migrations have a gap"
	// ErrNoWayBack means that a migration cannot be taken back, or that none was
	// applied.
	ErrNoWayBack Error = "no way back"
)

// A Kind says what a database refused, or that it could not answer.
type Kind uint8

// The kinds. Other is the zero value: an error of another sort, such as a
// statement that does not parse.
const (
	Other       Kind = iota
	Unique           // a row with these values exists
	ForeignKey       // the row referred to does not exist, or is still referred to
	NotNull          // a required value is missing
	Check            // a check constraint said no
	TooLong          // a value is too long for the index that it is in
	Unavailable      // the database could not answer; see [ErrUnavailable]
)

// String returns the name of the kind.
func (k Kind) String() string {
	switch k {
	case Other:
		return "other"
	case Unique:
		return "unique"
	case ForeignKey:
		return "foreign key"
	case NotNull:
		return "not null"
	case Check:
		return "check"
	case TooLong:
		return "too long"
	case Unavailable:
		return "unavailable"
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// A Problem is what an error of a database means. It holds names from the
// schema and never a value from a row.
type Problem struct {
	Kind Kind
	// Table and Columns are what a constraint is about, as far as the database
	// tells: SQLite never does for a foreign key.
	Table   string
	Columns []string
	// Constraint is the name of the constraint or index; empty on SQLite for
	// constraints made of columns.
	Constraint string
	// Retry is set when the same transaction, tried again, may well succeed: a
	// lock held by someone else, a deadlock. Kind is then Unavailable.
	Retry bool
}

// Classify returns what err means; the zero Problem for nil and for errors of
// another sort. The end of a context counts as Unavailable: whatever was asked
// has no answer.
func (db *DB) Classify(err error) Problem {
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return Problem{}
	}
	if p := db.classify(err); p.Kind != Other {
		return p
	}
	var network net.Error
	switch {
	case errors.Is(err, ErrUnavailable),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.As(err, &network),
		db.closed.Load(): // database/sql has no name for its "database is closed"
		return Problem{Kind: Unavailable}
	}
	return Problem{}
}

// Wrap returns err, and makes it match [ErrUnavailable] if that is what
// [DB.Classify] says. It is for errors of [DB.Read], [DB.Write] and of rows;
// wrapping twice is harmless.
func (db *DB) Wrap(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) || db.Classify(err).Kind != Unavailable {
		return err
	}
	return &unavailable{err}
}

// unavailable is an error that says ErrUnavailable and keeps its cause.
type unavailable struct{ err error }

func (u *unavailable) Error() string   { return ErrUnavailable.Error() + ": " + u.err.Error() }
func (u *unavailable) Unwrap() []error { return []error{ErrUnavailable, u.err} }
