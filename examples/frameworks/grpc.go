package frameworks

import (
	"context"
	"net/http"
	"net/url"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/gatewright/gate"
)

// GRPCGuard is guards as an interceptor of gRPC: guardOf names the one of a
// method, such as "/kitchen.v1.Kitchen/Orders", and nil refuses the method, so that
// a new one is not open by accident. What is refused is Unauthenticated,
// PermissionDenied, InvalidArgument or Unavailable.
func GRPCGuard(guardOf func(method string) *gate.Guard) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
		guard := guardOf(info.FullMethod)
		if guard == nil {
			return nil, status.Error(codes.PermissionDenied, "the method has no guard")
		}
		refused := &refusal{header: http.Header{}}
		guard.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			resp, err = handler(r.Context(), req)
		})).ServeHTTP(refused, requestOf(ctx, info.FullMethod))
		if refused.status != 0 {
			return nil, status.Error(codeOf(refused.status), http.StatusText(refused.status))
		}
		return resp, err
	}
}

// requestOf is the call as guards read it: the headers and where it came from.
func requestOf(ctx context.Context, method string) *http.Request {
	r := (&http.Request{Method: http.MethodPost, URL: &url.URL{Path: method}, Header: http.Header{}, Body: http.NoBody}).WithContext(ctx)
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		for name, values := range md {
			r.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	if p, ok := peer.FromContext(ctx); ok {
		r.RemoteAddr = p.Addr.String()
	}
	return r
}

func codeOf(httpStatus int) codes.Code {
	switch httpStatus {
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusBadRequest:
		return codes.InvalidArgument
	case http.StatusTooManyRequests:
		return codes.ResourceExhausted
	default:
		return codes.Unavailable
	}
}

// refusal keeps the status of what a guard answers, and drops the rest.
type refusal struct {
	header http.Header
	status int
}

func (r *refusal) Header() http.Header         { return r.header }
func (r *refusal) WriteHeader(status int)      { r.status = status }
func (r *refusal) Write(b []byte) (int, error) { return len(b), nil }
