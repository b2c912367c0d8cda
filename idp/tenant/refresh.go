package tenant

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gatewright/gate/internal/secret"
)

// A Family is a refresh token with its successors: what one authorization led
// to.
//
// Its tokens are not stored. Each is made from the family, a number that counts
// up, and a key that is derived from [Config].Secret and from a nonce in the
// row: a dump of the database makes none, the secret alone makes none, and
// whoever presents the token before the current one within the leeway gets the
// very successor that was handed out, not another one.
type Family struct {
	ID        string
	UserID    string
	ClientID  string
	SessionID string
	CreatedAt time.Time
	// ExpiresAt is the end, however often it is used; zero means none.
	ExpiresAt time.Time
	// IdleExpiresAt is the end unless it is used before; zero means none.
	IdleExpiresAt time.Time
	RevokedAt     time.Time
	RotatedAt     time.Time
	// Epoch is that of the user when they proved who they are, for
	// [Store.CreateFamily].
	Epoch int64
	FamilyDetails

	generation int64
	nonce      []byte
}

// FamilyDetails are what the tokens of a family are for.
type FamilyDetails struct {
	Audience   string         `json:"audience,omitempty"`
	Scope      []string       `json:"scope,omitempty"`
	AuthTime   time.Time      `json:"auth_time"`
	Connection string         `json:"connection,omitempty"`
	Methods    []AuthMethod   `json:"methods,omitempty"`
	Grants     []string       `json:"grants,omitempty"` // grant types that led here, the newest first
	Metadata   map[string]any `json:"metadata,omitempty"`
	// GrantType is the one that took the password, by its full name; empty when none
	// did, or nobody knows.
	GrantType string `json:"grant_type,omitempty"`
}

// MaxFamilies is how many live families one user has at one client: the oldest
// end first.
const MaxFamilies = 200

const tokenPrefix = "v1."

// forEver stands for no end.
const forEver = int64(1) << 53

// text returns the token of a generation.
func (s *Store) text(f *Family, generation int64) secret.String {
	id, err := base64.RawURLEncoding.DecodeString(f.ID)
	if err != nil {
		panic("gate: tenant: family with a foreign ID " + f.ID) // NewGrantID makes them all
	}
	body := binary.BigEndian.AppendUint64(id, uint64(generation)) //nolint:gosec // counts up from 1
	mac := hmac.New(sha256.New, s.refresh)
	mac.Write(f.nonce)
	mac.Write(body)
	return secret.String(tokenPrefix + base64.RawURLEncoding.EncodeToString(mac.Sum(body)))
}

const (
	grantIDSize = 16
	tokenSize   = grantIDSize + 8 + sha256.Size
)

// NewGrantID returns the ID of a new authorization: 128 random bits.
func NewGrantID() string {
	return base64.RawURLEncoding.EncodeToString(secret.Bytes(grantIDSize))
}

// CreateFamily stores a family under f.ID, made by [NewGrantID], and returns
// its first token. It returns [ErrEnded] when everything of the user was ended after
// f.Epoch, and when the client or the API of f.Audience is gone.
func (s *Store) CreateFamily(ctx context.Context, f *Family) (secret.String, error) {
	doc, err := f.prepare()
	if err != nil {
		return "", err
	}
	err = s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.clientStays(ctx, tx, f.ClientID); err != nil {
			return err
		}
		if err := s.apiStays(ctx, tx, f.Audience); err != nil {
			return err
		}
		if err := s.inEpoch(ctx, tx, f.UserID, f.Epoch); err != nil {
			return err
		}
		return s.insertFamily(ctx, tx, f, doc)
	})
	if err := s.refused("refresh token", err); err != nil {
		return "", err
	}
	return s.text(f, 1), nil
}

// prepare makes the secret half of a new family, and returns its document.
func (f *Family) prepare() ([]byte, error) {
	if id, err := base64.RawURLEncoding.Strict().DecodeString(f.ID); err != nil || len(id) != grantIDSize {
		return nil, fmt.Errorf("tenant: %q is not the ID of a grant", f.ID)
	}
	f.nonce = make([]byte, 32)
	_, _ = rand.Read(f.nonce) // never fails
	f.generation = 1
	doc, err := json.Marshal(f.FamilyDetails)
	if err != nil {
		return nil, fmt.Errorf("encode refresh token: %w", err)
	}
	return doc, nil
}

// insertFamily stores a new family, and ends the oldest when there are too many, with
// the opaque tokens that came with them.
func (s *Store) insertFamily(ctx context.Context, tx *sql.Tx, f *Family, doc []byte) error {
	now := millis(s.now())
	_, err := tx.ExecContext(ctx, `INSERT INTO idp_refresh
		(id, nonce, user_id, client_id, session_id, generation, rotated_at, created_at, expires_at, idle_expires_at, revoked_at, doc, audience)
		VALUES ($1, $2, $3, $4, $5, 1, $6, $6, $7, $8, 0, $9, $10)`,
		f.ID, f.nonce, f.UserID, f.ClientID, f.SessionID, now, end(f.ExpiresAt), end(f.IdleExpiresAt), string(doc), f.Audience)
	if err != nil {
		return err
	}
	var ended []string
	err = eachText(ctx, tx, func(id string) { ended = append(ended, id) }, `UPDATE idp_refresh SET revoked_at = $3 WHERE id IN (SELECT id FROM idp_refresh
		WHERE user_id = $1 AND client_id = $2 AND revoked_at = 0 AND id <> $5 ORDER BY created_at DESC, id LIMIT 1000 OFFSET $4) RETURNING id`,
		f.UserID, f.ClientID, now, MaxFamilies-1, f.ID)
	if err != nil {
		return err
	}
	for _, id := range ended { // one, as a rule
		if _, err := tx.ExecContext(ctx, "DELETE FROM idp_tokens WHERE grant_id = $1 AND kind = $2", id, string(OpaqueToken)); err != nil {
			return err
		}
	}
	return nil
}

func end(t time.Time) int64 {
	if t.IsZero() {
		return forEver
	}
	return millis(t)
}

func endInstant(ms int64) time.Time {
	if ms == forEver {
		return time.Time{}
	}
	return instant(ms)
}

// Use says how [Store.UseRefreshToken] treats a token.
type Use struct {
	// Rotate makes a successor. Otherwise the token stays the current one.
	Rotate bool
	// Leeway is how long the token before the current one still gets its
	// successor.
	Leeway time.Duration
	// Idle puts off the idle end; zero means that there is none.
	Idle time.Duration
	// Then is called when the token turns out to be good, before it is used up;
	// its error stops that. What it returns is stored with the use, in one
	// transaction. Nil means nothing, in both places.
	Then func() (*NewToken, error)
}

// A NewToken is a token with its text, to be stored as [Store.CreateToken] does.
type NewToken struct {
	Text secret.String
	Token
}

// UseRefreshToken uses the token with this text, of this client, and returns
// its family with the token to hand out. It changes one row of it, so that after
// a crash either the old token is the current one or its successor.
//
// A token that is unknown, of another client, revoked or expired is
// [ErrNotFound]. One that has been rotated for longer than the leeway is
// [ErrReused], with the family: by then it has ended.
//
// How it is used may depend on the family: use is called with what was found.
func (s *Store) UseRefreshToken(ctx context.Context, text secret.String, clientID string, use func(*Family) (Use, error)) (*Family, secret.String, error) {
	f, generation, err := s.findFamily(ctx, text)
	if err != nil {
		return nil, "", err
	}
	now := s.now()
	if f.ClientID != clientID || !f.live(now) {
		return nil, "", fmt.Errorf("refresh token %w", ErrNotFound)
	}
	if generation < f.generation-1 {
		return s.reused(ctx, f)
	}
	how, err := use(f)
	if err != nil {
		return nil, "", err
	}
	inLeeway := func() bool {
		return generation == f.generation-1 && how.Leeway > 0 && now.Sub(f.RotatedAt) <= how.Leeway
	}
	if generation != f.generation && !inLeeway() {
		return s.reused(ctx, f) // before anything else is found wrong with the request
	}
	var with *NewToken
	if how.Then != nil {
		if with, err = how.Then(); err != nil {
			return nil, "", err
		}
	}
	for generation == f.generation {
		next := f.generation
		if how.Rotate {
			next++
		}
		ok, err := s.advance(ctx, f, next, now, how.Idle, with)
		if err != nil {
			return nil, "", err
		}
		if ok {
			return f, s.text(f, next), nil
		}
		// Somebody else was faster, with the same token: look again.
		if f, _, err = s.findFamily(ctx, text); err != nil {
			return nil, "", err
		}
		if !f.live(now) {
			return nil, "", fmt.Errorf("refresh token %w", ErrNotFound)
		}
	}
	if !inLeeway() {
		return s.reused(ctx, f)
	}
	// It is no use of the current token, but stops when the family does: what ended
	// while the answer was made has ended.
	if ok, err := s.storeIf(ctx, with, "UPDATE idp_refresh SET generation = generation WHERE id = $1 AND revoked_at = 0", f.ID); err != nil {
		return nil, "", err
	} else if !ok {
		return nil, "", fmt.Errorf("refresh token %w", ErrNotFound)
	}
	return f, s.text(f, f.generation), nil
}

// reused ends a family of which a token was used again.
func (s *Store) reused(ctx context.Context, f *Family) (*Family, secret.String, error) {
	if err := s.RevokeGrant(ctx, f.ID); err != nil {
		return nil, "", err
	}
	f.RevokedAt = s.now()
	return f, "", ErrReused
}

// advance makes next the current generation and stores with, which may be nil:
// both, or nothing when another call was faster.
func (s *Store) advance(ctx context.Context, f *Family, next int64, now time.Time, idle time.Duration, with *NewToken) (bool, error) {
	idleEnd := forEver
	if idle > 0 {
		idleEnd = millis(now.Add(idle))
	}
	rotated := now
	if next == f.generation {
		rotated = f.RotatedAt // a use is no rotation: the leeway of the token before does not begin anew
	}
	const update = `UPDATE idp_refresh SET generation = $3, rotated_at = $4, idle_expires_at = $5
		WHERE id = $1 AND generation = $2 AND revoked_at = 0`
	return s.storeIf(ctx, with, update, f.ID, f.generation, next, millis(rotated), idleEnd)
}

// storeIf stores a token, which may be nil, if an update changes a row, both in one
// transaction: whoever ends the family before finds no row changed, and after it
// the token.
func (s *Store) storeIf(ctx context.Context, with *NewToken, update string, args ...any) (ok bool, err error) {
	if with == nil {
		return changed(s.db.Exec(ctx, update, args...))
	}
	err = s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		// The user first, as whoever ends all of theirs does.
		if with.Epoch != nil {
			if err := s.inEpoch(ctx, tx, with.UserID, *with.Epoch); err != nil {
				return err
			}
		}
		if ok, err = changed(tx.ExecContext(ctx, update, args...)); err != nil || !ok {
			return err
		}
		return s.insertToken(ctx, tx, with.Text, &with.Token)
	})
	return ok && err == nil, s.refused("token", err)
}

// FindRefreshToken returns the family of a token that is current, or
// [ErrNotFound].
func (s *Store) FindRefreshToken(ctx context.Context, text secret.String) (*Family, error) {
	f, generation, err := s.findFamily(ctx, text)
	if err != nil {
		return nil, err
	}
	if generation != f.generation || !f.live(s.now()) {
		return nil, fmt.Errorf("refresh token %w", ErrNotFound)
	}
	return f, nil
}

// OwnerOfRefreshToken returns the family of a token whatever became of it, or
// [ErrNotFound].
func (s *Store) OwnerOfRefreshToken(ctx context.Context, text secret.String) (*Family, error) {
	f, _, err := s.findFamily(ctx, text)
	return f, err
}

// findFamily returns the family of a token that was made by us, and the
// generation of the token.
func (s *Store) findFamily(ctx context.Context, text secret.String) (*Family, int64, error) {
	unknown := fmt.Errorf("refresh token %w", ErrNotFound)
	raw := text.Reveal()
	if len(raw) < len(tokenPrefix) || raw[:len(tokenPrefix)] != tokenPrefix {
		return nil, 0, unknown
	}
	body, err := base64.RawURLEncoding.Strict().DecodeString(raw[len(tokenPrefix):])
	if err != nil || len(body) != tokenSize {
		return nil, 0, unknown
	}
	id := base64.RawURLEncoding.EncodeToString(body[:grantIDSize])
	generation := int64(binary.BigEndian.Uint64(body[grantIDSize:])) //nolint:gosec // what is negative is no generation
	f, err := s.Family(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	if !text.Equal(s.text(f, generation)) {
		return nil, 0, unknown
	}
	return f, generation, nil
}

// live reports whether the family is neither revoked nor over.
func (f *Family) live(now time.Time) bool {
	return f.RevokedAt.IsZero() && (f.ExpiresAt.IsZero() || f.ExpiresAt.After(now)) &&
		(f.IdleExpiresAt.IsZero() || f.IdleExpiresAt.After(now))
}

const familyColumns = `id, nonce, user_id, client_id, session_id, generation, rotated_at, created_at, expires_at,
	idle_expires_at, revoked_at, doc`

// Family returns a family, or [ErrNotFound].
func (s *Store) Family(ctx context.Context, id string) (*Family, error) {
	f, err := scanFamily(s.db.Read().QueryRowContext(ctx, "SELECT "+familyColumns+" FROM idp_refresh WHERE id = $1", id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("refresh token %w", ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read refresh token: %w", s.db.Wrap(err))
	}
	return f, nil
}

// FamiliesOf returns the live families of a user, the newest first, at most
// [MaxFamilies].
func (s *Store) FamiliesOf(ctx context.Context, userID string) ([]*Family, error) {
	rows, err := s.db.Read().QueryContext(ctx, "SELECT "+familyColumns+` FROM idp_refresh WHERE user_id = $1 AND revoked_at = 0
		AND expires_at > $2 AND idle_expires_at > $2 ORDER BY created_at DESC, id LIMIT $3`, userID, millis(s.now()), MaxFamilies)
	if err != nil {
		return nil, s.db.Wrap(err)
	}
	defer rows.Close()
	var list []*Family
	for rows.Next() {
		f, err := scanFamily(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, s.db.Wrap(rows.Err())
}

// RevokeFamilies ends the refresh tokens of a user, and the opaque tokens that came
// with them: at one client and in one session, where these are named.
func (s *Store) RevokeFamilies(ctx context.Context, userID, clientID, sessionID string) error {
	return s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.lockUsers(ctx, tx, "$1", userID); err != nil {
			return err
		}
		return s.revokeFamilies(ctx, tx, userID, clientID, sessionID)
	})
}

func (s *Store) revokeFamilies(ctx context.Context, tx *sql.Tx, userID, clientID, sessionID string) error {
	const which = "user_id = $1 AND ($2 = '' OR client_id = $2) AND ($3 = '' OR session_id = $3)"
	_, err := tx.ExecContext(ctx, "UPDATE idp_refresh SET revoked_at = $4 WHERE revoked_at = 0 AND "+which,
		userID, clientID, sessionID, millis(s.now()))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM idp_tokens WHERE kind = $4 AND grant_id IN (SELECT id FROM idp_refresh WHERE "+which+")",
		userID, clientID, sessionID, string(OpaqueToken))
	return err
}

func scanFamily(row scanner) (*Family, error) {
	var (
		f                                     Family
		doc                                   string
		rotated, created, until, idle, revoke int64
	)
	err := row.Scan(&f.ID, &f.nonce, &f.UserID, &f.ClientID, &f.SessionID, &f.generation, &rotated, &created, &until, &idle, &revoke, &doc)
	if err != nil {
		return nil, err
	}
	f.RotatedAt, f.CreatedAt, f.RevokedAt = instant(rotated), instant(created), instant(revoke)
	f.ExpiresAt, f.IdleExpiresAt = endInstant(until), endInstant(idle)
	if err := json.Unmarshal([]byte(doc), &f.FamilyDetails); err != nil {
		return nil, fmt.Errorf("decode refresh token: %w", err)
	}
	return &f, nil
}
