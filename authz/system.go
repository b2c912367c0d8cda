package authz

import "context"

type systemKey struct{}

// System marks the context of code that is above the rules because it is the
// service's own: a migration, a scheduled job, the creation of the first
// administrator. Never call it with what a request brings.
func System(ctx context.Context) context.Context {
	return context.WithValue(ctx, systemKey{}, true)
}

// IsSystem reports whether [System] marked the context.
func IsSystem(ctx context.Context) bool {
	marked, _ := ctx.Value(systemKey{}).(bool)
	return marked
}
