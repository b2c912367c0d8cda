package frameworks

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/gatewright/gate"
)

// Echo needs no adapter but its own: echo.WrapMiddleware takes a guard's Protect.
func Echo(svc *gate.Service) http.Handler {
	signedIn := svc.Guard("jwt")
	answer := func(c echo.Context) error {
		return c.String(http.StatusOK, greeting(c.Request().Context()))
	}
	e := echo.New()
	e.GET("/", answer)
	e.GET("/me", answer, echo.WrapMiddleware(signedIn.Protect))
	e.GET("/orders", answer, echo.WrapMiddleware(signedIn.Require("read:orders").Protect))
	return e
}
