// Package idempotency remembers which requests were made, so that a client which
// got no answer may ask again without making anything twice.
//
// A request is told by its caller, its route and a key of the client's choice. It
// begins with [Keeper.Begin], which either lets it be made or answers what came of
// it before, and ends in the transaction that makes it, with [Attempt.Finish]: what
// is made is remembered, and what is remembered was made.
//
// Nothing of an answer is kept but the identifiers of the rows that were made: who
// asks again sees of them what they may see then. Of what is called and answers no
// rows the answer itself is kept in their place.
//
// The tables belong to this package. A service creates them with its own, and calls
// [Keeper.Sweep] every few minutes.
package idempotency

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gatewright/gate/store"
)

// Bounds of what is remembered.
const (
	Keep    = 24 * time.Hour // from the moment in which a request was made
	PerUser = 10_000         // requests of one caller
	MaxKey  = 255            // bytes of a key
)

// lease is how long a request that neither finished nor gave up keeps others from
// being made in its place: longer than any request takes.
const lease = 2 * time.Minute

const readTimeout = 3 * time.Second // an answer that takes longer is none

// An Error is why a request is not made. It is an error itself, so it can be the
// target of errors.Is.
type Error string

// The reasons.
const (
	ErrBusy    Error = "the same request is being made"
	ErrOther   Error = "the key was used for another request"
	ErrTooMany Error = "too many requests are remembered"
)

// Error implements error.
func (e Error) Error() string { return string(e) }

// Config says how a [Keeper] works. The zero value is ready to use.
type Config struct {
	Now     func() time.Time // nil means time.Now
	PerUser int              // zero means [PerUser]
}

// A Keeper remembers requests. It is safe for concurrent use, and shares what it
// knows with every process that uses the database.
type Keeper struct {
	db  *store.DB
	now func() time.Time
	max int

	mu   sync.Mutex
	left map[string]int // how many more a caller may have before they are counted
}

// New returns a keeper that keeps what it knows in db.
func New(db *store.DB, cfg Config) (*Keeper, error) {
	if db == nil {
		return nil, errors.New("idempotency: no database")
	}
	k := &Keeper{db: db, now: cfg.Now, max: cfg.PerUser, left: map[string]int{}}
	if k.now == nil {
		k.now = time.Now
	}
	if k.max == 0 {
		k.max = PerUser
	}
	return k, nil
}

// A Request is what is to be made once.
type Request struct {
	Caller string // who asks; never empty
	Route  string // what is asked: POST /api/items
	Key    string // of 1 to [MaxKey] bytes, chosen by the caller
	Body   []byte
}

// An Attempt is a request on its way. With Done set it was made before, and neither
// Finish nor Abandon is to be called.
type Attempt struct {
	Done   bool
	Status int      // it was answered with, if it is Done
	IDs    []string // of the rows that it made, if it is Done

	keeper *Keeper
	id     [3]string // caller, route and key
	token  string
}

// Begin lets a request be made, or answers what came of it. The error is [ErrBusy]
// while the same one is being made, [ErrOther] when its body is another one than
// that of the first request with the key, [ErrTooMany], or one of the database.
func (k *Keeper) Begin(ctx context.Context, r Request) (*Attempt, error) {
	if r.Caller == "" || r.Route == "" || r.Key == "" || len(r.Key) > MaxKey {
		return nil, errors.New("idempotency: a request needs a caller, a route and a key")
	}
	a := &Attempt{keeper: k, id: [3]string{r.Caller, r.Route, digest([]byte(r.Key))}, token: rand.Text()}
	body := digest(r.Body)
	for range 3 { // the row that is in the way may go
		switch there, err := k.look(ctx, a, body); {
		case err != nil:
			return nil, err
		case there:
			return a, nil
		}
		if err := k.room(ctx, r.Caller); err != nil {
			return nil, err
		}
		switch mine, err := k.insert(ctx, a, body); {
		case err != nil:
			return nil, err
		case mine:
			return a, nil
		}
	}
	return nil, ErrBusy
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// insert takes the place of a request, or of one that is forgotten.
func (k *Keeper) insert(ctx context.Context, a *Attempt, body string) (bool, error) {
	now := k.now()
	res, err := k.db.Exec(ctx, `INSERT INTO gate_idempotency (caller, route, key, digest, token, status, row_ids, expires_at)
		VALUES ($1, $2, $3, $4, $5, 0, '[]', $6)
		ON CONFLICT (caller, route, key) DO UPDATE
		SET digest = excluded.digest, token = excluded.token, status = 0, row_ids = '[]', expires_at = excluded.expires_at
		WHERE gate_idempotency.expires_at <= $7`,
		a.id[0], a.id[1], a.id[2], body, a.token, now.Add(lease).UnixMilli(), now.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("remember a request: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, k.db.Wrap(err)
}

// look finds out what came of a request that is there.
func (k *Keeper) look(ctx context.Context, a *Attempt, body string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var known, ids string
	var status int
	err := k.db.Read().QueryRowContext(ctx, `SELECT digest, status, row_ids FROM gate_idempotency WHERE caller = $1 AND route = $2 AND key = $3 AND expires_at > $4`,
		a.id[0], a.id[1], a.id[2], k.now().UnixMilli()).Scan(&known, &status, &ids)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for a request: %w", k.db.Wrap(err))
	case known != body:
		return false, ErrOther
	case status == 0:
		return false, ErrBusy
	}
	a.Done, a.Status = true, status
	if err := json.Unmarshal([]byte(ids), &a.IDs); err != nil {
		return false, fmt.Errorf("read a request: %w", err)
	}
	return true, nil
}

// callers is of how many callers it is known how much room they have.
const callers = 10_000

// room refuses a caller of whom too many requests are remembered. They are counted for
// each hundredth of the bound, so that it may be exceeded by one for each process.
func (k *Keeper) room(ctx context.Context, caller string) error {
	k.mu.Lock()
	left := k.left[caller]
	if left > 0 {
		k.left[caller]--
	}
	k.mu.Unlock()
	if left > 0 {
		return nil
	}
	n, err := k.count(ctx, caller)
	switch {
	case err != nil:
		return err
	case n >= k.max:
		return ErrTooMany
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.left) >= callers {
		clear(k.left)
	}
	k.left[caller] = min(max(1, k.max/100), k.max-n) - 1
	return nil
}

func (k *Keeper) count(ctx context.Context, caller string) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err = k.db.Read().QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM gate_idempotency WHERE caller = $1 AND expires_at > $3 LIMIT $2) AS held`,
		caller, int64(k.max), k.now().UnixMilli()).Scan(&n)
	return n, k.db.Wrap(err)
}

// Finish notes in the transaction that makes the request what it made, and what it
// is answered with. The error is [ErrBusy] when it took so long that the same
// request is being made again: the transaction has to be rolled back then.
func (a *Attempt) Finish(ctx context.Context, tx *sql.Tx, status int, ids []string) error {
	made, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, `UPDATE gate_idempotency SET status = $1, row_ids = $2, expires_at = $3
		WHERE caller = $4 AND route = $5 AND key = $6 AND token = $7`,
		int64(status), string(made), a.keeper.now().Add(Keep).UnixMilli(), a.id[0], a.id[1], a.id[2], a.token)
	if err != nil {
		return fmt.Errorf("remember what a request made: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, ErrBusy)
	}
	return nil
}

// Abandon forgets a request that was not made, so that it can be made with the same
// key. It does nothing to one that is finished. When it fails the request can be
// made again two minutes after it began.
func (a *Attempt) Abandon(ctx context.Context) error {
	_, err := a.keeper.db.Exec(ctx, `DELETE FROM gate_idempotency WHERE caller = $1 AND route = $2 AND key = $3 AND token = $4 AND status = 0`,
		a.id[0], a.id[1], a.id[2], a.token)
	return err
}

// Forget forgets the requests of a caller who is gone.
func (k *Keeper) Forget(ctx context.Context, caller string) error {
	_, err := k.db.Exec(ctx, `DELETE FROM gate_idempotency WHERE caller = $1`, caller)
	return err
}

// batch is how many rows one statement of a sweep deletes: the writer is needed by
// others.
const batch = 1000

// Sweep deletes what has expired, and returns how much that was.
func (k *Keeper) Sweep(ctx context.Context) (int, error) {
	total := 0
	for {
		res, err := k.db.Exec(ctx, `DELETE FROM gate_idempotency WHERE (caller, route, key) IN
			(SELECT caller, route, key FROM gate_idempotency WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
			k.now().UnixMilli(), int64(batch))
		if err != nil {
			return total, err
		}
		n, err := res.RowsAffected()
		total += int(n)
		if err != nil || n < batch {
			return total, k.db.Wrap(err)
		}
	}
}
