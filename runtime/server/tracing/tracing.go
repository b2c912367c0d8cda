// Package tracing sends a span of each request of a generated service to a
// collector of OpenTelemetry, by OTLP over HTTP. It is a package of its own so
// that services without do not carry it.
//
// A span says which method, which route by its pattern, which status, and the
// request's id. It never holds a path, a query, a header, a body, an address, or
// who was calling: each of them may be a secret.
//
// # Settings
//
// They are those that OpenTelemetry gives every program, from the environment or
// from the file .env. OTEL_EXPORTER_OTLP_ENDPOINT, or the same with TRACES before
// ENDPOINT, turns traces on; OTEL_SDK_DISABLED=true and OTEL_TRACES_EXPORTER=none
// turn them off. OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER,
// OTEL_EXPORTER_OTLP_HEADERS, OTEL_BSP_* and the rest mean what OpenTelemetry says.
package tracing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatewright/gate/runtime/server"
)

// instrumentation is what the spans say made them.
const instrumentation = "github.com/gatewright/gate/runtime/server/tracing"

// Mount traces the requests of a service if the settings name a collector. It is
// for [server.App.Extend]; generated code does that. What is not sent yet when
// the service stops is sent then.
//
// The provider is made that of the process as well, so that libraries which speak
// OpenTelemetry add their spans to the same traces.
func Mount(a *server.App) error {
	ctx := context.Background()
	if err := settings(a.Config.Lookup); err != nil {
		return err
	}
	if off() {
		a.Logger.InfoContext(ctx, "traces are off", "missing", "OTEL_EXPORTER_OTLP_ENDPOINT")
		return nil
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		a.Logger.WarnContext(ctx, "traces", "err", stripped(err))
	}))
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return fmt.Errorf("traces: %w", stripped(err))
	}
	about, err := describe(ctx, a.Name)
	if err != nil {
		return errors.Join(fmt.Errorf("traces: %w", err), exporter.Shutdown(ctx))
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about), sdktrace.WithRawSpanLimits(limits()))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	a.Observe(&observer{provider.Tracer(instrumentation), propagation.TraceContext{}})
	a.OnStop(provider.Shutdown)
	return nil
}

// settings puts what the file .env says of OpenTelemetry into the environment,
// which is the one place where its SDK looks, and refuses what it would ignore.
func settings(lookup func(string) (string, bool)) error {
	for _, name := range names() {
		if value, ok := lookup(name); ok && os.Getenv(name) == "" {
			if err := os.Setenv(name, value); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
		if v := os.Getenv(name); v != "" && v != "http/protobuf" {
			return fmt.Errorf("%s: must be http/protobuf, the one that the service speaks", name)
		}
	}
	if v := os.Getenv("OTEL_TRACES_EXPORTER"); v != "" && v != "otlp" && v != "none" {
		return errors.New("OTEL_TRACES_EXPORTER: must be otlp or none")
	}
	for _, name := range []string{keyEndpoint, keyTracesEndpoint} {
		v := os.Getenv(name)
		if u, err := url.Parse(v); v != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("%s: must be a URL, for instance http://127.0.0.1:4318", name)
		} else if v != "" && u.User != nil {
			return fmt.Errorf("%s: cannot hold a password: send one by OTEL_EXPORTER_OTLP_HEADERS", name)
		}
	}
	return nil
}

// What turns traces on.
const (
	keyEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	keyTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
)

// names lists the variables that the SDK reads for traces.
func names() []string {
	list := []string{
		"OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES",
		"OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG",
		"OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT", "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
	}
	for _, what := range []string{"ENDPOINT", "PROTOCOL", "HEADERS", "TIMEOUT", "COMPRESSION", "CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY", "INSECURE"} {
		list = append(list, "OTEL_EXPORTER_OTLP_"+what, "OTEL_EXPORTER_OTLP_TRACES_"+what)
	}
	return list
}

// off reports whether nothing is to be traced.
func off() bool {
	return strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" ||
		os.Getenv(keyEndpoint) == "" && os.Getenv(keyTracesEndpoint) == ""
}

// describe returns what all spans say of the program. The environment wins.
func describe(ctx context.Context, service string) (*resource.Resource, error) {
	own := resource.NewSchemaless(attribute.String("service.name", service))
	said, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, err
	}
	return resource.Merge(own, said)
}

// maxAttributes bounds what libraries put into one span.
const maxAttributes, maxText = 64, 1 << 10

func limits() sdktrace.SpanLimits {
	l := sdktrace.NewSpanLimits()
	l.AttributeCountLimit, l.AttributeValueLengthLimit = maxAttributes, maxText
	return l
}

// stripped takes the address out of an error: it may lead to a collector whose
// path is its password.
func stripped(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// observer makes a span of each request.
type observer struct {
	tracer trace.Tracer
	parent propagation.TraceContext
}

// Begin implements [server.Observer]. The span has no name before the route is
// known.
func (o *observer) Begin(r *http.Request) context.Context {
	ctx := o.parent.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, _ = o.tracer.Start(ctx, "HTTP", trace.WithSpanKind(trace.SpanKindServer))
	return ctx
}

// End implements [server.Observer].
func (o *observer) End(ctx context.Context, a server.Answered) {
	span := trace.SpanFromContext(ctx)
	defer span.End()
	if !span.IsRecording() {
		return
	}
	span.SetName(strings.TrimSpace(a.Method + " " + a.Route))
	span.SetAttributes(
		attribute.String("http.request.method", strings.Replace(a.Method, "OTHER", "_OTHER", 1)),
		attribute.Int("http.response.status_code", a.Status),
		attribute.String("gate.request_id", a.RequestID),
	)
	if a.Route != "" {
		span.SetAttributes(attribute.String("http.route", a.Route))
	}
	if a.Status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
}

// Transport returns a transport for clients of the service's own code. A request
// whose context is that of a request of the service carries its trace on in the
// header traceparent (W3C Trace Context), and is a span of it that says the
// method, the host and the status. A nil base means [http.DefaultTransport].
func Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{base}
}

type transport struct{ base http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	parent := trace.SpanFromContext(r.Context())
	if !parent.SpanContext().IsValid() {
		return t.base.RoundTrip(r)
	}
	ctx, span := parent.TracerProvider().Tracer(instrumentation).Start(r.Context(), r.Method, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("http.request.method", r.Method), attribute.String("server.address", r.URL.Hostname())))
	defer span.End()
	r = r.Clone(ctx)
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(r.Header))
	res, err := t.base.RoundTrip(r)
	if err != nil {
		span.SetStatus(codes.Error, "")
		return nil, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", res.StatusCode))
	if res.StatusCode >= http.StatusBadRequest {
		span.SetStatus(codes.Error, "")
	}
	return res, nil
}
