package throttle

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/household"
)

// A counter names one record and the rule that it follows.
type counter struct {
	key    string
	rule   rule
	shared bool          // by several accounts: the success of one takes back no more than its own
	wait   time.Duration // what countAll found
}

// A keeper keeps records. The counters given to one call have different keys,
// always in the same order of kinds.
type keeper interface {
	// count counts an attempt now for all counters, or says how long to wait.
	count(ctx context.Context, now int64, counters []counter) (time.Duration, error)
	// change has f change the records of the counters, while nobody else
	// does, and keeps them if it returns true.
	change(ctx context.Context, now int64, counters []counter, f func([]*record) bool) error
	// sweep removes what counts no more.
	sweep(ctx context.Context, now int64) (int, error)
}

func newKeeper(cfg Config) keeper {
	if cfg.DB == nil {
		return &memory{size: cfg.MaxEntries, tables: make(map[byte]*table)}
	}
	return &database{db: cfg.DB, size: cfg.MaxEntries, slots: make(chan struct{}, maxConns)}
}

// The kinds of counters, the first letter of their keys. Those of limits are
// small letters from 'l' on; see [Limiter].
const (
	kindPair    = 'P'
	kindNetwork = 'N'
	kindAccount = 'A'
	kindDevice  = 'D'
)

// names turns what is counted into keys that tell nothing of it.
type names []byte

// key returns the key of a counter: its kind, and 128 bits of a keyed hash.
func (n names) key(kind byte, parts ...string) string {
	mac := hmac.New(sha256.New, n)
	b := []byte{kind}
	for _, part := range parts {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	mac.Write(b)
	return string(kind) + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// networkFromContext returns the network of the client in ctx as text, empty
// when its address is unknown.
func networkFromContext(ctx context.Context) string {
	client, _ := gate.ClientFromContext(ctx)
	return household.Of(client.Address)
}
