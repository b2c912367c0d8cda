// Package viewer says who is asking.
package viewer

import (
	"context"
	"slices"
)

// A Viewer is somebody whose token was good.
type Viewer struct {
	Subject     string
	Permissions []string
}

// May says whether the viewer has a permission.
func (v *Viewer) May(permission string) bool { return slices.Contains(v.Permissions, permission) }

type key struct{}

// NewContext returns a context of that viewer.
func NewContext(ctx context.Context, v *Viewer) context.Context {
	return context.WithValue(ctx, key{}, v)
}

// FromContext returns who is asking; nil is nobody.
func FromContext(ctx context.Context) *Viewer {
	v, _ := ctx.Value(key{}).(*Viewer)
	return v
}
