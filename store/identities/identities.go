// Package identities remembers which account belongs to whom at an issuer
// elsewhere: one row for an issuer and a subject. Nothing else of a token binds,
// no e-mail address first of all.
//
// # Schema
//
// The tables belong to this package. A service creates them with its own:
//
//	_, err := db.Migrate(ctx, identities.Component, identities.Migrations(db.Dialect()))
//
// # Errors
//
// An [Error] is an answer. Any other error means that nothing is known; one
// caused by the database matches [store.ErrUnavailable].
package identities

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/gatewright/gate/store"
)

// Component is the name under which the migrations of this package are recorded.
const Component = "identities"

const readTimeout = 3 * time.Second // an answer that takes longer is none

// An Error is a condition that callers act on; a target for errors.Is.
type Error string

// Error returns the condition in words.
func (e Error) Error() string { return string(e) }

// The conditions.
const (
	// ErrUnknown means that nobody was bound to this subject of the issuer.
	ErrUnknown Error = "no such identity"
	// ErrRemoved means that the account was deleted that was bound to it.
	ErrRemoved Error = "the account of this identity was removed"
	// ErrTaken means that the identity is bound already, or the account to
	// somebody else at the same issuer.
	ErrTaken Error = "identity or account is bound already"
)

//go:embed migrations/*.sql
var migrationFS embed.FS

// Migrations returns the migrations of this package in order.
func Migrations(d store.Dialect) []store.Migration {
	if d != store.SQLite && d != store.Postgres {
		panic("gate: identities.Migrations: unknown dialect " + d.String())
	}
	// The statements are in what both dialects have in common.
	ms, err := store.LoadFS(migrationFS, "migrations")
	if err != nil {
		panic("gate: identities: " + err.Error()) // the files are part of the program
	}
	return ms
}

// Config configures [New]. The zero value is ready for use.
type Config struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Store keeps identities. It is safe for concurrent use; [New] makes one.
type Store struct {
	db  *store.DB
	now func() time.Time
}

// New returns a store in db, whose schema has the [Migrations].
func New(db *store.DB, cfg Config) (*Store, error) {
	if db == nil {
		return nil, errors.New("identities: no database")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Store{db: db, now: cfg.Now}, nil
}

// An Identity is somebody at an issuer, and the account that is theirs.
type Identity struct {
	// Issuer and Subject are "iss" and "sub", to the byte.
	Issuer, Subject string
	// Entity is the key of the accounts, and Account the identifier of one.
	Entity, Account string
	// ProfileAt is when the token was made from which the account was last
	// brought up to date; it is kept to the second.
	ProfileAt time.Time
	// Verified says that the issuer called the address verified that the account has
	// now.
	Verified bool
}

// RenameEntity hands the identities of the accounts of one entity to another one,
// whose rows they are by now.
func RenameEntity(ctx context.Context, db *store.DB, from, to string) error {
	for table, same := range map[string]string{"gate_identities": "o.account = k.account AND o.issuer = k.issuer", "gate_identity_grants": "o.name = k.name"} {
		query := "UPDATE " + table + " AS k SET entity = $2 WHERE entity = $1 AND NOT EXISTS (SELECT 1 FROM " + table + " AS o WHERE o.entity = $2 AND " + same + ")"
		if _, err := db.Exec(ctx, query, from, to); err != nil {
			return fmt.Errorf("identities of an entity that was renamed: %w", err)
		}
	}
	return nil
}

// Find returns an identity: [ErrUnknown] if there is none, [ErrRemoved] if its
// account was deleted.
func (s *Store) Find(ctx context.Context, issuer, subject string) (Identity, error) {
	id := Identity{Issuer: issuer, Subject: subject}
	var account sql.NullString
	var at int64
	var verified int
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err := s.db.Read().QueryRowContext(ctx, `SELECT entity, account, profile_at, verified FROM gate_identities
		WHERE issuer = $1 AND subject IN ($2, $3) ORDER BY CASE WHEN subject = $2 THEN 0 ELSE 1 END LIMIT 1`,
		issuer, subject, digest(issuer, subject)).Scan(&id.Entity, &account, &at, &verified)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Identity{}, ErrUnknown
	case err != nil:
		return Identity{}, fmt.Errorf("look up identity: %w", s.db.Wrap(err))
	case !account.Valid:
		return Identity{}, ErrRemoved
	}
	id.Account, id.ProfileAt, id.Verified = account.String, time.Unix(at, 0), verified == verifiedNow
	return id, nil
}

// digest is what is kept of the subject of an account that was deleted.
func digest(issuer, subject string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + subject))
	return "removed:" + hex.EncodeToString(sum[:])
}

// Bind binds an identity within a transaction. [ErrTaken] means that somebody
// else was faster: the transaction is to be rolled back then.
func (s *Store) Bind(ctx context.Context, tx *sql.Tx, id Identity) error {
	if id.Issuer == "" || id.Subject == "" || id.Entity == "" || id.Account == "" {
		return errors.New("bind identity: something is missing")
	}
	verified := neverVerified
	if id.Verified {
		verified = verifiedNow
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO gate_identities (issuer, subject, entity, account, bound_at, profile_at, verified)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		id.Issuer, id.Subject, id.Entity, id.Account, s.now().UnixMilli(), seconds(id.ProfileAt), verified)
	if err != nil {
		return fmt.Errorf("bind identity: %w", s.db.Wrap(err))
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("bind identity: %w", err)
	}
	if n == 0 {
		return ErrTaken
	}
	return nil
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// Bound reports within a transaction whether anybody, at any issuer, is bound to
// the account.
func (s *Store) Bound(ctx context.Context, tx *sql.Tx, entity, account string) (bool, error) {
	var one int
	err := tx.QueryRowContext(ctx, "SELECT 1 FROM gate_identities WHERE entity = $1 AND account = $2 LIMIT 1", entity, account).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for identities: %w", s.db.Wrap(err))
	}
	return true, nil
}

// What is stored of an address that an issuer called verified.
const (
	neverVerified = iota
	verifiedNow
	verifiedBefore // the account has another address by now
)

// Prove notes within a transaction that the issuer calls the address of the account
// verified, for this subject. In the same transaction the caller has to have seen
// that it still is that address.
func (s *Store) Prove(ctx context.Context, tx *sql.Tx, issuer, subject string) error {
	_, err := tx.ExecContext(ctx, "UPDATE gate_identities SET verified = $3 WHERE issuer = $1 AND subject = $2", issuer, subject, verifiedNow)
	if err != nil {
		return fmt.Errorf("note verified identity: %w", s.db.Wrap(err))
	}
	return nil
}

// Moved notes within a transaction that an account has another address: what
// issuers called verified was the one before.
func (s *Store) Moved(ctx context.Context, tx *sql.Tx, entity, account string) error {
	_, err := tx.ExecContext(ctx, "UPDATE gate_identities SET verified = $3 WHERE entity = $1 AND account = $2 AND verified = $4",
		entity, account, verifiedBefore, verifiedNow)
	if err != nil {
		return fmt.Errorf("note the other address of identities: %w", s.db.Wrap(err))
	}
	return nil
}

// A Circle is whom [Store.Unbind] takes an account from.
type Circle uint8

const (
	// Unverified are those of whom no issuer ever called the address verified. It
	// is the zero value.
	Unverified Circle = iota
	// Strangers are these, and those of whom it was an address that the account
	// had before.
	Strangers
	// Everybody is everybody.
	Everybody
)

// Unbind takes an account from those in a circle within a transaction, and returns
// how many they are. [Store.Find] does not know them any more.
func (s *Store) Unbind(ctx context.Context, tx *sql.Tx, entity, account string, from Circle) (int, error) {
	query := "DELETE FROM gate_identities WHERE entity = $1 AND account = $2"
	args := []any{entity, account}
	switch from {
	case Unverified:
		query, args = query+" AND verified = $3", append(args, neverVerified)
	case Strangers:
		query, args = query+" AND verified <> $3", append(args, verifiedNow)
	case Everybody:
	default:
		return 0, fmt.Errorf("unbind identities: there is no circle %d", from)
	}
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("unbind identities: %w", s.db.Wrap(err))
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// Updated notes that the account of an identity was brought up to date from a
// token made at that time, and reports false when one made later has been used
// already.
func (s *Store) Updated(ctx context.Context, issuer, subject string, at time.Time) (bool, error) {
	res, err := s.db.Exec(ctx, "UPDATE gate_identities SET profile_at = $3 WHERE issuer = $1 AND subject = $2 AND profile_at < $3",
		issuer, subject, seconds(at))
	if err != nil {
		return false, fmt.Errorf("note profile: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Remove notes within a transaction that an account is deleted. What is left of
// its identities is a digest, by which [Store.Find] knows them again.
func (s *Store) Remove(ctx context.Context, tx *sql.Tx, entity, account string) error {
	list, err := s.identitiesOf(ctx, tx, entity, account)
	if err != nil {
		return fmt.Errorf("remove identities: %w", s.db.Wrap(err))
	}
	for _, id := range list {
		_, err := tx.ExecContext(ctx, "UPDATE gate_identities SET account = NULL, subject = $3 WHERE issuer = $1 AND subject = $2",
			id.Issuer, id.Subject, digest(id.Issuer, id.Subject))
		if err != nil {
			return fmt.Errorf("remove identities: %w", s.db.Wrap(err))
		}
	}
	return nil
}

func (s *Store) identitiesOf(ctx context.Context, tx *sql.Tx, entity, account string) ([]Identity, error) {
	rows, err := tx.QueryContext(ctx, "SELECT issuer, subject FROM gate_identities WHERE entity = $1 AND account = $2", entity, account)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Identity
	for rows.Next() {
		var id Identity
		if err := rows.Scan(&id.Issuer, &id.Subject); err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, rows.Err()
}

// Forget lets somebody at an issuer begin anew whose account was deleted. It is no
// error when there is nothing to forget; an account that is there stays bound.
func (s *Store) Forget(ctx context.Context, issuer, subject string) error {
	_, err := s.db.Exec(ctx, "DELETE FROM gate_identities WHERE issuer = $1 AND subject = $2 AND account IS NULL",
		issuer, digest(issuer, subject))
	if err != nil {
		return fmt.Errorf("forget identity: %w", err)
	}
	return nil
}

// Granted reports whether what is given once was given.
func (s *Store) Granted(ctx context.Context, entity, name string) (bool, error) {
	var one int
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err := s.db.Read().QueryRowContext(ctx, "SELECT 1 FROM gate_identity_grants WHERE entity = $1 AND name = $2", entity, name).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up grant: %w", s.db.Wrap(err))
	}
	return true, nil
}

// Grant notes within a transaction that an account is given what is given once,
// and reports false when it was given before.
func (s *Store) Grant(ctx context.Context, tx *sql.Tx, entity, name, account string) (bool, error) {
	res, err := tx.ExecContext(ctx, `INSERT INTO gate_identity_grants (entity, name, account, granted_at)
		VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, entity, name, account, s.now().UnixMilli())
	if err != nil {
		return false, fmt.Errorf("note grant: %w", s.db.Wrap(err))
	}
	n, err := res.RowsAffected()
	return n > 0, err
}
