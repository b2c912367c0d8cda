package carry

import (
	"go/ast"
	"go/parser"
	"go/types"
)

const crudPackage = "github.com/gatewright/gate/runtime/crud"

// crudSource is what of package crud hands out rows: without it nobody knew what
// c.Row and page.Data are. A test holds it to the package itself.
const crudSource = `package crud

type Resource[T any] struct{}

type Hook[T any] func(ctx any, ch *Change[T]) error

type Change[T any] struct {
	Row T
	Old *T
}

type Page[T any] struct {
	Data []T
}

func (r *Resource[T]) Before(action any, hook Hook[T])
func (r *Resource[T]) After(action any, hook Hook[T])
func (r *Resource[T]) Get(ctx any, id string) (*T, error)
func (r *Resource[T]) GetForUpdate(ctx any, id string) (*T, error)
func (r *Resource[T]) Find(ctx any, q any) (*Page[T], error)
func (r *Resource[T]) Create(ctx any, ch *Change[T], opts ...any) (*T, error)
func (r *Resource[T]) Patch(ctx any, id string, ch *Change[T], opts ...any) (*T, error)
func (r *Resource[T]) Update(ctx any, id string, ch *Change[T], opts ...any) (*T, error)
func (r *Resource[T]) Remove(ctx any, id string, opts ...any) (*T, error)
func (r *Resource[T]) Restore(ctx any, id string, opts ...any) (*T, error)
func (r *Resource[T]) Compute(f any, set func(row, from *T))
`

// resources returns the part of package crud that is known.
func (c *carrier) resources() (*types.Package, error) {
	if c.crud == nil {
		f, err := parser.ParseFile(c.fset, "", crudSource, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		conf := types.Config{IgnoreFuncBodies: true}
		if c.crud, err = conf.Check(crudPackage, c.fset, []*ast.File{f}, nil); err != nil {
			return nil, err
		}
	}
	return c.crud, nil
}
