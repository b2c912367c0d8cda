package action_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/model"
)

// TestAUZ12_manyElements: a list that is too long is refused before it takes many times
// its room.
func TestAUZ12_manyElements(t *testing.T) {
	const n = 100_000
	type input struct{ T []string }
	record := &action.Record{Name: "Input", Members: []action.Member{{Field: model.Field{Name: "t", Type: model.Text}, List: true}}}
	body := []byte(`{"t":[` + strings.TrimSuffix(strings.Repeat(`"",`, n), ",") + `]}`)
	var err error
	if got := testing.AllocsPerRun(1, func() { err = action.JSON(body, nil)(record, &input{}) }); got > n/10 {
		t.Errorf("%v allocations for %d elements", got, n)
	}
	if err == nil {
		t.Error("it was taken")
	}
}
