package accounts

import (
	"container/list"
	"time"
)

// table counts attempts by key, in bounded memory. An attempt counts for as
// long as the window, or, if inARow is set, until the window has passed
// without another.
type table[K comparable] struct {
	size, limit int
	window      time.Duration
	inARow      bool
	records     map[K]*list.Element
	order       *list.List // of *record[K], the one counted last in front
}

type record[K comparable] struct {
	key   K
	count int
	// times are those of the attempts, the oldest first; if inARow is set, of
	// the last one only.
	times []int64
}

func newTable[K comparable](size, limit int, window time.Duration, inARow bool) table[K] {
	return table[K]{
		size: size, limit: limit, window: window, inARow: inARow,
		records: make(map[K]*list.Element), order: list.New(),
	}
}

// find returns the record of key without what has passed, nil when nothing is
// left of it.
func (t *table[K]) find(key K, now time.Time) *record[K] {
	e, ok := t.records[key]
	if !ok {
		return nil
	}
	r := e.Value.(*record[K]) //nolint:forcetypeassert // the list holds nothing else
	past := now.Add(-t.window).UnixNano()
	gone := 0
	for gone < len(r.times) && r.times[gone] <= past {
		gone++
	}
	r.times = r.times[gone:]
	if !t.inARow {
		r.count = len(r.times)
	}
	if len(r.times) == 0 {
		t.remove(e)
		return nil
	}
	return r
}

// wait returns how long it takes until key may be counted again, 0 if it may
// now.
func (t *table[K]) wait(key K, now time.Time) time.Duration {
	r := t.find(key, now)
	if r == nil || r.count < t.limit {
		return 0
	}
	return time.Unix(0, r.times[0]).Add(t.window).Sub(now)
}

// add counts an attempt.
func (t *table[K]) add(key K, now time.Time) {
	r := t.find(key, now)
	if r == nil {
		if t.order.Len() >= t.size {
			t.remove(t.order.Back())
		}
		r = &record[K]{key: key}
		t.records[key] = t.order.PushFront(r)
	} else {
		t.order.MoveToFront(t.records[key])
	}
	r.count++
	if t.inARow {
		r.times = r.times[:0]
	}
	r.times = append(r.times, now.UnixNano())
}

// takeBack removes the last attempt.
func (t *table[K]) takeBack(key K) {
	e, ok := t.records[key]
	if !ok {
		return
	}
	r := e.Value.(*record[K]) //nolint:forcetypeassert // the list holds nothing else
	r.count--
	if r.count <= 0 {
		t.remove(e)
		return
	}
	if !t.inARow {
		r.times = r.times[:len(r.times)-1]
	}
}

// forget removes all attempts.
func (t *table[K]) forget(key K) {
	if e, ok := t.records[key]; ok {
		t.remove(e)
	}
}

func (t *table[K]) remove(e *list.Element) {
	r := t.order.Remove(e).(*record[K]) //nolint:forcetypeassert // the list holds nothing else
	delete(t.records, r.key)
}
