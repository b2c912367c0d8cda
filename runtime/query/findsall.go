package query

import "slices"

// FindsAll reports whether it is plain from the form of a condition that it holds for
// every row, whatever that is; nil does. What only looks different, as a number that is
// smaller than the largest, does not.
func FindsAll(e Expr) bool { return e == nil || constant(e, true) }

// constant reports whether it is plain that a condition is everywhere so.
func constant(e Expr, holds bool) bool {
	part := func(e Expr) bool { return constant(e, holds) }
	switch e := e.(type) {
	case And:
		if holds {
			return !slices.ContainsFunc(e, func(e Expr) bool { return !part(e) })
		}
		return slices.ContainsFunc(e, part)
	case Or:
		if holds {
			return slices.ContainsFunc(e, part)
		}
		return !slices.ContainsFunc(e, func(e Expr) bool { return !part(e) })
	case Not:
		return constant(e.Expr, !holds)
	case Term:
		list, ok := e.Value.([]any)
		return ok && len(list) == 0 && (holds && e.Op == NotIn || !holds && e.Op == In)
	case Related:
		return constant(e.Where, false) && (holds && e.Quantifier == NoRow || !holds && e.Quantifier == SomeRow) ||
			holds && e.Quantifier == EveryRow && constant(e.Where, true)
	}
	return false
}
