package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// TestViewer: the viewer is that of Swagger UI, whatever it was compressed with.
func TestViewer(t *testing.T) {
	r := start(t, options{})
	for name, want := range map[string]string{
		"swagger-ui.css":       "bc5e8d5c013477cf1f35e2fb8ba1dff66be0f72f24e669a509635657145e1acb",
		"swagger-ui-bundle.js": "dbf3b6deb546cd86fd699f2dab5b349f68a40fd0b31f2a9fe4d4be5495977032",
		"favicon-32x32.png":    "3ed612f41e050ca5e7000cad6f1cbe7e7da39f65fca99c02e99e6591056e5837",
	} {
		sum := sha256.Sum256([]byte(r.do("GET", "/api/docs/"+name, "", "Accept-Encoding", "identity").is(200).Body))
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s has the sum %s, want %s", name, got, want)
		}
	}
}
