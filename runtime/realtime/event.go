package realtime

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
)

// An Event is what one connection is told.
type Event struct {
	// ID is the place of the event among those of this process, for clients
	// that come back.
	ID string
	// Name is the path of the entity and what happened: "items created".
	Name string
	// Data is the row as the connection may read it. It is shared and must not
	// be changed.
	Data json.RawMessage
}

// An event is a change on its way to everybody. What it shows to whom is
// decided at each connection.
type event struct {
	source  source
	change  crud.Changed
	logger  *slog.Logger
	at      time.Time // after the commit
	seq     uint64    // given by the dispatcher
	id      string
	removed []byte // what those are told who cannot see the row any more

	read  sync.Once
	after crud.Snapshot // what the row is now
	err   error

	mu      sync.Mutex
	encoded map[model.FieldSet][]byte
}

func newEvent(s source, c crud.Changed, logger *slog.Logger, at time.Time) *event {
	e := &event{source: s, change: c, logger: logger, at: at}
	entity := s.Entity()
	f := &entity.Fields[entity.IDField()]
	e.removed = f.AppendKey([]byte{'{'})
	if f.ID == model.Serial {
		e.removed = append(e.removed, c.ID...)
	} else {
		e.removed = model.AppendString(e.removed, c.ID)
	}
	e.removed = append(e.removed, '}')
	return e
}

// again returns the event as it is told to somebody who comes back: the row is
// read anew, for what it was then may be more than may be seen now.
func (e *event) again() *event {
	return &event{
		source: e.source, change: e.change, logger: e.logger, at: time.Now(), seq: e.seq, id: e.id, removed: e.removed,
	}
}

// load reads the row as it is now, once for all connections: twice, when the
// first time fails, for without it they all close.
func (e *event) load(ctx context.Context) error {
	e.read.Do(func() {
		if e.change.Action == authz.Delete {
			return
		}
		ctx := context.WithoutCancel(ctx)
		if e.after, e.err = e.snapshot(ctx); e.err == nil {
			return
		}
		time.Sleep(readAgain)
		if e.after, e.err = e.snapshot(ctx); e.err != nil {
			e.logger.WarnContext(ctx, "event not told, its connections close", "entity", e.change.Entity, "err", e.err)
		}
	})
	return e.err
}

func (e *event) snapshot(ctx context.Context) (crud.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return e.source.Snapshot(ctx, e.change.ID)
}

// show returns what the caller in ctx is told, and false when that is nothing.
func (e *event) show(ctx context.Context) (Event, bool, error) {
	if err := e.load(ctx); err != nil {
		return Event{}, false, err
	}
	_, knew := e.change.Before.View(ctx)
	if row, ok := e.after.View(ctx); ok {
		seen := row.Fields()
		if knew && seen.Intersect(e.change.Set).Empty() {
			return Event{}, false, nil // nothing that this one could notice
		}
		return e.event(e.kind(), e.encode(row)), true, nil
	}
	gone := e.change.Action == authz.Delete || e.after.Exists()
	return e.event("removed", e.removed), knew && gone, nil
}

func (e *event) event(kind string, data []byte) Event {
	return Event{ID: e.id, Name: e.source.Entity().Path + " " + kind, Data: data}
}

func (e *event) kind() string {
	switch {
	case e.change.Action == authz.Create:
		return "created"
	case e.change.Replaced:
		return "updated"
	}
	return "patched"
}

// encode returns the row as JSON, made once for each set of fields.
func (e *event) encode(row crud.Row) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	set := row.Fields()
	if data, ok := e.encoded[set]; ok {
		return data
	}
	data := row.AppendJSON(nil)
	if e.encoded == nil {
		e.encoded = make(map[model.FieldSet][]byte, 2)
	}
	e.encoded[set] = data
	return data
}

// ring keeps the last events for clients that come back.
type ring struct {
	events [ringSize]*event
	last   uint64 // sequence number of the newest; 0 for none
}

func (r *ring) add(e *event) {
	r.last++
	e.seq = r.last
	r.events[e.seq%ringSize] = e
}

// since returns the events after seq, and false when some of them are gone.
func (r *ring) since(seq uint64) ([]*event, bool) {
	if seq > r.last || r.last-seq > ringSize {
		return nil, false
	}
	list := make([]*event, 0, r.last-seq)
	for n := seq + 1; n <= r.last; n++ {
		e := r.events[n%ringSize]
		if e == nil {
			return nil, false
		}
		list = append(list, e)
	}
	return list, true
}

// clear forgets all events, since one is missing.
func (r *ring) clear() { r.events = [ringSize]*event{} }

// changed takes note of a change after its commit. It does not block: when the
// dispatcher is too far behind, everybody has to begin anew.
func (rt *Realtime) changed(ctx context.Context, c crud.Changed) {
	e, ok := rt.byName(c.Entity)
	if !ok {
		return
	}
	select {
	case rt.backlog <- newEvent(e, c, rt.cfg.Logger, time.Now()):
	default:
		rt.cfg.Logger.WarnContext(ctx, "events lost, all connections close")
		rt.mu.Lock()
		defer rt.mu.Unlock()
		rt.ring.last++ // whoever comes back has missed something
		rt.ring.clear()
		for conn := range rt.conns {
			conn.Close(Lost)
		}
	}
}

func (rt *Realtime) byName(name string) (source, bool) {
	for _, path := range rt.paths {
		if e := rt.entities[path]; e.Entity().Name == name {
			return e, true
		}
	}
	return nil, false
}

// dispatch hands events to the connections that subscribed, in order.
func (rt *Realtime) dispatch(ctx context.Context) {
	defer close(rt.told)
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-rt.backlog:
			rt.tell(e)
		}
	}
}

func (rt *Realtime) tell(e *event) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.ring.add(e)
	e.id = rt.eventID(e.seq)
	for c := range rt.topics[e.source.Entity().Path] {
		c.push(e)
	}
}

func (rt *Realtime) eventID(seq uint64) string { return rt.boot + "-" + strconv.FormatUint(seq, 10) }

// parseEventID returns the sequence number in an identifier of this process.
func (rt *Realtime) parseEventID(id string) (uint64, bool) {
	text, ok := strings.CutPrefix(id, rt.boot+"-")
	if !ok {
		return 0, false
	}
	seq, err := strconv.ParseUint(text, 10, 64)
	return seq, err == nil
}
