package frameworks

import (
	"context"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/gatewright/gate"
)

// Paths of the procedures of [Connect].
const (
	ConnectHello  = "/kitchen.v1.Kitchen/Hello"
	ConnectMe     = "/kitchen.v1.Kitchen/Me"
	ConnectOrders = "/kitchen.v1.Kitchen/Orders"
)

// Connect needs no adapter: its handlers are net/http's, one for each procedure,
// and its clients read 401 as unauthenticated and 403 as permission_denied.
func Connect(svc *gate.Service) http.Handler {
	signedIn := svc.Guard("jwt")
	answer := func(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
		return connect.NewResponse(wrapperspb.String(greeting(ctx))), nil
	}
	mux := http.NewServeMux()
	mux.Handle(ConnectHello, connect.NewUnaryHandler(ConnectHello, answer))
	mux.Handle(ConnectMe, signedIn.Protect(connect.NewUnaryHandler(ConnectMe, answer)))
	mux.Handle(ConnectOrders, signedIn.Require("read:orders").Protect(connect.NewUnaryHandler(ConnectOrders, answer)))
	return mux
}
