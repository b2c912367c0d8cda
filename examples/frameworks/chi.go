package frameworks

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/gatewright/gate"
)

// Chi needs no adapter: a guard's Protect is middleware as chi has it.
func Chi(svc *gate.Service) http.Handler {
	signedIn := svc.Guard("jwt")
	r := chi.NewRouter()
	r.Get("/", hello)
	r.With(signedIn.Protect).Get("/me", hello)
	r.Group(func(r chi.Router) {
		r.Use(signedIn.Require("read:orders").Protect)
		r.Get("/orders", hello)
	})
	return r
}
