package permtest_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
)

// filed is a design with files of types of all kinds: those that begin with a sign of
// their own, text, and bytes that say nothing.
const filed = `gate: 1
service: {name: shop, module: example.com/shop}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
roles: {clerk: {}}
entities:
  User:
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    owner: id
    allow: {view: owner}
  Paper:
    fields:
      word: {type: text, required: true}
      anything: file
      sound: {type: file, types: [audio/*]}
      letters: {type: file, types: [font/*, image/png]}
      moving: {type: file, types: [video/*]}
      drawn: {type: file, types: [image/svg+xml]}
      shot: {type: file, types: [image/*]}
      sheet: {type: file, types: [application/vnd.openxmlformats-officedocument.spreadsheetml.sheet]}
      old: {type: file, types: [application/msword]}
      bytes: {type: file, types: [application/octet-stream]}
      whatever: {type: file, types: [application/*]}
      packed: {type: file, types: [application/gzip]}
      rates: {type: file, types: [text/csv]}
      listed: {type: file, types: [application/json]}
      page: {type: file, types: [text/html]}
      letter: {type: file, types: [message/*]}
      shape: {type: file, types: [model/*]}
    allow: {view: public, list: public, create: clerk, update: clerk, delete: clerk}
    fieldRules: {bytes: {update: nobody}}
`

// TestRun_files: whatever a field takes there is a sample for, and who may change a
// row sends its files and removes them.
func TestRun_files(t *testing.T) {
	long(t)
	s := newShop(t, filed)
	for _, f := range wrong(t, s, nil) {
		t.Error(f)
	}
}

// unguarded lets everybody remove files.
type unguarded struct{ *crud.Resource[line] }

func (u unguarded) RemoveFile(ctx context.Context, id, field string, opts ...crud.Option) (crud.Row, error) {
	return u.Resource.RemoveFile(authz.System(ctx), id, field, opts...)
}

// kept says that files are removed, and keeps them.
type kept struct{ *crud.Resource[line] }

func (k kept) RemoveFile(ctx context.Context, id, _ string, _ ...crud.Option) (crud.Row, error) {
	return k.PatchRow(ctx, id, []byte("{}"), nil)
}

// TestRun_filesRemoved finds out who removes a file.
func TestRun_filesRemoved(t *testing.T) {
	long(t)
	for name, tt := range map[string]struct {
		serve func(*crud.Resource[line]) crud.Service
		want  []string
	}{
		"by anybody": {serve: func(r *crud.Resource[line]) crud.Service { return unguarded{r} }, want: []string{
			"anonymous · update · Paper · rest: want 401, got 200 (DELETE of the file of a row", "clerk · update · Paper.bytes · rest: want 403, got 200 (DELETE",
		}},
		"by nobody": {serve: func(r *crud.Resource[line]) crud.Service { return kept{r} }, want: []string{
			"clerk · update · Paper.anything · rest: answers 200, and the file is there (DELETE",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, filed)
			s.serve = tt.serve
			got := wrong(t, s, only(tt.want))
			for _, w := range tt.want {
				if !slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, w) }) {
					t.Errorf("nothing begins with %q:\n%s", w, strings.Join(got[:min(len(got), 12)], "\n"))
				}
			}
		})
	}
}
