package crud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// partSize is how many bytes of a file are in one row of its table, and in memory.
const partSize = 256 << 10

// sentByItself refuses a file among other fields.
func sentByItself(f *model.Field) model.Problem {
	return model.Problem{Field: f.Name, Code: model.CodeReadOnly, Message: "is a file, which is sent and removed at a path of its own"}
}

// fileChange is the file that a row gets, or is to lose.
type fileChange struct {
	field  model.FieldID
	staged *Staged // nil to remove it
	tags   []string
	tagged bool // the file of before has one of the tags
}

// IfFile makes a change of a file only if the one before has one of these hashes, in
// any case one if there are none of them: else the answer is 412.
func IfFile(hashes ...string) Option {
	return func(o *options) {
		if o.file == nil {
			o.file = &fileChange{}
		}
		o.file.tagged, o.file.tags = true, hashes
	}
}

// sameFile refuses a change of another file than its sender knew. Whoever may not read
// it knows none, and would learn by guesses what is in it.
func (r *engine) sameFile(c caller, old record, ch *fileChange) error {
	if ch == nil || !ch.tagged {
		return nil
	}
	if read := r.viewed(c, old, r.rules.visible(c)); !read.Has(ch.field) {
		return forbidden("If-Match takes the right to read the file")
	}
	file, ok := r.value(old, ch.field).(model.File)
	if !ok || len(ch.tags) > 0 && !slices.Contains(ch.tags, file.SHA256) {
		return &gate.Error{Status: http.StatusPreconditionFailed, Message: "The file was changed in the meantime: get it again"}
	}
	return nil
}

// fileField returns the field of a file.
func (r *engine) fileField(name string) (model.FieldID, bool) {
	f, ok := r.entity.Field(name)
	return f, ok && r.entity.Fields[f].Type == model.FileType
}

// OpenFile implements [Service].
func (r *engine) OpenFile(ctx context.Context, id, field string) (*Download, error) {
	if err := r.ready(); err != nil {
		return nil, err
	}
	c := callerFrom(ctx)
	filter, err := r.rules.reach(c, authz.View)
	if err != nil {
		return nil, err
	}
	f, isFile := r.fileField(field)
	key, ok := r.parseID(id)
	fields := r.rules.fieldsFor(c, authz.View, filter)
	if !isFile || !ok {
		return nil, notFound(id)
	}
	looking, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	row, err := r.one(looking, key, filter, model.Fields(f, r.entity.IDField()).Union(fields.judged()), query.Unlocked)
	switch {
	case err != nil:
		return nil, r.answer(err)
	case row.none():
		return nil, notFound(id)
	}
	if shown := r.shown(row, model.Fields(f), &fields); !shown.Has(f) {
		return nil, notFound(id)
	}
	file, ok := r.value(row, f).(model.File)
	if !ok {
		return nil, &gate.Error{Status: http.StatusNotFound, Message: "There is no file"}
	}
	return &Download{File: file, Body: &parts{size: file.Size, loaded: -1, load: func(part int64) ([]byte, error) {
		data, err := r.part(ctx, file.Key(), part)
		return data, r.answer(err)
	}}}, nil
}

// part reads a part of a file.
func (r *engine) part(ctx context.Context, key string, part int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	s := r.statement()
	defer r.recycle(s)
	query.Part(s, r.db.Dialect(), r.entity, key, part)
	rows, err := r.query(ctx, s)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		return nil, errors.Join(rows.Err(), fmt.Errorf("part %d of a file of %s is not there", part, r.entity.Table))
	}
	var data []byte
	if err := rows.Scan(&data); err != nil {
		return nil, err
	}
	return data, rows.Err()
}

// StageFile implements [Service].
func (r *engine) StageFile(ctx context.Context, id, field string, up Upload) (*Staged, error) {
	c := callerFrom(ctx)
	if err := r.may(c, authz.Update); err != nil {
		return nil, err
	}
	filter, err := r.rules.reach(c, authz.Update)
	if err != nil {
		return nil, err
	}
	f, isFile := r.fileField(field)
	key, ok := r.parseID(id)
	if !isFile || !ok {
		return nil, notFound(id)
	}
	looking, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	row, err := r.reachable(looking, c, id, key, filter, query.Unlocked)
	if err != nil {
		return nil, r.answer(err)
	}
	fields := r.rules.fieldsFor(c, authz.Update, filter)
	if open := fields.in(r.values(row)); !open.Has(f) {
		return nil, refused(model.Problems{r.unwritable(f)})
	}
	return stage(&r.entity.Fields[f], up)
}

// KeepFile implements [Service].
func (r *engine) KeepFile(ctx context.Context, id, field string, file *Staged, opts ...Option) (Row, error) {
	return r.changeFile(ctx, id, field, file, opts)
}

// RemoveFile implements [Service].
func (r *engine) RemoveFile(ctx context.Context, id, field string, opts ...Option) (Row, error) {
	return r.changeFile(ctx, id, field, nil, opts)
}

func (r *engine) changeFile(ctx context.Context, id, field string, file *Staged, opts []Option) (Row, error) {
	c := callerFrom(ctx)
	if err := r.may(c, authz.Update); err != nil {
		return Row{}, err
	}
	f, isFile := r.fileField(field)
	if !isFile {
		return Row{}, notFound(id)
	}
	if file != nil && file.of != &r.entity.Fields[f] {
		return Row{}, fmt.Errorf("crud: a file that was staged for another field, %q, is to be kept as %s.%s: stage it for that one", file.of.Name, r.entity.Name, field)
	}
	in := func(writable model.FieldSet, _ string) (*change, model.Problems, error) {
		ch := r.newChange()
		if !writable.Has(f) {
			return ch, model.Problems{r.unwritable(f)}, nil
		}
		if ch.Set.Add(f); file != nil {
			field, p := r.field(ch.Row, f)
			field.Store(p, file.File)
		}
		return ch, nil, nil
	}
	opts = append(slices.Clone(opts), func(o *options) {
		if o.file == nil {
			o.file = &fileChange{}
		}
		o.file.field, o.file.staged = f, file
	})
	done, err := r.update(ctx, c, id, in, false, opts...)
	if err != nil {
		return Row{}, err
	}
	return r.answerRow(done.Row, r.answered(ctx, c, done.Row, done.sent), r.entity.All()), nil
}

// foreignFiles names the files that a row got from elsewhere than its sender: what
// two rows have would go with either.
func (r *engine) foreignFiles(row record, changed model.FieldSet, ch *fileChange) model.Problems {
	var problems model.Problems
	for f := range changed.Intersect(r.entity.Files()).All() {
		file, ok := r.value(row, f).(model.File)
		if ok && (ch == nil || ch.staged == nil || f != ch.field || file.Key() != ch.staged.File.Key()) {
			problems = append(problems, sentByItself(&r.entity.Fields[f]))
		}
	}
	return problems
}

// keepFiles writes what the file of a change holds, and removes what the ones before
// held.
func (r *engine) keepFiles(ctx context.Context, t *transaction, u *updating, changed model.FieldSet) error {
	changed = changed.Intersect(r.entity.Files())
	if changed.Empty() {
		return nil
	}
	s := r.statement()
	defer r.recycle(s)
	for f := range changed.All() {
		if before, ok := r.value(u.Old, f).(model.File); ok {
			s.Reset()
			query.DropFile(s, r.db.Dialect(), r.entity, before.Key())
			if _, err := t.tx.ExecContext(ctx, string(s.SQL), s.Args...); err != nil {
				return err
			}
		}
		file, ok := r.value(u.Row, f).(model.File)
		if !ok {
			continue
		}
		row := r.value(u.Row, r.entity.IDField())
		err := u.file.staged.parts(func(part int64, data []byte) error {
			s.Reset()
			query.AddPart(s, r.db.Dialect(), r.entity, file.Key(), part, row, data)
			_, err := t.tx.ExecContext(ctx, string(s.SQL), s.Args...)
			return err
		})
		if err != nil {
			return r.written(err)
		}
	}
	return nil
}
