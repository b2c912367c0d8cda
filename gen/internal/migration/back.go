package migration

import (
	"errors"

	"github.com/gatewright/gate/design"
)

// back plans the way back from the schema that plan leads to, nil when there is
// none that loses nothing. What was lost on the way there does not come back, so
// that a plan with losses has none.
func (p *Plan) back(from, to *Schema, moves []move) ([]byte, error) {
	if p.Empty() || len(p.Losses) > 0 {
		return nil, nil
	}
	plan, err := forth(to, from, inverse(moves))
	if _, impossible := errors.AsType[*design.Errors](err); impossible {
		return nil, nil // rows may be there that could not follow
	}
	if err != nil || len(plan.Losses) > 0 || plan.Empty() {
		return nil, err
	}
	return plan.SQL, nil
}
