package crud

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
)

// writeTimeout is how long a transaction may take, hooks and tries and all, unless
// [Extend] says otherwise: SQLite has one writer, for whom everybody else waits.
const writeTimeout = 10 * time.Second

// fileRate is how many bytes of a file a database takes in a second at least, beside
// that time: as many as somebody has to send.
const fileRate = 128 << 10

// limit is how long the transaction of a change may take.
func (o *options) limit() time.Duration {
	if o.file == nil || o.file.staged == nil {
		return writeTimeout
	}
	return writeTimeout + time.Duration(o.file.staged.File.Size/fileRate)*time.Second
}

type txKey struct{ db *store.DB }

// transaction is what a context carries inside a change.
type transaction struct {
	tx        *sql.Tx
	bound     *bound
	committed []word
	watched   []watch
	broken    error // a part of it could not be undone, so that nothing may be kept
	claims
}

// part runs fn as a part of the transaction that is undone by itself when it fails,
// with what it left to be told: whoever gets the error may go on.
func (t *transaction) part(ctx context.Context, fn func(context.Context) error) error {
	if t.broken != nil {
		return t.broken
	}
	if _, err := t.tx.ExecContext(ctx, "SAVEPOINT gate_part"); err != nil {
		return err
	}
	told, held, hurried, kept := len(t.committed), len(t.held), t.hurried, false
	defer func() { // it also runs when fn panics
		if !kept {
			t.committed, t.held, t.hurried = t.committed[:told], t.held[:held], hurried
			t.undo(ctx)
		}
	}()
	if err := fn(ctx); err != nil {
		return err
	}
	_, err := t.tx.ExecContext(ctx, "RELEASE SAVEPOINT gate_part")
	kept = err == nil
	return err
}

// undo goes back to the beginning of a part, whose context may have ended.
func (t *transaction) undo(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	for _, stmt := range []string{"ROLLBACK TO SAVEPOINT gate_part", "RELEASE SAVEPOINT gate_part"} {
		if _, err := t.tx.ExecContext(ctx, stmt); err != nil {
			t.broken = fmt.Errorf("crud: undo a part of a transaction: %w", err)
			return
		}
	}
}

// Tx returns the transaction on db that a hook runs in, for statements of the
// service's own. It ends by itself: neither commit it nor roll it back.
func Tx(ctx context.Context, db *store.DB) (*sql.Tx, bool) {
	t, ok := ctx.Value(txKey{db}).(*transaction)
	if !ok {
		return nil, false
	}
	return t.tx, true
}

// OnCommit has fn run once the transaction on db that ctx is in was committed, with
// who listens to changes; of one that is rolled back nobody hears. If it panics, the
// log says so, and nobody else: the change is made. Its context has what that of the
// change has, and does not end with it: who sent the change may have gone. The answer
// waits for fn, which bounds by itself what it waits for; a crash of the process in
// between loses it. OnCommit reports whether there is a transaction.
func OnCommit(ctx context.Context, db *store.DB, fn func(context.Context)) bool {
	t, ok := ctx.Value(txKey{db}).(*transaction)
	if ok {
		t.committed = append(t.committed, word{tell: fn, code: fn})
	}
	return ok
}

// A word is what is told after a commit.
type word struct {
	tell func(context.Context)
	code any // the function that is told
}

// passOn tells it. The change is committed: a panic is for the log alone, and keeps it
// neither from others nor from the answer.
func (w word) passOn(ctx context.Context, db *store.DB) {
	defer func() {
		if fault := recover(); fault != nil {
			listener := runtime.FuncForPC(reflect.ValueOf(w.code).Pointer()).Name()
			db.Logger().ErrorContext(ctx, "panic after a commit", "err", fmt.Sprint(fault), "listener", listener, "stack", string(debug.Stack()))
		}
	}()
	w.tell(ctx)
}

// InTx runs fn in one transaction on db, which every change that fn makes with
// its context is a part of: all of them are kept, or none. Who listens to changes
// hears of them after the commit.
//
// It has ten seconds, or what [Extend] says, which is the deadline of the context that fn
// gets. Then the transaction is undone, whatever fn does, for others to write; once fn
// returns the error is a [*gate.Error] with 503 that matches [store.ErrUnavailable], unless
// fn returns one of its own that is not about the database: that is the answer.
//
// Within a transaction fn joins it, as a change does that is made with its context.
// An error undoes what joined, with what it left to be told, and nothing else:
// whoever handles it goes on with the transaction, and decides whether the rest is
// kept. What runs in one transaction runs one after the other.
//
// When PostgreSQL undoes the transaction to let another one pass (a deadlock, a
// serialization failure, a row that another one does not let go), fn runs again in a
// new one: eight times at most, all in the time that the transaction has.
// If that does not help, the error matches [store.ErrUnavailable]. So fn, and the
// hooks of what it changes, leave the same outside of the database after one run and
// after eight: what is to happen once is for [OnCommit].
//
// Callers take turns, as [store.DB.InTxFor] says. When too many transactions of one wait,
// the error is a [*gate.Error] with 429 that matches [store.ErrBusy].
func InTx(ctx context.Context, db *store.DB, fn func(ctx context.Context) error) error {
	if outer, ok := ctx.Value(txKey{db}).(*transaction); ok {
		return outer.part(ctx, fn)
	}
	return transact(ctx, db, writeTimeout, fn)
}

// InTx implements [Service].
func (r *engine) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return r.answer(InTx(ctx, r.db, fn))
}

// transact is InTx outside of a transaction. All tries together may take as long as
// limit says, commit and all.
func transact(ctx context.Context, db *store.DB, limit time.Duration, fn func(context.Context) error) error {
	bounded, stop := within(ctx, limit)
	defer stop()
	var wanted []claim
	for try := 1; ; try++ {
		t := transaction{bound: bounded, claims: claims{try: try, wanted: wanted}} // what the run before left to be told was undone with it
		err := t.run(bounded, db, fn)
		switch {
		case err == nil:
			for _, w := range t.committed {
				w.passOn(context.WithoutCancel(ctx), db)
			}
			return nil
		case !again(bounded, db, try, err):
			return bounded.explain(db, err)
		}
		wanted = t.wanted
	}
}

func (r *engine) tx(ctx context.Context) (*sql.Tx, bool) { return Tx(ctx, r.db) }

// run is one try.
func (t *transaction) run(ctx context.Context, db *store.DB, fn func(context.Context) error) error {
	err := db.InTxFor(ctx, askedBy(ctx), func(ctx context.Context, tx *sql.Tx) error {
		t.tx = tx
		ctx = context.WithValue(ctx, txKey{db}, t)
		if t.try == 1 { // a change that was begun goes on
			if err := Room(ctx); err != nil {
				return err
			}
		}
		if err := t.takeWanted(ctx); err != nil {
			return err
		}
		if err := fn(ctx); err != nil {
			return err
		}
		return t.broken
	})
	if errors.Is(err, store.ErrBusy) {
		return busy(err)
	}
	return err
}

// inTx runs fn in a part of the transaction of ctx, or in one of its own, which ends
// in time for others who write; only then what fn leaves to be told is told here,
// after the commit.
func (r *engine) inTx(ctx context.Context, o options, fn func(ctx context.Context, t *transaction) error) error {
	if outer, ok := ctx.Value(txKey{r.db}).(*transaction); ok && o.part {
		return r.answer(fn(ctx, outer))
	}
	part := func(ctx context.Context) error {
		return fn(ctx, ctx.Value(txKey{r.db}).(*transaction)) //nolint:forcetypeassert // it is put there
	}
	if _, inside := r.tx(ctx); inside {
		return r.answer(InTx(ctx, r.db, part))
	}
	return r.answer(transact(ctx, r.db, o.limit(), part))
}

// tell leaves word of a change for after the commit. Rows are what the row was, and
// what it is.
func (r *engine) tell(t *transaction, c Changed, rows ...record) {
	t.noticed(r, c.ID)
	if len(r.onChange) == 0 {
		return
	}
	c.Entity = r.entity.Name
	for _, row := range rows {
		c.Size += r.size(row)
	}
	if c.Action != authz.Delete {
		after, last := r.form.row(), rows[len(rows)-1]
		r.copyAll(after, last, r.entity.All()) // for others see last, and change it
		c.After = r.snapshot(after)
	}
	for _, listener := range r.onChange {
		t.committed = append(t.committed, word{tell: func(ctx context.Context) { listener(ctx, c) }, code: listener})
	}
}

// size returns how many bytes the texts of a row have.
func (r *engine) size(row record) int {
	n := 0
	for i := range r.entity.Fields {
		switch v := r.value(row, model.FieldID(i)).(type) {
		case string:
			n += len(v)
		case json.RawMessage:
			n += len(v)
		case []string:
			for _, s := range v {
				n += len(s)
			}
		}
	}
	return n
}
