package accounts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/store"
)

// A Purpose is what a one-time token is good for. One that was made for one
// purpose is unknown for every other.
type Purpose string

// The purposes.
const (
	ResetPassword Purpose = "reset_password"
	VerifyEmail   Purpose = "verify_email"
	// ChangeEmail goes to the new address, UndoEmailChange to the old one.
	ChangeEmail     Purpose = "change_email"
	UndoEmailChange Purpose = "undo_email_change"
	// Unlock lets the owner of a throttled account in from this device.
	Unlock     Purpose = "unlock"
	Invitation Purpose = "invitation"
)

// How long tokens live.
const (
	ResetPasswordLife   = 30 * time.Minute
	VerifyEmailLife     = 24 * time.Hour
	ChangeEmailLife     = 24 * time.Hour
	UndoEmailChangeLife = 7 * 24 * time.Hour
	UnlockLife          = 30 * time.Minute
	InvitationLife      = 7 * 24 * time.Hour
)

// Life returns how long a token of this purpose lives; zero for one that is not
// among the constants.
func (p Purpose) Life() time.Duration {
	switch p {
	case ResetPassword:
		return ResetPasswordLife
	case VerifyEmail:
		return VerifyEmailLife
	case ChangeEmail:
		return ChangeEmailLife
	case UndoEmailChange:
		return UndoEmailChangeLife
	case Unlock:
		return UnlockLife
	case Invitation:
		return InvitationLife
	}
	return 0
}

// A Claim is what a one-time token proves: that somebody reads the mail that
// goes to an address, on behalf of an account.
type Claim struct {
	// Entity and Subject are the account. An invitation may be without a
	// subject: its account is not there yet.
	Entity, Subject string
	// Address is where the token was sent.
	Address string
	// Version is that of the account's address and password at that time,
	// whatever the caller makes of it, to be compared with what the account has
	// when the token is used.
	Version string
	// Data is what else the caller wants back. It is stored as it is: no secret.
	Data map[string]string
}

// The bounds of claims, in bytes, and of the number of tokens.
const (
	maxAddress = 320
	maxVersion = 255
	maxData    = 4096 // as JSON
	maxTokens  = 5    // of one purpose, for one account
)

// TokensConfig configures [NewTokens]. The zero value is ready for use.
type TokensConfig struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Tokens is the store of one-time tokens, for links in mails. It is safe for
// concurrent use; [NewTokens] makes one.
//
// A token is 256 random bits, of which the SHA-256 is stored. It is good for one
// purpose and one use, until it expires ([Purpose.Life]); that is judged when it
// is used. Of one purpose an account has at most five; with one more, the oldest
// is void. Whatever is wrong with a token, the refusal is the same, a
// [gate.ErrInvalidCredentials].
type Tokens struct {
	db  *store.DB
	now func() time.Time
}

// NewTokens returns a store of tokens in db, whose schema has the [Migrations].
func NewTokens(db *store.DB, cfg TokensConfig) (*Tokens, error) {
	if db == nil {
		return nil, errors.New("tokens: no database")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Tokens{db: db, now: cfg.Now}, nil
}

// Issue makes a token for the purpose and returns its text, 43 characters that a
// URL may hold, and when it expires. The text is not shown again.
func (t *Tokens) Issue(ctx context.Context, p Purpose, c Claim) (token string, expires time.Time, err error) {
	data, err := checkClaim(p, c)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("issue %s token: %w", p, err)
	}
	now := t.now()
	token = secret.Text().Reveal()
	digest := digestOf(token)
	expires = now.Add(p.Life())
	err = t.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO gate_tokens
			(token_hash, purpose, entity, subject, address, version, data, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			digest, string(p), c.Entity, c.Subject, c.Address, c.Version, data, now.UnixMilli(), expires.UnixMilli())
		if err != nil {
			return err
		}
		// Without a subject it is the address that stands for the account.
		_, err = tx.ExecContext(ctx, `DELETE FROM gate_tokens WHERE token_hash IN
			(SELECT token_hash FROM gate_tokens WHERE entity = $1 AND subject = $2 AND purpose = $3
			AND ($2 <> '' OR address = $4) AND token_hash <> $5
			ORDER BY created_at DESC, token_hash LIMIT $6 OFFSET $7)`,
			c.Entity, c.Subject, string(p), c.Address, digest, batchSize, maxTokens-1)
		return err
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("issue %s token: %w", p, err)
	}
	return token, expires, nil
}

// checkClaim returns the data of a claim as it is stored.
func checkClaim(p Purpose, c Claim) (string, error) {
	switch {
	case p.Life() == 0:
		return "", errors.New("unknown purpose")
	case c.Entity == "" || c.Subject == "" && (p != Invitation || c.Address == ""):
		return "", errors.New("for no account")
	case !storable(c.Entity, maxEntity) || !storable(c.Subject, maxSubject) || !storable(c.Address, maxAddress) || !storable(c.Version, maxVersion):
		return "", errors.New("entity, subject, address or version is too long or no text")
	case len(c.Data) == 0:
		return "", nil
	}
	data, err := json.Marshal(c.Data)
	if err != nil {
		return "", fmt.Errorf("data: %w", err)
	}
	if len(data) > maxData {
		return "", fmt.Errorf("data: %d bytes are more than %d", len(data), maxData)
	}
	return string(data), nil
}

// Peek returns what the token would prove, and leaves it as it is: for the page
// behind a link. A GET must change nothing, for scanners of mails follow links
// too.
func (t *Tokens) Peek(ctx context.Context, p Purpose, token string) (Claim, error) {
	if !validSecret(token) || p.Life() == 0 {
		return Claim{}, invalidToken()
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	c, err := scanClaim(t.db.Read().QueryRowContext(ctx, `SELECT entity, subject, address, version, data FROM gate_tokens
		WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3`,
		digestOf(token), string(p), t.now().UnixMilli()))
	if errors.Is(err, sql.ErrNoRows) {
		return Claim{}, invalidToken()
	}
	if err != nil {
		return Claim{}, fmt.Errorf("look at %s token: %w", p, t.db.Wrap(err))
	}
	return c, nil
}

// Redeem uses the token up and returns what it proves. However many redeem one
// token at the same time, one of them gets the claim.
func (t *Tokens) Redeem(ctx context.Context, p Purpose, token string) (Claim, error) {
	// Strangers do not get to wait for the writer, nor to keep others from it.
	if _, err := t.Peek(ctx, p, token); err != nil {
		return Claim{}, err
	}
	var c Claim
	err := t.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		now := t.now().UnixMilli()
		c, err = scanClaim(tx.QueryRowContext(ctx, `UPDATE gate_tokens SET used_at = $1
			WHERE token_hash = $2 AND purpose = $3 AND used_at IS NULL AND expires_at > $1
			RETURNING entity, subject, address, version, data`, now, digestOf(token), string(p)))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Claim{}, invalidToken()
	}
	if err != nil {
		return Claim{}, fmt.Errorf("redeem %s token: %w", p, err)
	}
	return c, nil
}

func invalidToken() error {
	return &gate.AuthError{Code: gate.ErrInvalidCredentials, Message: "Invalid or expired token"}
}

func scanClaim(row scanner) (Claim, error) {
	var c Claim
	var data string
	if err := row.Scan(&c.Entity, &c.Subject, &c.Address, &c.Version, &data); err != nil {
		return Claim{}, err
	}
	if data == "" {
		return c, nil
	}
	if err := json.Unmarshal([]byte(data), &c.Data); err != nil {
		return Claim{}, fmt.Errorf("data: %w", err)
	}
	return c, nil
}

// Void makes the tokens of an account void that were made for these purposes,
// for any purpose if none is named. Any change of the password or the address
// calls it.
func (t *Tokens) Void(ctx context.Context, entity, subject string, purposes ...Purpose) error {
	query, args := t.voids(entity, subject, purposes)
	if _, err := t.db.Exec(ctx, query, args...); err != nil {
		return fmt.Errorf("void tokens: %w", err)
	}
	return nil
}

// VoidIn is [Tokens.Void] within a transaction of the caller.
func (t *Tokens) VoidIn(ctx context.Context, tx *sql.Tx, entity, subject string, purposes ...Purpose) error {
	query, args := t.voids(entity, subject, purposes)
	if _, err := tx.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("void tokens: %w", t.db.Wrap(err))
	}
	return nil
}

// voids returns the statement that makes tokens void.
func (t *Tokens) voids(entity, subject string, purposes []Purpose) (string, []any) {
	query := "DELETE FROM gate_tokens WHERE entity = $1 AND subject = $2"
	args := []any{entity, subject}
	var places []string
	for _, p := range purposes {
		args = append(args, string(p))
		places = append(places, t.db.Dialect().Placeholder(len(args)))
	}
	if places != nil {
		query += " AND purpose IN (" + strings.Join(places, ", ") + ")"
	}
	return query, args
}
