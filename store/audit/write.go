package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/store"
)

const (
	batchSize    = 100
	writeTimeout = 10 * time.Second
	idBits       = 21 // of an identifier, below the milliseconds
	columns      = "id, at, action, outcome, reason, entity, subject, actor, strategy, session_id, address, exact, user_agent, details"
	columnCount  = 14
)

// notStored is what the log says of events that are missing in the table.
const notStored = "audit events not stored"

// run writes what waits, and every minute what was counted, until the trail is
// closed and nothing is left.
func (t *Trail) run(ctx context.Context) {
	defer close(t.done)
	tick := time.NewTicker(countEvery)
	defer tick.Stop()
	for {
		select {
		case e := <-t.queue:
			t.write(ctx, t.waiting(e))
		case <-tick.C:
			t.writeCounts(ctx)
		case <-t.quit:
			for batch := t.waiting(); len(batch) > 0; batch = t.waiting() {
				t.write(ctx, batch)
			}
			t.writeCounts(ctx)
			t.reportDropped(ctx)
			return
		}
	}
}

// waiting adds what waits to a batch.
func (t *Trail) waiting(batch ...Entry) []Entry {
	for len(batch) < batchSize {
		select {
		case e := <-t.queue:
			batch = append(batch, e)
		default:
			return batch
		}
	}
	return batch
}

// writeCounts writes what was counted, and logs it: what it stands for is in the
// log at level debug alone.
func (t *Trail) writeCounts(ctx context.Context) {
	list := t.repeats.take()
	for _, e := range list {
		attrs := []slog.Attr{slog.Any("event", e.AuditEvent)}
		if e.Network.IsValid() {
			attrs = append(attrs, slog.String("network", e.Network.String()))
		}
		t.log.LogAttrs(ctx, slog.LevelInfo, "audit", attrs...)
	}
	for batch := range slices.Chunk(list, batchSize) {
		t.write(ctx, batch)
	}
}

// reportDropped logs how many events the queue did not take.
func (t *Trail) reportDropped(ctx context.Context) {
	if dropped := t.dropped.Swap(0); dropped > 0 {
		t.log.ErrorContext(ctx, notStored, "count", dropped, "err", "too many wait")
	}
}

// write writes a batch, or logs that it did not.
func (t *Trail) write(ctx context.Context, batch []Entry) {
	t.reportDropped(ctx)
	if err := t.store(ctx, batch); err != nil {
		t.log.ErrorContext(ctx, notStored, "count", len(batch), "err", err)
	}
}

// store writes a batch. A database that does not answer is asked again for some
// seconds; the queue has room for that.
func (t *Trail) store(ctx context.Context, batch []Entry) error {
	pause := 100 * time.Millisecond
	for try := 0; ; try++ {
		err := t.insert(ctx, batch)
		if err == nil {
			return nil
		}
		switch kind := t.db.Classify(err).Kind; {
		case try == 4 || ctx.Err() != nil || kind != store.Unavailable && kind != store.Unique:
			return err
		case kind == store.Unique: // another process drew the same identifier
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause *= 2
	}
}

// insert writes a batch with one statement.
func (t *Trail) insert(ctx context.Context, batch []Entry) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	rows := make([]string, len(batch))
	args := make([]any, 0, len(batch)*columnCount)
	draw := rand.Uint64() //nolint:gosec // an identifier, no secret
	for i := range batch {
		values, err := values(&batch[i], draw+uint64(i))
		if err != nil {
			return err
		}
		marks := make([]string, len(values))
		for j := range values {
			marks[j] = t.db.Dialect().Placeholder(len(args) + j + 1)
		}
		rows[i] = "(" + strings.Join(marks, ", ") + ")"
		args = append(args, values...)
	}
	_, err := t.db.Exec(ctx, "INSERT INTO gate_audit ("+columns+") VALUES "+strings.Join(rows, ", "), args...)
	return err
}

// values returns the columns of an event.
func values(e *Entry, low uint64) ([]any, error) {
	details := make(map[string]string, len(e.Details))
	for _, name := range slices.Sorted(maps.Keys(e.Details)) {
		if len(details) < maxDetails {
			details[readable(name)] = readable(e.Details[name])
		}
	}
	text, err := json.Marshal(details)
	if err != nil {
		return nil, fmt.Errorf("encode details: %w", err)
	}
	var address string
	exact := 0
	switch {
	case e.Network.IsValid():
		address = e.Network.String()
	case e.Client.Address.IsValid():
		address, exact = e.Client.Address.Unmap().WithZone("").String(), 1
	}
	return []any{
		idAt(e.At) | int64(low&(1<<idBits-1)), max(e.At.UnixMilli(), 0), readable(e.Action), int64(e.Outcome), readable(string(e.Reason)),
		readable(e.Entity), readable(e.Subject), readable(e.Actor), readable(e.Strategy), readable(e.SessionID),
		address, exact, readable(e.Client.UserAgent), string(text),
	}, nil
}

// idAt returns the least identifier of an event at that time.
func idAt(at time.Time) int64 {
	const most = 1<<(63-idBits) - 1 // in the year 2109
	return min(max(at.UnixMilli(), 0), most) << idBits
}
