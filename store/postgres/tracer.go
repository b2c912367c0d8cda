package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gatewright/gate/store"
)

// tracer tells the transaction of a context which of its statements failed first.
type tracer struct{}

var _ pgx.QueryTracer = tracer{}

// TraceQueryStart implements [pgx.QueryTracer].
func (tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (tracer) TraceQueryEnd(ctx context.Context, conn *pgx.Conn, end pgx.TraceQueryEndData) {
	var err error
	if e, ok := errors.AsType[*pgconn.PgError](end.Err); ok {
		err = e
	}
	// COMMIT of a transaction that has failed is a ROLLBACK, too, but of all of it.
	undone := end.CommandTag.String() == "ROLLBACK" && conn.PgConn().TxStatus() == 'T'
	store.StatementEnded(ctx, conn, err, undone)
}
