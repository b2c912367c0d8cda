package server

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
)

// An Observer is told of every request of the service, also of those that no
// handler sees: what is measured and traced rests on it. Its methods are called
// by many goroutines.
type Observer interface {
	// Begin is called first, and returns the context in which the request is
	// answered. What it reads of r is what a stranger sent.
	Begin(r *http.Request) context.Context
	// End is called once, with that context, when the request was answered.
	End(ctx context.Context, a Answered)
}

// Answered is what is known of a request that was answered. None of its texts
// but RequestID was made up by whoever called, so that counters may be kept by
// them.
type Answered struct {
	// Method is one that the service knows, or OTHER.
	Method string
	// Route is the pattern that took the request, without a method:
	// /api/items/{id}. It is empty where none did.
	Route string
	// Status is what was answered, 101 for a connection that became something
	// else. It is 500 when the handler panicked, also where the answer had begun, and
	// 499 in place of 503 when the client had left.
	Status int
	// RequestID is the X-Request-Id of the answer.
	RequestID string
	// Duration is how long it took. For a stream, that is its life.
	Duration time.Duration
}

// Observe has o told of every request. It is for [Service.Build] and for
// functions given to [App.Extend].
func (a *App) Observe(o Observer) { a.observers = append(a.observers, o) }

// OnStart has f called once when the service begins to answer requests, before
// the first: to listen elsewhere, for instance. An error stops the service. The
// commands that only administer it do not call f. What f starts, a function
// given to [App.OnStop] ends.
func (a *App) OnStart(f func(context.Context) error) { a.start = append(a.start, f) }

// observe tells the observers that a request begins. It returns the request as
// the handlers are to see it, and what to call in the end.
func (e *edge) observe(r *http.Request) (*http.Request, func(Answered)) {
	contexts := make([]context.Context, len(e.observers))
	for i, o := range e.observers {
		contexts[i] = o.Begin(r)
		r = r.WithContext(contexts[i])
	}
	return r, func(a Answered) {
		for i, o := range slices.Backward(e.observers) {
			o.End(contexts[i], a)
		}
	}
}

// answered describes what became of a request.
func (e *edge) answered(rec *recorder, r *http.Request, id string, start time.Time) Answered {
	a := Answered{Method: r.Method, Status: rec.told(r.Context()), RequestID: id, Duration: e.now().Sub(start)}
	switch {
	case rec.broken:
		a.Status = http.StatusInternalServerError
	case rec.status == 0 && rec.switched:
		a.Status = http.StatusSwitchingProtocols
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		a.Method = "OTHER"
	}
	if r.Pattern != everything || e.ownRoot {
		a.Route = r.Pattern
		if _, path, ok := strings.Cut(r.Pattern, " "); ok {
			a.Route = strings.TrimLeft(path, " \t")
		}
	}
	return a
}
