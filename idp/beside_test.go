package idp_test

import (
	"testing"

	"github.com/gatewright/gate/idp"
)

// TestBeside: what is made on another processor is there after the wait, and a
// panic of it is one of the request, which is answered, and not of the provider.
func TestBeside(t *testing.T) {
	made := 0
	idp.Beside(func() { made = 1 })()
	if made != 1 {
		t.Error("it did not wait")
	}
	defer func() {
		if got := recover(); got != "broken" {
			t.Errorf("recover = %v, want broken", got)
		}
	}()
	idp.Beside(func() { panic("broken") })()
}
