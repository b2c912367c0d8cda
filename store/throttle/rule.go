package throttle

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

const (
	rest    = 24 * time.Hour  // without attempts, after which a row of failures is over
	maxWait = 12 * time.Hour  // shorter than rest: a wait that grew is still known when it ends
	ahead   = 5 * time.Minute // how far the clocks of two processes may be apart
)

// What a [Throttle] lets through without [Rules].
const (
	attempts        = 10
	networkAttempts = 100
)

// The rules of a [Throttle].
func pairRule() rule { return rule{limit: attempts, window: 15 * time.Minute, grows: true} }

func deviceRule() rule {
	return rule{limit: attempts, window: 15 * time.Minute, grows: true, inARow: 100}
}
func networkRule() rule { return rule{limit: networkAttempts, window: time.Hour} }
func accountRule() rule { return rule{inARow: 100} }

// A rule says how many attempts a counter lets through.
type rule struct {
	limit  int           // in any window; 0 means any number
	window time.Duration // no longer than rest if grows
	grows  bool          // reaching the limit closes for the window, then for twice as long, …
	inARow int           // 0 means any number
}

// atMost is the rule with a lower limit; none and a higher one leave it.
func (u rule) atMost(n, most int) rule {
	if n > 0 {
		u.limit = min(n, most)
	}
	return u
}

// A record is what a counter has counted. The zero value is nothing. Times are
// milliseconds since 1970.
type record struct {
	times   []int64 // of attempts within the window, the oldest first
	last    int64   // the last attempt
	until   int64   // closed until then
	inARow  int
	strikes int  // how often it was closed
	moved   bool // see moveBack; it is not stored
}

func (r *record) empty() bool { return len(r.times) == 0 && r.inARow == 0 && r.strikes == 0 }

// moveBack has the last attempt be now if it is long ahead: the clock was wrong, and
// nobody waits until it is right.
func (r *record) moveBack(now int64) {
	by := r.last - now
	if by <= ahead.Milliseconds() {
		return
	}
	r.last, r.until, r.moved = now, r.until-by, true
	for i := range r.times {
		r.times[i] -= by
	}
}

// prune drops what has passed.
func (u rule) prune(r *record, now int64) {
	r.moveBack(now)
	past := now - u.window.Milliseconds()
	r.times = slices.DeleteFunc(r.times, func(at int64) bool { return at <= past })
	if r.last <= now-rest.Milliseconds() {
		r.inARow, r.strikes, r.until = 0, 0, 0
	}
}

// wait returns how long it takes until an attempt may be counted, 0 if it may
// now.
func (u rule) wait(r *record, now int64) time.Duration {
	until := r.until
	if u.limit > 0 && len(r.times) >= u.limit {
		until = max(until, r.times[len(r.times)-u.limit]+u.window.Milliseconds())
	}
	if u.inARow > 0 && r.inARow >= u.inARow {
		until = max(until, r.last+rest.Milliseconds())
	}
	return time.Duration(max(until-now, 0)) * time.Millisecond
}

// add counts an attempt.
func (u rule) add(r *record, now int64) {
	r.last = max(r.last, now)
	if u.inARow > 0 {
		r.inARow++
	}
	if u.limit == 0 {
		return
	}
	at, _ := slices.BinarySearch(r.times, now) // not always the end: other processes have other clocks
	r.times = slices.Insert(r.times, at, now)
	if u.grows && len(r.times) >= u.limit {
		r.until = now + min(u.window<<min(r.strikes, 16), maxWait).Milliseconds()
		r.strikes++
	}
}

// takeBack undoes add for the attempt at that time, if it is still known.
func (u rule) takeBack(r *record, at int64) {
	r.inARow = max(r.inARow-1, 0)
	i := slices.Index(r.times, at)
	if i < 0 {
		return
	}
	r.times = slices.Delete(r.times, i, i+1)
	if u.grows && len(r.times) == u.limit-1 && r.until != 0 {
		r.until = 0
		r.strikes = max(r.strikes-1, 0)
	}
}

// expires returns from when on the record is the same as none.
func (u rule) expires(r *record) int64 {
	at := r.until
	if len(r.times) > 0 {
		at = max(at, r.times[len(r.times)-1]+u.window.Milliseconds())
	}
	if r.inARow > 0 || r.strikes > 0 {
		at = max(at, r.last+rest.Milliseconds())
	}
	return at
}

// countAll counts an attempt for all counters or, when one of them is
// exhausted, for none, and returns how long to wait then.
func countAll(counters []counter, records []*record, now int64) time.Duration {
	var wait time.Duration
	for i, c := range counters {
		counters[i].wait = c.rule.wait(records[i], now)
		wait = max(wait, counters[i].wait)
	}
	if wait > 0 {
		return wait
	}
	for i, c := range counters {
		c.rule.add(records[i], now)
	}
	return 0
}

const recordVersion = 1

// encode writes a record as text: a version, then numbers, of which the times
// stand as distances.
func (r *record) encode() string {
	b := make([]byte, 0, 32+3*len(r.times))
	b = append(b, recordVersion)
	b = binary.AppendVarint(b, int64(r.inARow))
	b = binary.AppendVarint(b, int64(r.strikes))
	b = binary.AppendVarint(b, r.last)
	b = binary.AppendVarint(b, r.until)
	previous := r.last
	for _, at := range slices.Backward(r.times) {
		b = binary.AppendVarint(b, previous-at)
		previous = at
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

// decode reads what encode wrote; an empty text is an empty record.
func decode(text string) (*record, error) {
	r := new(record)
	if text == "" {
		return r, nil
	}
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(b) == 0 || b[0] != recordVersion {
		return nil, errors.New("counter is not in a form that this program knows")
	}
	b = b[1:]
	numbers := make([]int64, 0, 16)
	for len(b) > 0 {
		v, n := binary.Varint(b)
		if n <= 0 {
			return nil, errors.New("counter is cut short")
		}
		numbers, b = append(numbers, v), b[n:]
	}
	if len(numbers) < 4 || min(numbers[0], numbers[1]) < 0 || max(numbers[0], numbers[1]) > 1<<30 {
		return nil, errors.New("counter is not one")
	}
	r.inARow, r.strikes, r.last, r.until = int(numbers[0]), int(numbers[1]), numbers[2], numbers[3]
	previous := r.last
	for _, distance := range numbers[4:] {
		previous -= distance
		r.times = append(r.times, previous)
	}
	slices.Reverse(r.times)
	return r, nil
}
