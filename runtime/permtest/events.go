package permtest

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
)

// hear is the action of cells about events.
const hear = "hear"

// told is an event as somebody hears of it.
type told struct {
	name   string // created, patched, removed
	row    string // id
	fields map[string]bool
}

// A listener is a caller who hears of the rows of an entity.
type listener struct {
	*caller

	cell   string
	cancel context.CancelFunc
	ended  chan struct{} // closed with the stream

	mu    sync.Mutex
	heard []told
	more  chan struct{} // has something when more was heard
	lost  bool          // it did not hear what it should
}

// hears tries who is told of the rows of an entity, and which fields: the service
// itself makes rows, changes them and removes them.
func (k *kit) hears(e *entity) {
	k.t.Helper()
	var listeners []*listener
	for _, c := range k.callers {
		if l := k.listen(c, e); l != nil {
			defer l.cancel()
			listeners = append(listeners, l)
		}
	}
	if len(listeners) == 0 {
		return
	}
	var rows []*row
	for _, r := range slices.Clone(e.rows) {
		if !r.left && (e != k.accounts || !slices.ContainsFunc(k.callers, func(c *caller) bool { return c.owns(r) })) {
			rows = append(rows, r)
		}
	}
	lives := make([]*life, len(rows))
	for i, r := range rows {
		lives[i] = &life{row: k.likeness(r), changes: map[string]bool{}}
		if lives[i].stripped {
			lives[i].changes[e.model.Fields[e.model.Find(model.Roles)].Name] = true
		}
	}
	k.settle(listeners, rows) // an event has the row as it is when it is told
	for _, l := range lives {
		k.alter(l)
	}
	k.settle(listeners, rows)
	for _, l := range lives {
		k.end(l)
	}
	k.settle(listeners, rows)
	for _, l := range listeners {
		k.checkHeard(l, lives)
	}
}

// settle waits until everybody heard all that there is to hear: of a row that is made
// after everything else, and that they may see.
func (k *kit) settle(listeners []*listener, rows []*row) {
	k.t.Helper()
	deaf := slices.Clone(listeners)
	for _, r := range rows {
		knows := func(l *listener) bool { return l.sees(r) }
		if r.entity != k.tenants && !slices.ContainsFunc(deaf, knows) {
			continue
		}
		last := k.likeness(r)
		if r.entity == k.tenants { // which is another one, of which nobody is
			knows = func(l *listener) bool { return l.sees(last) }
		}
		for _, l := range deaf {
			if knows(l) && !l.lost && !l.hearsOf(last.id) {
				l.lost = true // once is enough to wait
				k.t.Errorf("%s: hears of no new row (%s)", l.cell, l.about(r))
			}
		}
		deaf = slices.DeleteFunc(deaf, knows)
		k.drop(r.entity, last.id)
	}
	if len(deaf) > 0 { // who see none: a moment in which to hear of one
		select {
		case <-k.ctx().Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// sees reports whether somebody is told of a row: who gets it, save that an event does
// not tell whose row it is where that stands in another.
func (l *listener) sees(r *row) bool {
	if strings.Contains(r.entity.Owner, ".") {
		return r.entity.grantTo(l.caller).Rows.View.has(standing{within: l.within(r)}, r.entity.holds(r.values))
	}
	return l.in(&r.entity.grantTo(l.caller).Rows.View, r)
}

// listen opens the stream of a caller; nil if there is none, which is checked.
func (k *kit) listen(c *caller, e *entity) *listener {
	k.t.Helper()
	l := &listener{caller: c, cell: c.String() + " · " + hear + " · " + e.Name, ended: make(chan struct{}), more: make(chan struct{}, 1)}
	if k.except(l.cell) {
		return nil
	}
	k.requests++
	ctx, cancel := context.WithCancel(k.ctx())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url+"/api/events?entities="+url.QueryEscape(e.model.Path), nil)
	if err != nil {
		k.t.Fatal(err)
	}
	maps.Copy(req.Header, c.headers)
	res, err := (&http.Client{}).Do(req) //nolint:bodyclose // below, or when the stream ends
	if err != nil {
		k.t.Fatalf("%s: %v", l.cell, err)
	}
	w := status(http.StatusOK)
	if !e.grantTo(c).Rows.View.admitted() {
		w = k.denied(&rest{k}, c, e, view)
	}
	if !k.check(l.cell, w, answer{status: res.StatusCode}, "events") || res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		cancel()
		return nil
	}
	l.cancel = func() {
		cancel()
		<-l.ended
	}
	go func() {
		defer close(l.ended)
		defer res.Body.Close()
		l.read(bufio.NewScanner(res.Body))
	}()
	return l
}

// read takes the events of a stream until it ends.
func (l *listener) read(lines *bufio.Scanner) {
	lines.Buffer(nil, 8<<20)
	var e told
	for lines.Scan() {
		switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
		case "event":
			_, e.name, _ = strings.Cut(value, " ")
		case "data":
			var row map[string]any
			if decode([]byte(value), &row) != nil {
				continue
			}
			e.row, e.fields = fmt.Sprint(row["id"]), map[string]bool{}
			for name := range row {
				e.fields[name] = true
			}
			l.mu.Lock()
			l.heard = append(l.heard, e)
			l.mu.Unlock()
			select {
			case l.more <- struct{}{}:
			default:
			}
		}
	}
}

// hearsOf waits for an event of a row, and reports whether there was one.
func (l *listener) hearsOf(row string) bool {
	of := func(e told) bool { return e.row == row }
	for timeout := time.After(20 * time.Second); ; {
		l.mu.Lock()
		heard := slices.ContainsFunc(l.heard, of)
		l.mu.Unlock()
		if heard {
			return true
		}
		select {
		case <-l.more:
		case <-l.ended:
			return false
		case <-timeout:
			return false
		}
	}
}

// A life is what happened to a row.
type life struct {
	*row

	changed, removed bool
	changes          map[string]bool // the fields that changes are about: what is stamped with them is nobody's event
}

// likeness is another row like one, which the service makes itself.
func (k *kit) likeness(r *row) *row {
	k.t.Helper()
	if r.entity != k.accounts {
		return k.twin(r)
	}
	made := k.idle(r.tenant)
	k.insert(made)
	k.strip(made)
	made.owner = k.stranger.account
	return made
}

// alter changes one field of a row, one that a hook lets be changed alone.
func (k *kit) alter(l *life) {
	k.t.Helper()
	e := l.entity
	var refused error
	for i := range e.model.Fields {
		f := &e.model.Fields[i]
		switch {
		case l.changed || f.ReadOnly || f.Type == model.UpdatedAt || f.Name == e.model.Version || slices.Contains([]model.Type{model.Relation, model.Roles, model.Password, model.FileType}, f.Type):
		default:
			if v, changes := k.another(k.callers[0], l.row, f, status(http.StatusOK)); changes {
				err := k.tryPatch(l.row, map[string]any{f.Name: v})
				l.changed, l.changes[f.Name] = err == nil, err == nil
				refused = cmp.Or(refused, err)
			}
		}
	}
	if !l.changed && refused != nil {
		k.leftOut("hear · %s: that a row is changed: %v", e.Name, refused)
	}
}

// end removes a row.
func (k *kit) end(l *life) {
	k.t.Helper()
	if _, err := l.entity.service.RemoveRow(authz.System(k.ctx()), l.id, nil); err != nil {
		k.leftOut("hear · %s: that a row is removed: %v", l.entity.Name, err)
		k.drop(l.entity, l.id)
		return
	}
	l.removed = true
}

// checkHeard compares what somebody heard with what happened.
func (k *kit) checkHeard(l *listener, lives []*life) {
	k.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range lives {
		var want, got []string
		sees := l.sees(r.row)
		readable := k.readable(&rest{k}, l.caller, r.row, view)
		if sees {
			want = append(want, "created")
			if slices.ContainsFunc(sorted(r.changes), func(name string) bool { return readable[name] }) {
				want = append(want, "patched")
			}
			if r.removed {
				want = append(want, "removed")
			}
		}
		about := l.about(r.row)
		for _, e := range l.heard {
			if e.row != r.id {
				continue
			}
			got = append(got, e.name)
			if e.name == "removed" {
				k.checkShown(l.cell, map[string]bool{r.entity.id().Name: true}, e.fields, about+" that was removed")
			} else if sees {
				k.checkShown(l.cell, readable, e.fields, about)
			}
		}
		if got = slices.Compact(got); !slices.Equal(want, got) { // accounts may be changed more than once
			k.t.Errorf("%s: want %s, got %s (%s)", l.cell, words(want), words(got), about)
		}
	}
}

// words lists what happened to a row.
func words(list []string) string {
	if len(list) == 0 {
		return "no event"
	}
	return strings.Join(list, ", ")
}
