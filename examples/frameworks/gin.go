package frameworks

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gatewright/gate"
)

// GinGuard is the guard as a handler of gin. The handlers behind it run when the
// guard lets the request through, and find the principal in its context.
func GinGuard(g *gate.Guard) gin.HandlerFunc {
	return func(c *gin.Context) {
		passed := false
		next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			passed = true
			c.Request = r
			c.Next()
		})
		g.Protect(next).ServeHTTP(c.Writer, c.Request)
		if !passed {
			c.Abort()
		}
	}
}

// Gin guards routes by [GinGuard].
func Gin(svc *gate.Service) http.Handler {
	signedIn := svc.Guard("jwt")
	answer := func(c *gin.Context) { c.String(http.StatusOK, greeting(c.Request.Context())) }
	e := gin.New()
	e.GET("/", answer)
	e.GET("/me", GinGuard(signedIn), answer)
	e.GET("/orders", GinGuard(signedIn.Require("read:orders")), answer)
	return e
}
