// Package framing ends connections on which it is not certain where a request ends.
package framing

import "net/http"

// Guard has the connection of a request close after its answer, of which h is the
// header, when the request says by Transfer-Encoding where it ends: net/http hides
// whether a Content-Length came along (RFC 9112 §6.1), and if it did, what follows
// on this connection cannot be trusted.
func Guard(h http.Header, r *http.Request) {
	if len(r.TransferEncoding) > 0 && r.ProtoMajor == 1 {
		h.Set("Connection", "close")
	}
}
