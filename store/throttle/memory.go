package throttle

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// memory keeps records in this process, a bounded number of each kind.
type memory struct {
	size int

	mu     sync.Mutex
	tables map[byte]*table // by kind
}

// A table holds the records of one kind.
type table struct {
	records map[string]*list.Element
	order   *list.List // of *entry, the one touched last in front
}

type entry struct {
	counter counter
	record  record
}

func (m *memory) count(ctx context.Context, now int64, counters []counter) (wait time.Duration, err error) {
	err = m.change(ctx, now, counters, func(records []*record) bool {
		wait = countAll(counters, records, now)
		return wait == 0
	})
	return wait, err
}

func (m *memory) change(_ context.Context, now int64, counters []counter, f func([]*record) bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	records := make([]*record, len(counters))
	for i, c := range counters {
		records[i] = m.find(c, now)
	}
	if !f(records) {
		return nil
	}
	for i, c := range counters {
		m.put(c, records[i])
	}
	return nil
}

// find returns the record of c, an empty one when there is none.
func (m *memory) find(c counter, now int64) *record {
	t := m.tables[c.key[0]]
	if t == nil || t.records[c.key] == nil {
		return new(record)
	}
	r := &t.records[c.key].Value.(*entry).record //nolint:forcetypeassert // the list holds nothing else
	c.rule.prune(r, now)
	return r
}

// put keeps r, in the place of the record untouched for longest if need be.
func (m *memory) put(c counter, r *record) {
	t := m.tables[c.key[0]]
	if t == nil {
		t = &table{records: make(map[string]*list.Element), order: list.New()}
		m.tables[c.key[0]] = t
	}
	e := t.records[c.key]
	switch {
	case r.empty():
		t.remove(e)
	case e != nil:
		e.Value.(*entry).record = *r //nolint:forcetypeassert // the list holds nothing else
		t.order.MoveToFront(e)
	default:
		if t.order.Len() >= m.size {
			t.remove(t.order.Back())
		}
		t.records[c.key] = t.order.PushFront(&entry{c, *r})
	}
}

func (t *table) remove(e *list.Element) {
	if e == nil {
		return
	}
	gone := t.order.Remove(e).(*entry) //nolint:forcetypeassert // the list holds nothing else
	delete(t.records, gone.counter.key)
}

func (m *memory) sweep(_ context.Context, now int64) (n int, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.tables {
		for e := t.order.Front(); e != nil; {
			next := e.Next()
			v := e.Value.(*entry) //nolint:forcetypeassert // the list holds nothing else
			if v.counter.rule.expires(&v.record) <= now {
				t.remove(e)
				n++
			}
			e = next
		}
	}
	return n, nil
}
