package frameworks_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/gin-gonic/gin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/examples/frameworks"
)

func newService(t *testing.T) *gate.Service {
	t.Helper()
	svc, err := frameworks.NewService()
	if err != nil {
		t.Fatal(err)
	}
	return svc
}

// token is an Authorization header for somebody with this role.
func token(t *testing.T, svc *gate.Service, role string) string {
	t.Helper()
	text, _, err := svc.CreateAccessToken(t.Context(), map[string]any{"roles": []string{role}}, gate.TokenOptions{Subject: "maria"})
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + text
}

// TestHTTP asks the same of every framework: 401 without a token, 403 without
// the permission, 200 with both, and nobody's handler runs without leave.
func TestHTTP(t *testing.T) {
	gin.SetMode(gin.TestMode)
	svc := newService(t)
	cook, waiter := token(t, svc, "cook"), token(t, svc, "waiter")
	for name, app := range map[string]http.Handler{
		"chi": frameworks.Chi(svc), "echo": frameworks.Echo(svc), "gin": frameworks.Gin(svc), "huma": frameworks.Huma(svc),
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(app)
			defer server.Close()
			for _, tt := range []struct {
				path, auth string
				status     int
				greets     string
			}{
				{"/", "", 200, "hello stranger"},
				{"/me", "", 401, ""},
				{"/me", "Bearer x.y.z", 401, ""},
				{"/me", waiter + " junk", 400, ""},
				{"/me", waiter, 200, "hello maria"},
				{"/orders", "", 401, ""},
				{"/orders", waiter, 403, ""},
				{"/orders", cook, 200, "hello maria"},
			} {
				status, challenge, body := get(t, server.URL+tt.path, tt.auth)
				if status != tt.status || !strings.Contains(body, tt.greets) || tt.greets == "" && strings.Contains(body, "hello") {
					t.Errorf("%s: %d %s, want %d %s", tt.path, status, body, tt.status, tt.greets)
				}
				if challenged := challenge != ""; challenged != (tt.status == 401 || tt.status == 400) {
					t.Errorf("%s: %d with WWW-Authenticate %q", tt.path, status, challenge)
				}
			}
		})
	}
}

func get(t *testing.T, url, auth string) (status int, challenge, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("WWW-Authenticate"), string(data)
}

func TestConnect(t *testing.T) {
	svc := newService(t)
	cook, waiter := token(t, svc, "cook"), token(t, svc, "waiter")
	server := httptest.NewServer(frameworks.Connect(svc))
	defer server.Close()
	for _, tt := range []struct {
		procedure, auth string
		code            connect.Code // zero when it is let through
		greets          string
	}{
		{frameworks.ConnectHello, "", 0, "hello stranger"},
		{frameworks.ConnectMe, "", connect.CodeUnauthenticated, ""},
		{frameworks.ConnectMe, waiter, 0, "hello maria"},
		{frameworks.ConnectOrders, "", connect.CodeUnauthenticated, ""},
		{frameworks.ConnectOrders, waiter, connect.CodePermissionDenied, ""},
		{frameworks.ConnectOrders, cook, 0, "hello maria"},
	} {
		client := connect.NewClient[emptypb.Empty, wrapperspb.StringValue](server.Client(), server.URL+tt.procedure)
		req := connect.NewRequest(&emptypb.Empty{})
		if tt.auth != "" {
			req.Header().Set("Authorization", tt.auth)
		}
		res, err := client.CallUnary(t.Context(), req)
		if err != nil {
			if connect.CodeOf(err) != tt.code {
				t.Errorf("%s: %v, want %v", tt.procedure, err, tt.code)
			}
			continue
		}
		if tt.code != 0 || res.Msg.GetValue() != tt.greets {
			t.Errorf("%s: %q, want %v", tt.procedure, res.Msg.GetValue(), tt.code)
		}
	}
}

func TestGRPC(t *testing.T) {
	svc := newService(t)
	cook, waiter := token(t, svc, "cook"), token(t, svc, "waiter")
	guards := map[string]*gate.Guard{grpc_health_v1.Health_Check_FullMethodName: svc.Guard("jwt").Require("read:orders")}
	var seen string
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(
		frameworks.GRPCGuard(func(method string) *gate.Guard { return guards[method] }),
		func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if p, ok := gate.PrincipalFromContext(ctx); ok {
				seen = p.Subject
			}
			return next(ctx, req)
		},
	))
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-ended; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := grpc_health_v1.NewHealthClient(conn)
	for _, tt := range []struct {
		name string
		auth []string
		want codes.Code
	}{
		{"nobody", nil, codes.Unauthenticated},
		{"no token", []string{"Bearer x.y.z"}, codes.Unauthenticated},
		{"two headers", []string{cook, cook}, codes.InvalidArgument},
		{"no permission", []string{waiter}, codes.PermissionDenied},
		{"permission", []string{cook}, codes.OK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seen = ""
			ctx := t.Context()
			for _, value := range tt.auth {
				ctx = metadata.AppendToOutgoingContext(ctx, "authorization", value)
			}
			_, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
			if got := status.Code(err); got != tt.want || (seen == "maria") != (tt.want == codes.OK) {
				t.Errorf("%v (principal %q), want %v", err, seen, tt.want)
			}
		})
	}
	if _, err := client.List(t.Context(), &grpc_health_v1.HealthListRequest{}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("a method without a guard: %v", err)
	}
}
