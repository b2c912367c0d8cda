package crud

import (
	"time"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/query"
)

// MaxTries is how often a transaction runs at most.
const MaxTries = maxTries

// SetTimeout replaces the time that a Find may take.
func (r *Resource[T]) SetTimeout(d time.Duration) { r.timeout = d }

// Narrow replaces the rule of an action by one that is for the rows of a filter.
func (r *Resource[T]) Narrow(action authz.Action, word string, rows query.Filter) {
	r.rules.actions[action] = rule{{}, {authz.MustRule(word), rows}}
}
