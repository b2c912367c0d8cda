package auth

import (
	"bytes"
	"io"
	"net/http"
)

// maxBody is how much of a body is waited for unless the handler says how much it
// takes; a service takes no more of anybody.
const maxBody = 1 << 20

// bounded is a handler that says how many bytes of a body it takes at most.
type bounded interface{ MaxBody() int64 }

// received calls next when the body of a request is here, most bytes of it at
// most: more is too much, and for next to refuse. What stands between judging who
// calls and doing what they ask is then no body that comes as late as its sender
// likes, while their session, key or role is taken from them.
func received(next http.Handler, most int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 { // or -1: nobody said
			r.Body = receive(r.Body, r.ContentLength, most)
		}
		next.ServeHTTP(w, r)
	})
}

// receive reads a body of that length, -1 for unknown. What it met is met again by
// whoever reads what it returns: the bytes, what is left beyond most, the error.
func receive(body io.ReadCloser, length, most int64) io.ReadCloser {
	const first = 4 << 10 // a length is a claim, and memory goes by what came
	b := &receivedBody{Closer: body, rest: body}
	b.start.Grow(int(min(max(length, 0), first)) + bytes.MinRead)
	n, err := b.start.ReadFrom(io.LimitReader(body, most+1))
	switch {
	case err != nil:
		b.rest, b.err = nil, err
	case n <= most:
		b.rest, b.err = nil, io.EOF
	}
	return b
}

// A receivedBody is a body of which the start, most often all, is here.
type receivedBody struct {
	io.Closer

	start bytes.Buffer
	rest  io.Reader // nil when there is none
	err   error     // what ends it then
}

// Read implements [io.Reader].
func (b *receivedBody) Read(p []byte) (int, error) {
	switch {
	case b.start.Len() > 0:
		return b.start.Read(p)
	case b.rest == nil:
		return 0, b.err
	}
	return b.rest.Read(p)
}
