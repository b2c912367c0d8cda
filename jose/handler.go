package jose

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
)

// defaultMaxAge is how long a JWKS may be kept by whoever fetched it.
const defaultMaxAge = 5 * time.Minute

// Handler serves the public halves of the keys in the set as a JSON Web Key Set,
// usually at /.well-known/jwks.json. It answers GET and HEAD, in the media type
// of RFC 7517 §8.5.2, with a tag so that whoever has the document gets a 304.
//
// maxAge is how long a document may be kept, in whole seconds; less than one
// means five minutes. It is also how long at least a key has to be published
// before it signs.
func (s *KeySet) Handler(maxAge time.Duration) http.Handler {
	if maxAge < time.Second {
		maxAge = defaultMaxAge
	}
	control := "public, max-age=" + strconv.FormatInt(int64(maxAge/time.Second), 10)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		doc := s.document()
		h.Set("Content-Type", "application/jwk-set+json")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", control)
		h.Set("Etag", doc.etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(doc.body))
	})
}
