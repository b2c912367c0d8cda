// Package app is the restaurant service: its entities, who may use them, and how
// callers are known. The files that end in _gen.go follow from gate.yaml; this
// one is yours, and is never written again.
package app

// configure is called once, before the service listens. It is the place for what
// gate.yaml cannot say: hooks, routes and strategies of your own.
//
//	a.Items.Before(authz.Create, func(ctx context.Context, c *crud.Change[Item]) error {
//		return nil // change c.Row, or refuse with an error
//	})
//
//	a.HandleFunc("GET /api/hello", func(w http.ResponseWriter, r *http.Request) {
//		fmt.Fprintln(w, "hello")
//	})
func configure(a *App) error {
	return nil
}
