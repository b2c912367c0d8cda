package idp

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/internal/secret"
)

const usePending = "upstream"

// A trip is a log-in that is under way at another provider. It travels in
// cookies of its own, so that no other browser can end it.
type trip struct {
	Pending upstream.Pending `json:"p"`
	Request *request         `json:"q"`
}

// The cookies of trips. Browsers keep 4096 bytes of one, names and all, and send
// all of them with each request, for which servers have a bound: there are as many
// names as trips that a browser may be on at a time, so that whatever makes it
// begin more, at once or one by one, does not lock it out.
const (
	cookieSize  = 3800
	tripCookies = 2 // of one trip
	maxTrips    = 3 // of one browser
)

// tripCookie is the name of a cookie of a trip.
func tripCookie(slot, part int) string {
	name := "gate_with_" + itoa(slot)
	if part > 0 {
		name += "_" + itoa(part)
	}
	return name
}

// trip returns what the cookies of a slot hold; false is nothing of ours.
func (p *Provider) trip(r *http.Request, slot int) (*trip, bool) {
	var text strings.Builder
	for part := range tripCookies {
		text.WriteString(p.cookie(r, tripCookie(slot, part)))
	}
	t := new(trip)
	if text.Len() == 0 || p.seal.open(usePending, text.String(), t) != nil {
		return nil, false
	}
	return t, true
}

// tripOf returns the trip of a browser with this state, and its slot.
func (p *Provider) tripOf(r *http.Request, state string) (*trip, int, bool) {
	for slot := range maxTrips {
		t, ok := p.trip(r, slot)
		if ok && state != "" && secret.String(t.Pending.State).Equal(secret.String(state)) {
			return t, slot, true
		}
	}
	return nil, 0, false
}

// keepTrip keeps a trip in cookies: in a slot that is free, else in that of the
// oldest one, which ends.
func (p *Provider) keepTrip(w http.ResponseWriter, r *http.Request, t trip) error {
	text, err := p.seal.close(usePending, t)
	if err != nil {
		return err
	}
	if len(text) > tripCookies*cookieSize {
		return errors.New("the request is too long for its cookies")
	}
	slot := p.slotFor(r, t.Pending.State)
	for i := range tripCookies {
		part := text[min(i*cookieSize, len(text)):min((i+1)*cookieSize, len(text))]
		if name := tripCookie(slot, i); part != "" {
			p.setCookie(w, name, part, upstream.PendingLifetime)
		} else if p.cookie(r, name) != "" {
			p.setCookie(w, name, "", 0) // of another one, to which it does not belong
		}
	}
	return nil
}

// slotFor returns the slot of a trip with this state: of those that are free one
// by chance, since tabs that begin at the same moment know nothing of each other.
func (p *Provider) slotFor(r *http.Request, state string) int {
	var free []int
	oldest, since := 0, int64(0)
	for slot := range maxTrips {
		t, ok := p.trip(r, slot)
		switch {
		case !ok:
			free = append(free, slot)
		case since == 0 || t.Pending.Started < since:
			oldest, since = slot, t.Pending.Started
		}
	}
	if len(free) == 0 {
		return oldest
	}
	return free[int(secret.Hash(state)[0])%len(free)]
}

// endTrip takes the cookies of a trip back.
func (p *Provider) endTrip(w http.ResponseWriter, r *http.Request, slot int) {
	for part := range tripCookies {
		if name := tripCookie(slot, part); p.cookie(r, name) != "" {
			p.setCookie(w, name, "", 0)
		}
	}
}

// inView reports whether the browser shows what an address answers, as a page or in
// a frame of one, as opposed to loading a picture or a script from it. Browsers
// that do not say are believed.
func inView(r *http.Request) bool {
	dest := r.Header.Get("Sec-Fetch-Dest")
	return dest == "" || dest == "document" || dest == "iframe"
}
