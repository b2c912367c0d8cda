package app

import (
	"context"

	"github.com/gatewright/gate/runtime/seed"
)

// seeds makes first rows that seed.yaml cannot say. It is called after those of
// that file are made, in the same transaction and as the service itself, each time
// the seeds run: what Once was told is never done again. This file is yours, and
// is never written again.
//
//	return r.Once(ctx, "many items", func(ctx context.Context) error {
//		for range 100 {
//			if _, err := a.Items.Create(ctx, &crud.Change[Item]{ /* Row and Set */ }); err != nil {
//				return err
//			}
//		}
//		return nil
//	})
func seeds(ctx context.Context, a *App, r *seed.Run) error {
	return nil
}
