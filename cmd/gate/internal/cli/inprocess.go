package cli

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// inProcess answers requests by a handler of this process, as if they came from
// this machine: nobody has to trust its certificate for that.
type inProcess struct{ handler http.Handler }

// RoundTrip implements [http.RoundTripper].
func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.Host, in.RequestURI, in.RemoteAddr = r.URL.Host, r.URL.RequestURI(), "127.0.0.1:1"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := inMemory{header: http.Header{}, status: http.StatusOK}
	p.handler.ServeHTTP(&w, in)
	return &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// inMemory is a [http.ResponseWriter] into memory.
type inMemory struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (m *inMemory) Header() http.Header { return m.header }

// WriteHeader implements [http.ResponseWriter].
func (m *inMemory) WriteHeader(status int) { m.status = status }

// Write implements [http.ResponseWriter].
func (m *inMemory) Write(p []byte) (int, error) { return m.body.Write(p) }
