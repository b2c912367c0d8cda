package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate"
)

// An Entry is an event as it is kept.
type Entry struct {
	gate.AuditEvent

	// ID is where the entry stands in the trail; see [Filter.Before].
	ID string
	// Network is what is left of an address that was cut; Client.Address is
	// not valid then.
	Network netip.Prefix
}

// A Filter says which entries to list. The zero value is the last hundred.
type Filter struct {
	// Entity, Subject and Action have to be equal if they are set.
	Entity, Subject, Action string
	// Outcome is success, failure or error, see [gate.Outcome]; empty means any.
	Outcome string
	// From is the earliest and To the first excluded time, if they are set.
	From, To time.Time
	// Before is the ID of the last entry of the page before; empty means the
	// first page.
	Before string
	// Limit is how many to list; zero means 100, and 200 are the most.
	Limit int
}

const (
	defaultLimit = 100
	maxLimit     = 200
	readTimeout  = 5 * time.Second
)

// List returns the entries of a filter, the newest first. An event may take a
// moment from [Trail.Record] to here. Who may see them is for the caller to
// decide. A filter that makes no sense is [gate.ErrBadRequest]; any other error
// means that the database did not answer.
func (t *Trail) List(ctx context.Context, f Filter) ([]Entry, error) {
	query, args, err := t.query(f)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := t.db.Read().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list audit events: %w", t.db.Wrap(err))
	}
	defer rows.Close()
	var list []Entry
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("list audit events: %w", t.db.Wrap(err))
		}
		list = append(list, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list audit events: %w", t.db.Wrap(err))
	}
	return list, nil
}

// query returns the statement for a filter.
func (t *Trail) query(f Filter) (query string, args []any, err error) {
	if f.Limit < 0 || f.Limit > maxLimit {
		return "", nil, &gate.AuthError{Code: gate.ErrBadRequest, Message: fmt.Sprintf("The limit is at most %d", maxLimit)}
	}
	if f.Limit == 0 {
		f.Limit = defaultLimit
	}
	var where []string
	add := func(condition string, value any) {
		args = append(args, value)
		where = append(where, condition+" "+t.db.Dialect().Placeholder(len(args)))
	}
	if f.Entity != "" {
		add("entity =", readable(f.Entity))
	}
	if f.Subject != "" {
		add("subject =", readable(f.Subject))
	}
	if f.Action != "" {
		add("action =", readable(f.Action))
	}
	if f.Outcome != "" {
		outcome, err := outcomeOf(f.Outcome)
		if err != nil {
			return "", nil, err
		}
		add("outcome =", int64(outcome))
	}
	if !f.From.IsZero() {
		add("id >=", idAt(f.From))
	}
	if !f.To.IsZero() {
		add("id <", idAt(f.To))
	}
	if f.Before != "" {
		id, err := strconv.ParseInt(f.Before, 10, 64)
		if err != nil {
			return "", nil, &gate.AuthError{Code: gate.ErrBadRequest, Message: "There is no such page", Err: err}
		}
		add("id <", id)
	}
	query = "SELECT " + columns + " FROM gate_audit"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	args = append(args, f.Limit)
	return query + " ORDER BY id DESC LIMIT " + t.db.Dialect().Placeholder(len(args)), args, nil
}

// outcomeOf returns the outcome that prints itself like that.
func outcomeOf(name string) (gate.Outcome, error) {
	for _, o := range []gate.Outcome{gate.Failed, gate.Succeeded, gate.Undecided} {
		if o.String() == name {
			return o, nil
		}
	}
	return 0, &gate.AuthError{Code: gate.ErrBadRequest, Message: "The outcome is success, failure or error"}
}

// scan reads the columns of one event.
func scan(rows *sql.Rows) (Entry, error) {
	var (
		e                Entry
		id, at           int64
		exact            int
		address, details string
	)
	err := rows.Scan(&id, &at, &e.Action, &e.Outcome, &e.Reason, &e.Entity, &e.Subject, &e.Actor, &e.Strategy,
		&e.SessionID, &address, &exact, &e.Client.UserAgent, &details)
	if err != nil {
		return Entry{}, err
	}
	e.ID, e.At = strconv.FormatInt(id, 10), time.UnixMilli(at)
	switch {
	case address == "":
	case exact == 1:
		e.Client.Address, err = netip.ParseAddr(address)
	default:
		e.Network, err = netip.ParsePrefix(address)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("event %s: %w", e.ID, err)
	}
	if details != "{}" {
		if err := json.Unmarshal([]byte(details), &e.Details); err != nil {
			return Entry{}, fmt.Errorf("event %s: %w", e.ID, err)
		}
	}
	return e, nil
}
