package jwks_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwks"
)

// A locator says where the keys are, and counts who asks.
type locator struct {
	mu    sync.Mutex
	where string
	err   error
	asked int
}

func (l *locator) locate(context.Context) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	return l.where, l.err
}

// says replaces the answer, and returns how often somebody asked for the last.
func (l *locator) says(where string, err error) (asked int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.where, l.err, asked, l.asked = where, err, l.asked, 0
	return asked
}

// The place of the keys is found anew after a failure and once an hour.
func TestLocate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t, keySet(t, "k"))
		var moved atomic.Int64
		answer := *i.answer.Load()
		i.does(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/moved" {
				moved.Add(1)
			}
			answer(w, r)
		})
		l := &locator{where: keysURL}
		s, err := jwks.New(jwks.Config{Transport: i.transport(), Locate: l.locate})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		load(t, s)
		time.Sleep(30 * time.Minute)
		if asked := l.says("https://issuer.test/moved", nil); asked != 1 {
			t.Errorf("asked %d times in half an hour", asked)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		i.goesDown()
		if asked := l.says("https://issuer.test/moved", nil); asked != 1 || moved.Load() == 0 {
			t.Errorf("asked %d times in the next hour, the new place %d times", asked, moved.Load())
		}
		time.Sleep(10 * time.Minute)
		has(t, s, "k")
		i.publish(keySet(t, "k", "new"))
		if asked := l.says("", errors.New("nobody knows")); asked < 10 {
			t.Errorf("asked %d times while requests failed", asked)
		}
		time.Sleep(10 * time.Minute)
		lacks(t, s, "new", jose.ErrUnavailable)
		l.says("http://issuer.test/keys", nil)
		time.Sleep(10 * time.Minute)
		lacks(t, s, "new", jose.ErrUnavailable)
		l.says(keysURL, nil)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		has(t, s, "new")
	})
}

// Locate counts as a part of the request.
func TestJKS02_locateIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := jwks.New(jwks.Config{Locate: func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		began := time.Now()
		lacks(t, s, "k", jose.ErrUnavailable)
		if waited := time.Since(began); waited != 5*time.Second {
			t.Errorf("it took %v", waited)
		}
	})
}
