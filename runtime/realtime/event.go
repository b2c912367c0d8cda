package realtime

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
)

// An Event is what one connection is told.
type Event struct {
	// ID is the place of the event among those of this process, for clients
	// that come back. It tells them nothing else.
	ID string
	// Name is the path of the entity and what happened: "items created".
	Name string
	// Data is the row as the connection may read it. It is shared and must not
	// be changed.
	Data json.RawMessage
}

// What an event takes without the texts of its row, and for each row that was linked
// to it, about.
const (
	eventBytes = 512
	linkBytes  = 1024
)

// An event is a change on its way to everybody. What it shows to whom is
// decided at each connection.
type event struct {
	source  source
	change  crud.Changed
	logger  *slog.Logger
	at      time.Time // after the commit
	size    int64     // bytes that it may come to keep: of the row, and of its JSON
	id      string    // given by the dispatcher
	removed []byte    // what those are told who cannot see the row any more

	read  sync.Once
	after crud.Snapshot                    // what the row is now
	links []func(ctx context.Context) bool // who sees the rows that were linked to it
	err   error

	mu      sync.Mutex
	encoded map[model.FieldSet][]byte
}

func newEvent(s source, c crud.Changed, logger *slog.Logger, at time.Time) *event {
	e := &event{source: s, change: c, logger: logger, at: at, size: eventBytes + 2*int64(c.Size) + linkBytes*int64(len(c.Links))}
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
		source: e.source, change: e.change, logger: e.logger, at: time.Now(), size: e.size, id: e.id, removed: e.removed,
	}
}

// load reads the row as it is now, once for all connections: twice, when the
// first time fails, for without it they all close. The program reads it, and waits for
// no turn of whoever happens to be told first.
func (e *event) load(ctx context.Context) error {
	e.read.Do(func() {
		if e.change.Action == authz.Delete {
			return
		}
		ctx := authz.System(context.WithoutCancel(ctx))
		if e.err = e.look(ctx); e.err == nil {
			return
		}
		time.Sleep(readAgain)
		if e.err = e.look(ctx); e.err != nil {
			e.logger.WarnContext(ctx, "event not told, its connections close", "entity", e.change.Entity, "err", e.err)
		}
	})
	return e.err
}

func (e *event) look(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if e.after, err = e.source.Snapshot(ctx, e.change.ID); err != nil {
		return err
	}
	e.links = make([]func(context.Context) bool, len(e.change.Links))
	for i, l := range e.change.Links {
		if e.links[i], err = l.Sight(ctx); err != nil {
			return err
		}
	}
	return nil
}

// show returns what the caller in ctx is told, and false when that is nothing.
func (e *event) show(ctx context.Context) (Event, bool, error) {
	if err := e.load(ctx); err != nil {
		return Event{}, false, err
	}
	_, knew := e.change.Before.View(ctx)
	if row, ok := e.after.View(ctx); ok {
		seen := row.Fields()
		if knew && seen.Intersect(e.changed()).Empty() && !e.linked(ctx) {
			return Event{}, false, nil // nothing that this one could notice
		}
		return e.event(e.kind(), e.encode(row)), true, nil
	}
	gone := e.change.Action == authz.Delete || e.after.Exists()
	return e.event("removed", e.removed), knew && gone, nil
}

// changed returns the fields that differ, without what the service itself writes with
// others: when the row changed, and its version.
func (e *event) changed() model.FieldSet {
	entity, set := e.source.Entity(), e.change.Set
	for _, f := range []model.FieldID{entity.Find(model.UpdatedAt), entity.VersionField()} {
		if f != model.NoField {
			set.Remove(f)
		}
	}
	if set.Empty() && len(e.change.Links) == 0 {
		return e.change.Set // the stamps themselves were written
	}
	return set
}

// linked reports whether the caller in ctx sees a row whose relation to this one changed.
func (e *event) linked(ctx context.Context) bool {
	return slices.ContainsFunc(e.links, func(sees func(context.Context) bool) bool { return sees(ctx) })
}

// concerns reports whether the caller in ctx may see the row of the event, as it was
// or as it was written. What became of it since is an event of its own.
func (e *event) concerns(ctx context.Context) bool {
	_, knew := e.change.Before.View(ctx)
	if knew {
		return true
	}
	_, knows := e.change.After.View(ctx)
	return knows
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

// ring keeps the last events for clients that come back: so many of them, and of
// their bytes.
type ring struct {
	events [ringSize]*event
	first  uint64 // sequence number of the oldest that is there
	last   uint64 // of the newest; 0 for none
	bytes  int64
}

// add numbers an event and keeps it as it is told again, without what is read of its
// row for those who are told now.
func (r *ring) add(e *event, ids eventIDs) {
	r.last++
	e.id = ids.id(r.last)
	r.drop(r.last)
	r.events[r.last%ringSize], r.bytes = e.again(), r.bytes+e.size
	if r.last >= ringSize {
		r.first = max(r.first, r.last-ringSize+1)
	}
	for ; r.bytes > ringBytes && r.first < r.last; r.first++ {
		r.drop(r.first)
	}
}

// drop forgets the event in the place of that number.
func (r *ring) drop(seq uint64) {
	if at := &r.events[seq%ringSize]; *at != nil {
		r.bytes -= (*at).size
		*at = nil
	}
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
func (r *ring) clear() { r.events, r.bytes = [ringSize]*event{}, 0 }

// changed takes note of a change after its commit. It does not block: when the
// dispatcher is too far behind, everybody has to begin anew.
func (rt *Realtime) changed(ctx context.Context, c crud.Changed) {
	s, ok := rt.byName(c.Entity)
	if !ok {
		return
	}
	e := newEvent(s, c, rt.cfg.Logger, time.Now())
	if n := rt.waiting.Add(e.size); n <= backlogBytes || n == e.size {
		select {
		case rt.backlog <- e:
			return
		default:
		}
	}
	rt.waiting.Add(-e.size)
	rt.cfg.Logger.WarnContext(ctx, "events lost, all connections close")
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.ring.last++ // whoever comes back has missed something
	rt.ring.clear()
	for conn := range rt.conns {
		conn.Close(Lost)
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
			rt.waiting.Add(-e.size)
		}
	}
}

func (rt *Realtime) tell(e *event) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.ring.add(e, rt.ids)
	for c := range rt.topics[e.source.Entity().Path] {
		if !c.push(e) {
			c.Close(Slow)
		}
	}
}
