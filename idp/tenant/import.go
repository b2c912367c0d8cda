package tenant

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ImportOptions say how [Store.ImportUsers] treats users.
type ImportOptions struct {
	// Connection is the name of a database connection; required.
	Connection string
	// Upsert changes users that are there already, found by ID, address or user
	// name: what a row has of the profile takes the place of what was, metadata
	// are merged. A password that is there stays, unless a stranger may have
	// chosen it and the row proves the address: then all that the stranger left
	// goes, and the row has its place. Otherwise such a row is an error.
	Upsert bool
	// Job names the import in the log, which says whom it changed.
	Job string
}

// An ImportReport says what became of an import.
type ImportReport struct {
	Inserted int `json:"inserted"`
	Updated  int `json:"updated"`
	Failed   int `json:"failed"`
	Total    int `json:"total"`
	// Errors are those of the first thousand rows that failed.
	Errors []RowError `json:"-"`
}

// A RowError says why a row was not imported.
type RowError struct {
	// Line is where the row begins, counted from 1.
	Line int `json:"line"`
	// Row is its number among the rows, counted from 1: a line may hold several.
	Row int `json:"row"`
	// User is the address, user name or ID in the row, as far as there is one.
	User string `json:"user,omitempty"`
	Err  error  `json:"-"`
}

// Error returns the line with what is wrong.
func (e RowError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the cause.
func (e RowError) Unwrap() error { return e.Err }

// The bounds of an import.
const (
	importBatch   = 200
	maxRowErrors  = 1000
	maxRow        = 1 << 20  // bytes of a user
	maxLine       = 16 << 20 // bytes of a line of a dump: an action has up to 50 versions
	maxRowMessage = 500
)

// ImportUsers adds users to a database connection: from the JSON array of
// Auth0's bulk import, or from one JSON object a line as Auth0 exports users
// and as [Store.ExportUsers] writes them. Passwords come as password_hash or
// custom_password_hash, in the forms that package password verifies; every
// other form is an error of its row. So is what the Management API would not
// take of a new user: the error names the member, see [FieldError].
//
// The rows are read one after the other and stored in batches: of an import
// that ends with an error, what the report counts is there. A row that cannot be
// imported is counted, and the others go on. The error means that the input is
// no such file from there on, that the database did not answer, or that the
// connection was deleted meanwhile, which is [ErrNotFound].
func (s *Store) ImportUsers(ctx context.Context, r io.Reader, opts ImportOptions) (ImportReport, error) {
	in := &userImport{s: s, opts: opts}
	connection, err := s.Connections.ByName(ctx, opts.Connection)
	in.connection = connection
	if err != nil {
		return in.report, err
	}
	if connection.Strategy != Database {
		return in.report, fmt.Errorf("tenant: connection %q keeps no users: its strategy is %q", connection.Name, connection.Strategy)
	}
	err = eachRow(r, maxRow, func(line int, data []byte, err error) error {
		return in.add(ctx, line, data, err)
	})
	err = errors.Join(err, in.flush(ctx))
	in.report.sort()
	return in.report, err
}

// A userImport is an import under way.
type userImport struct {
	s          *Store
	opts       ImportOptions
	connection *Connection
	report     ImportReport
	batch      []importedUser
	changed    []string // the users of the batch who were there before
	over       []*User  // those of them whose account was handed over
}

// An importedUser is a row that could be read.
type importedUser struct {
	line int
	nth  int
	user *User
	row  map[string]json.RawMessage
}

func (in *userImport) add(ctx context.Context, line int, data []byte, err error) error {
	in.report.Total++
	var row importedUser
	if err == nil {
		row, err = readImported(data, in.connection)
	}
	if err != nil {
		name := ""
		if row.user != nil {
			name = rowName(row.user)
		}
		in.report.failRow(line, in.report.Total, name, err)
		return nil
	}
	row.line, row.nth = line, in.report.Total
	in.batch = append(in.batch, row)
	if len(in.batch) < importBatch {
		return nil
	}
	return in.flush(ctx)
}

// fail counts a row of a file with one a line.
func (r *ImportReport) fail(line int, user string, err error) { r.failRow(line, line, user, err) }

func (r *ImportReport) failRow(line, row int, user string, err error) {
	r.Failed++
	if len(r.Errors) < maxRowErrors {
		r.Errors = append(r.Errors, RowError{Line: line, Row: row, User: cut(user, maxRowMessage), Err: err})
	}
}

func (r *ImportReport) sort() {
	slices.SortStableFunc(r.Errors, func(a, b RowError) int { return a.Row - b.Row })
}

func rowName(u *User) string {
	switch {
	case u.Email != "":
		return u.Email
	case u.Username != "":
		return u.Username
	}
	return u.ID
}

func rowNickname(u *User) string {
	nickname, _, _ := strings.Cut(rowName(u), "@")
	return nickname
}

// flush stores the batch. Its rows count when it is stored.
func (in *userImport) flush(ctx context.Context) error {
	batch := in.batch
	in.batch = nil
	if len(batch) == 0 {
		return nil
	}
	report := in.report
	err := in.s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		report, in.changed, in.over = in.report, nil, nil
		users := make([]*User, 0, len(batch))
		for _, row := range batch {
			users = append(users, row.user)
		}
		if err := in.s.lockImported(ctx, tx, users); err != nil {
			return err
		}
		if err := in.s.connectionStays(ctx, tx, in.connection); err != nil {
			return err
		}
		for _, row := range batch {
			if err := in.store(ctx, tx, row, &report); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err == nil:
		in.report = report
		in.record(ctx)
		return nil
	case ctx.Err() != nil || errors.Is(in.s.db.Wrap(err), errUnavailable) || errors.Is(err, ErrNotFound):
		return fmt.Errorf("import users: %w", in.s.db.Wrap(err))
	case len(batch) == 1:
		in.report.failRow(batch[0].line, batch[0].nth, rowName(batch[0].user), err)
		return nil
	}
	// The database refused a row: each goes alone, so that it does not take the
	// others with it.
	for _, row := range batch {
		in.batch = []importedUser{row}
		if err := in.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// record notes in the log whom a batch changed, and each account that it handed
// over.
func (in *userImport) record(ctx context.Context) {
	if len(in.changed) == 0 {
		return
	}
	in.s.Record(ctx, Log{
		Type: "sapi", Description: "Users changed by an import", Connection: in.connection.Name,
		Details: map[string]any{"job": in.opts.Job, "users": in.changed},
	})
	for _, u := range in.over {
		in.s.Record(ctx, Log{
			Type: "sapi", Description: "Account handed over by an import: its address is proven, and what a stranger may have left is gone",
			Connection: in.connection.Name, UserID: u.ID, UserName: u.Email, Details: map[string]any{"job": in.opts.Job},
		})
	}
}

// store adds or changes one user. What is wrong with the row is in the report;
// the error is the database's.
func (in *userImport) store(ctx context.Context, tx *sql.Tx, row importedUser, report *ImportReport) error {
	nameless := in.connection.Options.RequiresUsername && row.user.Username == "" // may only change somebody
	if !nameless {
		done, err := in.s.insertUser(ctx, tx, row.user)
		if err != nil {
			return err
		}
		if done {
			report.Inserted++
			return nil
		}
	}
	ids, err := in.s.sameUsers(ctx, tx, row.user)
	if err != nil {
		return err
	}
	switch {
	case nameless && len(ids) == 0:
		report.failRow(row.line, row.nth, rowName(row.user), wrong("username", "Missing required property: username"))
		return nil
	case !in.opts.Upsert:
		report.failRow(row.line, row.nth, rowName(row.user), fmt.Errorf("user %w", ErrExists))
		return nil
	}
	if len(ids) != 1 {
		report.failRow(row.line, row.nth, rowName(row.user), fmt.Errorf("ID, address and user name belong to %d users", len(ids)))
		return nil
	}
	return in.upsert(ctx, tx, row, ids[0], report)
}
