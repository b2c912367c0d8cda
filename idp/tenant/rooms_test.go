package tenant

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// IDP-21: searches, which may read every row, take a part of the connections. One
// more waits, and is told to come back before whoever asks has gone.
func TestIDP21_searchesAtOnce(t *testing.T) {
	db := storetest.SQLite(t)
	most := cap(newRooms(db.Read()))
	if all := db.Read().Stats().MaxOpenConnections; all < 2 || most < 1 || most > all/2 {
		t.Fatalf("%d searches may have %d connections", most, all)
	}
	synctest.Test(t, func(t *testing.T) {
		s := &Store{db: db, now: time.Now, rooms: make(rooms, 2)} // in the bubble
		for range 2 {
			if _, err := s.rooms.enter(t.Context(), "a:b"); err != nil {
				t.Fatal(err)
			}
		}
		for name, search := range map[string]func() error{
			"users": func() error { _, _, err := s.SearchUsers(t.Context(), UserQuery{Q: "a:b"}); return err },
			"logs":  func() error { _, _, err := s.SearchLogs(t.Context(), LogQuery{Q: "a:b"}); return err },
		} {
			start := time.Now()
			if err := search(); !errors.Is(err, store.ErrUnavailable) || time.Since(start) != roomWait {
				t.Errorf("%s: %v after %v", name, err, time.Since(start))
			}
		}
		if _, err := s.rooms.enter(t.Context(), ""); err != nil {
			t.Errorf("a list without a query: %v", err)
		}
		time.AfterFunc(time.Second, func() { <-s.rooms })
		if leave, err := s.rooms.enter(t.Context(), "a:b"); err != nil {
			t.Errorf("one got free meanwhile: %v", err)
		} else {
			leave()
		}
	})
}
