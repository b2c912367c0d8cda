package coding_test

import (
	"testing"

	"github.com/gatewright/gate/internal/coding"
)

func TestGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "x-gzip": true, "GZip ; Q=0.5": true, "gzip;q=0": false, "gzip;q=0.0": false, "gzip;q=no": false,
		"br, gzip": true, "br": false, "*": true, "*;q=0": false, "gzip;q=0, *": false, "*;q=0, gzip": true, "identity": false,
	} {
		if got := coding.Gzip([]string{header}); got != want {
			t.Errorf("%q: %t, want %t", header, got, want)
		}
	}
	if !coding.Gzip([]string{"br", "gzip"}) {
		t.Error("the second line is not read")
	}
}
