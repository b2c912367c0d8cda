package accounts

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/store"
)

// The bounds of API keys.
const (
	// DefaultKeyLife is how long a key lives if nothing else is said. No key
	// lives for longer than a year.
	DefaultKeyLife = 90 * 24 * time.Hour
	// MaxKeyOverlap is how long a key may go on beside its successor.
	MaxKeyOverlap = 30 * 24 * time.Hour

	maxKeys     = 50  // live ones of an account
	maxDeadKeys = 100 // others, kept until they are swept
	maxKeyName  = 100 // bytes
	maxScopes   = 100
	maxScope    = 100 // bytes
	maxNetworks = 20
)

// An APIKey is what is known of a key. Its secret is not.
type APIKey struct {
	// ID names the key. It stands in its text and is no secret.
	ID string
	// Entity and Subject are the account that it acts for.
	Entity, Subject string
	// Name is what its owner calls it.
	Name string
	// Scopes are what it is limited to; there is one at least. See
	// [gate.Permits] and [gate.ScopeOwner].
	Scopes []string
	// Networks are where it may be used from; none means anywhere.
	Networks []netip.Prefix
	// CreatedAt, ExpiresAt and LastUsedAt are to the second or better, save that
	// use is noted once a minute; zero means that it was never used.
	CreatedAt, ExpiresAt, LastUsedAt time.Time
	// RevokedAt is zero for a key that was not revoked.
	RevokedAt time.Time
}

// A NewKey is what [APIKeys.Create] makes a key of.
type NewKey struct {
	// Entity and Subject are the account, taken from who asks for the key and
	// never from what he sent.
	Entity, Subject string
	// Name is required; it is cut to 100 bytes.
	Name string
	// Scopes are required. The caller sees to it that the account has what they
	// permit; whoever uses the key never has more than the account then has.
	Scopes []string
	// ExpiresAt is at most a year away; zero means in [DefaultKeyLife].
	ExpiresAt time.Time
	// Networks are where the key may be used from; none means anywhere.
	Networks []netip.Prefix
}

// APIKeysConfig configures [NewAPIKeys]. The zero value is ready for use.
type APIKeysConfig struct {
	// Environment stands in every key, so that one of a test is recognised in
	// production: up to 16 lower-case letters and digits; empty means "live".
	Environment string
	// Entity limits the store to keys of one kind of account; see
	// [SessionsConfig].
	Entity string
	// CacheFor and CacheSize are as for [SessionsConfig].
	CacheFor  time.Duration
	CacheSize int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// APIKeys is the store of keys that programs authenticate with. It is safe for
// concurrent use; [NewAPIKeys] makes one, [APIKeys.Close] ends what it does in
// the background.
//
// A key reads gk_<environment>_<id>_<secret><checksum>, where the secret is 256
// random bits in letters and digits; of the secret the SHA-256 is stored. A
// revocation counts at once in this process and within the time of the cache in
// every other. An account has at most fifty keys.
type APIKeys struct {
	db     *store.DB
	now    func() time.Time
	env    string
	entity string
	cache  *cache[string, *foundKey] // by identifier
	seen   *recorder
}

// foundKey is a key with what is stored of its secret.
type foundKey struct {
	APIKey
	digest [32]byte
}

// NewAPIKeys returns a store of keys in db, whose schema has the [Migrations].
func NewAPIKeys(db *store.DB, cfg APIKeysConfig) (*APIKeys, error) {
	if db == nil {
		return nil, errors.New("api keys: no database")
	}
	if cfg.Environment == "" {
		cfg.Environment = "live"
	}
	if len(cfg.Environment) > maxEnv || strings.Trim(cfg.Environment, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return nil, fmt.Errorf("api keys: environment %q is not up to %d lower-case letters and digits", cfg.Environment, maxEnv)
	}
	if err := cacheConfig(&cfg.CacheFor, &cfg.CacheSize); err != nil {
		return nil, fmt.Errorf("api keys: %w", err)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &APIKeys{
		db: db, now: cfg.Now, env: cfg.Environment, entity: cfg.Entity,
		cache: newCache[string, *foundKey](cfg.CacheSize, cfg.CacheFor),
		seen:  &recorder{db: db, update: "UPDATE gate_api_keys SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1"},
	}, nil
}

// Close waits for what runs in the background: recording when keys were last
// used.
func (k *APIKeys) Close() error {
	k.seen.close()
	return nil
}

// Create makes a key and returns its text, which is not shown again.
// [ErrTooManyKeys] says that the account has to revoke one first.
func (k *APIKeys) Create(ctx context.Context, n NewKey) (text string, key APIKey, err error) {
	now := k.now()
	key, err = k.check(n, now)
	if err != nil {
		return "", APIKey{}, fmt.Errorf("create api key: %w", err)
	}
	err = k.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := k.lockAccount(ctx, tx, key.Entity, key.Subject); err != nil {
			return err
		}
		if err := makeRoomForKey(ctx, tx, key, now); err != nil {
			return err
		}
		text, err = k.insert(ctx, tx, &key, sql.NullString{})
		return err
	})
	if err != nil {
		return "", APIKey{}, fmt.Errorf("create api key: %w", err)
	}
	return text, key, nil
}

// check returns the key that n describes.
func (k *APIKeys) check(n NewKey, now time.Time) (APIKey, error) {
	key := APIKey{
		Entity: n.Entity, Subject: n.Subject, Name: readable(n.Name, maxKeyName),
		Scopes: slices.Clone(n.Scopes), CreatedAt: time.UnixMilli(now.UnixMilli()), ExpiresAt: n.ExpiresAt,
	}
	if key.ExpiresAt.IsZero() {
		key.ExpiresAt = now.Add(DefaultKeyLife)
	}
	key.ExpiresAt = time.UnixMilli(key.ExpiresAt.UnixMilli())
	switch {
	case n.Subject == "" || n.Entity == "":
		return APIKey{}, errors.New("without subject or entity")
	case !storable(n.Subject, maxSubject) || !storable(n.Entity, maxEntity):
		return APIKey{}, errors.New("subject or entity is too long or no text")
	case k.entity != "" && n.Entity != k.entity:
		return APIKey{}, fmt.Errorf("entity %q in a store for %q", n.Entity, k.entity)
	case key.Name == "":
		return APIKey{}, errors.New("without a name")
	case !key.ExpiresAt.After(now) || key.ExpiresAt.After(now.AddDate(1, 0, 0)):
		return APIKey{}, errors.New("expiry is not between now and a year from now")
	case len(n.Scopes) == 0 || len(n.Scopes) > maxScopes:
		return APIKey{}, fmt.Errorf("%d scopes are not between 1 and %d", len(n.Scopes), maxScopes)
	case len(n.Networks) > maxNetworks:
		return APIKey{}, fmt.Errorf("%d networks are more than %d", len(n.Networks), maxNetworks)
	}
	for _, scope := range n.Scopes {
		if scope == "" || len(scope) > maxScope || readable(scope, maxScope) != scope || strings.ContainsRune(scope, ' ') {
			return APIKey{}, fmt.Errorf("scope %.100q is no word of up to %d bytes", scope, maxScope)
		}
	}
	for _, network := range n.Networks {
		if !network.IsValid() || network.Addr().Is4In6() {
			return APIKey{}, fmt.Errorf("network %v is none", network)
		}
		key.Networks = append(key.Networks, network.Masked())
	}
	return key, nil
}

// makeRoomForKey keeps the rows of an account to a number.
func makeRoomForKey(ctx context.Context, tx *sql.Tx, key APIKey, now time.Time) error {
	var live int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM gate_api_keys
		WHERE entity = $1 AND subject = $2 AND revoked_at IS NULL AND expires_at > $3`,
		key.Entity, key.Subject, now.UnixMilli()).Scan(&live)
	if err != nil {
		return err
	}
	if live >= maxKeys {
		return ErrTooManyKeys
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM gate_api_keys WHERE id IN
		(SELECT id FROM gate_api_keys WHERE entity = $1 AND subject = $2 AND (revoked_at IS NOT NULL OR expires_at <= $3)
		ORDER BY created_at DESC, id LIMIT $4 OFFSET $5)`,
		key.Entity, key.Subject, now.UnixMilli(), batchSize, maxDeadKeys)
	return err
}

// insert gives the key an identifier and a secret, stores it and returns its
// text.
func (k *APIKeys) insert(ctx context.Context, tx *sql.Tx, key *APIKey, predecessor sql.NullString) (string, error) {
	scopes, err := json.Marshal(key.Scopes)
	if err != nil {
		return "", err
	}
	networks, err := json.Marshal(key.Networks)
	if err != nil {
		return "", err
	}
	text, id, hidden := newKeyText(k.env)
	key.ID = id
	_, err = tx.ExecContext(ctx, `INSERT INTO gate_api_keys
		(id, entity, subject, name, secret_hash, scopes, networks, predecessor, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		id, key.Entity, key.Subject, key.Name, digestOf(hidden), string(scopes), string(networks), predecessor,
		key.CreatedAt.UnixMilli(), key.ExpiresAt.UnixMilli())
	return text, err
}

// Find returns the key with this text, and notes that it was used. A text that is
// no key, a key that is unknown, has expired or was revoked, and one used from
// elsewhere than its networks by the [gate.Client] in ctx, are refused alike with
// [gate.ErrInvalidCredentials]; the error has the account as its subject if the
// text was right. It asks the database at most once in the time of the cache, and
// not at all for a text with a typing error.
//
// Whether the account is still there is for the caller to look up.
func (k *APIKeys) Find(ctx context.Context, text string) (APIKey, error) {
	id, hidden, ok := parseKeyText(k.env, text)
	if !ok {
		return APIKey{}, invalidKey("")
	}
	now, digest := k.now(), secret.Hash(hidden)
	found, ok := k.cache.get(id, now)
	if !ok || subtle.ConstantTimeCompare(found.digest[:], digest[:]) != 1 {
		// A wrong secret takes as long for a key that is remembered as for one
		// that does not exist.
		epoch := k.cache.epoch()
		var err error
		if found, err = k.read(ctx, id, digest); err != nil {
			return APIKey{}, err
		}
		if k.usable(found.APIKey, now) {
			k.cache.put(id, found, epoch, now, found.ExpiresAt)
		}
		if k.admits(ctx, found.APIKey, now) && now.Sub(found.LastUsedAt) >= seenEvery {
			k.seen.record(ctx, id, now)
		}
	}
	if !k.admits(ctx, found.APIKey, now) {
		return APIKey{}, invalidKey(found.Subject)
	}
	key := found.APIKey
	key.Scopes, key.Networks = slices.Clone(key.Scopes), slices.Clone(key.Networks)
	return key, nil
}

func invalidKey(subject string) error {
	return &gate.AuthError{Code: gate.ErrInvalidCredentials, Message: "Invalid API key", Subject: subject}
}

func (k *APIKeys) usable(key APIKey, now time.Time) bool {
	return key.RevokedAt.IsZero() && key.ExpiresAt.After(now) && (k.entity == "" || key.Entity == k.entity)
}

// admits reports whether the key is good for the client in ctx.
func (k *APIKeys) admits(ctx context.Context, key APIKey, now time.Time) bool {
	return k.usable(key, now) && allowed(ctx, key.Networks)
}

// allowed reports whether the client in ctx is in one of the networks.
func allowed(ctx context.Context, networks []netip.Prefix) bool {
	if len(networks) == 0 {
		return true
	}
	client, _ := gate.ClientFromContext(ctx)
	addr := client.Address.Unmap().WithZone("")
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}

const keyColumns = `id, entity, subject, name, secret_hash, scopes, networks, created_at, last_used_at, expires_at, revoked_at`

// read returns the key with this identifier if its secret has the digest.
func (k *APIKeys) read(ctx context.Context, id string, digest [32]byte) (*foundKey, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var raw rawKey
	err := raw.scan(k.db.Read().QueryRowContext(ctx, "SELECT "+keyColumns+" FROM gate_api_keys WHERE id = $1", id))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("find api key: %w", k.db.Wrap(err))
	}
	// The comparison is made for an unknown key, too.
	if subtle.ConstantTimeCompare([]byte(raw.digest), []byte(hex.EncodeToString(digest[:]))) != 1 {
		return nil, invalidKey("")
	}
	key, err := raw.key()
	if err != nil {
		return nil, fmt.Errorf("find api key: %w", err)
	}
	return &foundKey{key, digest}, nil
}

// rawKey is a row as it is stored.
type rawKey struct {
	APIKey

	digest, scopes, networks string
	created, used, expires   int64
	revoked                  sql.NullInt64
}

func (r *rawKey) scan(row scanner) error {
	return row.Scan(&r.ID, &r.Entity, &r.Subject, &r.Name, &r.digest, &r.scopes, &r.networks,
		&r.created, &r.used, &r.expires, &r.revoked)
}

func (r *rawKey) key() (APIKey, error) {
	key := r.APIKey
	if err := json.Unmarshal([]byte(r.scopes), &key.Scopes); err != nil {
		return APIKey{}, fmt.Errorf("scopes of %s: %w", r.ID, err)
	}
	if err := json.Unmarshal([]byte(r.networks), &key.Networks); err != nil {
		return APIKey{}, fmt.Errorf("networks of %s: %w", r.ID, err)
	}
	key.CreatedAt, key.ExpiresAt = time.UnixMilli(r.created), time.UnixMilli(r.expires)
	if r.used > 0 {
		key.LastUsedAt = time.UnixMilli(r.used)
	}
	if r.revoked.Valid {
		key.RevokedAt = time.UnixMilli(r.revoked.Int64)
	}
	return key, nil
}
