//go:build !gatedev

package server

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/config"
)

// devCheck refuses to start a build for production in development.
func devCheck(cfg *config.Config) error {
	if cfg.Dev != nil {
		return errors.New("GATE_DEV is set, and this is not a development build: unset it, or build with -tags gatedev")
	}
	return nil
}

// devReference is nil: half a megabyte is for who asks for it.
var devReference func(title, path, document string) http.Handler

func (a *App) devRoutes() {}

func devHost(next http.Handler, _ *config.Config, _ gate.ErrorWriter) http.Handler { return next }

func watch(ctx context.Context, _ *config.Config, _ io.Reader) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}
