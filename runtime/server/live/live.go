// Package live serves the entities of a generated service in real time. It is a
// package of its own so that services without do not carry WebSockets, and
// programs that use package realtime by itself no service.
package live

import (
	"fmt"
	"net"
	"slices"

	"github.com/gatewright/gate/runtime/realtime"
	"github.com/gatewright/gate/runtime/server"
)

// The paths of [Mount].
const (
	WebSocketPath = "/api/socket"
	EventsPath    = "/api/events"
)

// Mount serves the entities of a in real time: WebSockets under
// [WebSocketPath], server-sent events under [EventsPath]. It is for
// [server.App.Extend], which calls it when all strategies are known; generated
// code does that.
func Mount(a *server.App) error {
	rt, err := For(a)
	if err != nil {
		return err
	}
	a.Mount("GET "+WebSocketPath, rt.WebSocket())
	a.Mount("GET "+EventsPath, rt.Events())
	return nil
}

// For returns the connections of a service, for doors other than those of
// [Mount]. Pages of the service's own origin may connect, and those of
// CORS_ORIGINS. The connections close when the service stops, and those of a
// session when it is ended. It is for [server.App.Extend], too.
func For(a *server.App) (*realtime.Realtime, error) {
	cfg := realtime.Config{Entities: a.Entities(), Origins: slices.Clone(a.Config.CORSOrigins), Logger: a.Logger}
	if u := a.Config.PublicURL; u != nil {
		cfg.Origins = append(cfg.Origins, u.Scheme+"://"+u.Host)
	} else if _, port, err := net.SplitHostPort(a.Config.Addr); err == nil && a.Config.Dev != nil {
		cfg.Origins = append(cfg.Origins, "http://localhost:"+port, "http://127.0.0.1:"+port)
	}
	if a.Auth != nil {
		cfg.Service, cfg.Strategies = a.Auth.Service(), a.Auth.Readers()
	}
	rt, err := realtime.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("real time: %w", err)
	}
	if a.Auth != nil {
		a.Auth.Sessions().OnEnd(rt.SessionEnded)
	}
	a.OnStop(rt.Close)
	return rt, nil
}
