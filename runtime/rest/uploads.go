package rest

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gatewright/gate"
)

// How many files are being sent at a time, each of which takes room until it is here.
const (
	maxUploads   = 32
	maxUploadsOf = 4 // by one caller, or from one address where nobody is known
)

// Uploads counts the files that are being sent. The zero value is ready to use.
type Uploads struct {
	mu  sync.Mutex
	all int
	of  map[string]int
}

// begin counts one more, until done is called.
func (u *Uploads) begin(ctx context.Context) (done func(), err error) {
	who := ""
	if p, ok := gate.PrincipalFromContext(ctx); ok {
		who = "account " + p.Subject
	} else if c, ok := gate.ClientFromContext(ctx); ok {
		who = "address " + c.Address.String()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.of[who] >= maxUploadsOf {
		return nil, &gate.Error{Status: http.StatusTooManyRequests, Message: "Other files of yours are being sent: wait for them", RetryAfter: 10 * time.Second}
	}
	if u.all >= maxUploads {
		return nil, &gate.Error{Status: http.StatusServiceUnavailable, Message: "Too many files are being sent", RetryAfter: 10 * time.Second}
	}
	if u.of == nil {
		u.of = map[string]int{}
	}
	u.all++
	u.of[who]++
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.all--
		if u.of[who]--; u.of[who] == 0 {
			delete(u.of, who)
		}
	}, nil
}
