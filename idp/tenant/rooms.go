package tenant

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/gatewright/gate/store"
)

// rooms are for searches, which may read every row: a quarter of the connections,
// so that whoever logs in meanwhile finds one.
type rooms chan struct{}

// roomWait is how long a search waits for a room.
const roomWait = 3 * time.Second

func newRooms(db *sql.DB) rooms { return make(rooms, max(1, db.Stats().MaxOpenConnections/4)) }

// enter waits for a room for that query; a list without one reads by index, and needs
// none. It is [store.ErrUnavailable] when none gets free in time.
func (r rooms) enter(ctx context.Context, query string) (leave func(), err error) {
	if query == "" {
		return func() {}, nil
	}
	leave = func() { <-r }
	timer := time.NewTimer(roomWait)
	defer timer.Stop()
	select {
	case r <- struct{}{}:
		return leave, nil
	case <-timer.C:
		return nil, fmt.Errorf("tenant: %d searches are under way: %w", cap(r), store.ErrUnavailable)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
