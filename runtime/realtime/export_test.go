package realtime

import (
	"context"
	"time"
)

// QueryString is queryString.
var QueryString = queryString

// Message answers a message of a WebSocket, as if none had come before.
func (c *Conn) Message(ctx context.Context, data []byte) []byte {
	c.calls = newBucket(time.Now())
	answer, release := c.message(ctx, data)
	release()
	return answer
}
