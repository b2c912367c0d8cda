package frameworks

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/gatewright/gate"
)

// HumaGuard is the guard as middleware of huma's operations, for an API on
// net/http's mux.
func HumaGuard(g *gate.Guard) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		g.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			next(huma.WithContext(ctx, r.Context()))
		})).ServeHTTP(w, r)
	}
}

// Huma guards operations by [HumaGuard].
func Huma(svc *gate.Service) http.Handler {
	type answer struct {
		Body struct {
			Message string `json:"message"`
		}
	}
	handler := func(ctx context.Context, _ *struct{}) (*answer, error) {
		var a answer
		a.Body.Message = greeting(ctx)
		return &a, nil
	}
	signedIn := svc.Guard("jwt")
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("Kitchen", "1"))
	operation := func(path string, guards ...*gate.Guard) {
		op := huma.Operation{Method: http.MethodGet, Path: path, OperationID: "get" + path}
		for _, g := range guards {
			op.Middlewares = append(op.Middlewares, HumaGuard(g))
		}
		huma.Register(api, op, handler)
	}
	operation("/")
	operation("/me", signedIn)
	operation("/orders", signedIn.Require("read:orders"))
	return mux
}
