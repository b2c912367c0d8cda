package crud

import (
	"crypto/rand"
	"fmt"
	"hash/fnv"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// IfVersion makes a change only if the row has one of these versions, of which there
// may be none: else the answer is 412. Rows without versions have none of them. It
// is asked after everything that says whether the caller knows of the row, and may
// change it.
func IfVersion(versions ...int64) Option {
	return func(o *options) { o.expect = o.expect.and(expected{some: true, versions: versions}) }
}

// expected is the versions that a row may have to be changed. The zero value takes
// every row.
type expected struct {
	some     bool
	versions []int64
}

func (x expected) and(y expected) expected {
	switch {
	case !x.some:
		return y
	case !y.some:
		return x
	}
	both := slices.DeleteFunc(slices.Clone(x.versions), func(v int64) bool { return !slices.Contains(y.versions, v) })
	return expected{some: true, versions: both}
}

// deleted returns the versions of rows that were deleted in these ones: that counted,
// and nobody has seen what it made.
func (x expected) deleted() expected {
	next := make([]int64, len(x.versions))
	for i, v := range x.versions {
		next[i] = v + 1
	}
	return expected{some: x.some, versions: next}
}

// Stale is the answer to a change of a row that is not the one that its sender knew.
func Stale() error {
	return &gate.Error{Status: http.StatusPreconditionFailed, Message: "The row was changed in the meantime: get it again"}
}

// unchanged refuses a row that has none of the expected versions.
func (r *engine) unchanged(row record, x expected) error {
	if !x.some {
		return nil
	}
	if f := r.entity.VersionField(); f != model.NoField {
		if v, ok := r.value(row, f).(int64); ok && slices.Contains(x.versions, v) {
			return nil
		}
	}
	return Stale()
}

// still narrows the statement of a change to the version of the row that was judged.
// What misses it then is stale.
func (r *engine) still(filter query.Filter, old record, x expected) query.Filter {
	f := r.entity.VersionField()
	if v, ok := r.version(old); ok && x.some {
		return query.Every(filter, query.Equals(r.entity, f, strconv.FormatInt(v, 10)))
	}
	return filter
}

// missed is the answer to a statement that reached no row.
func (x expected) missed(id string) error {
	if x.some {
		return Stale()
	}
	return notFound(id)
}

func (r *engine) version(row record) (int64, bool) {
	f := r.entity.VersionField()
	if f == model.NoField {
		return 0, false
	}
	v, ok := r.value(row, f).(int64)
	return v, ok
}

// count gives a row that is about to be written its next version.
func (r *engine) count(row, old record, changed *model.FieldSet) {
	if v, ok := r.version(old); ok {
		field, p := r.field(row, r.entity.VersionField())
		field.Store(p, v+1)
		changed.Add(r.entity.VersionField())
	}
}

// expectMember reads the member of a body that says which version is to be changed.
func (r *engine) expectMember(ch *change, raw []byte) (model.Problem, bool) {
	var v int64
	problem, ok := r.entity.Fields[r.entity.VersionField()].Decode(raw, &v)
	if ok {
		ch.expect = ch.expect.and(expected{some: true, versions: []int64{v}})
	}
	return problem, ok
}

// tag marks an answer with what of the row the caller may see, of which the answer
// shows some.
func (r *engine) tag(row Row, of record, shown model.FieldSet) Row {
	if f := r.entity.VersionField(); f != model.NoField && shown.Has(f) {
		row.version, _ = r.version(of)
		row.shape = r.shape
	}
	return row
}

// shapeOf returns what the rows of an entity look like, as a hash. Where fields are
// computed the program is part of it, for it may compute them otherwise than another
// one: each that does not know from which commit it was built is taken for one of its
// own.
func shapeOf(e *model.Entity) uint64 {
	h := fnv.New64a()
	for i := range e.Fields {
		f := &e.Fields[i]
		_, _ = fmt.Fprintln(h, f.Name, f.Type, f.ID, f.Precision, f.Scale, f.Values) // it never fails
	}
	if !e.Computed().Empty() {
		_, _ = h.Write([]byte(commit()))
	}
	return h.Sum64()
}

// commit names what the program was built from, and nothing else by that name.
func commit() string {
	info, _ := debug.ReadBuildInfo()
	if info != nil {
		set := map[string]string{}
		for _, s := range info.Settings {
			set[s.Key] = s.Value
		}
		if set["vcs.revision"] != "" && set["vcs.modified"] == "false" {
			return set["vcs.revision"]
		}
	}
	return rand.Text()
}

// Tag returns a text that is another one when the row was changed, or when the answer
// has other fields of it, or other ones by the same names: v7-…. It is empty when rows
// have no version, or the caller does not see the row.
func (r Row) Tag() string {
	if r.version == 0 {
		return ""
	}
	h := fnv.New64a()
	_, _ = h.Write(strconv.AppendUint(nil, r.shape, 16)) // it never fails
	for f := range r.set.All() {
		field := &r.Entity().Fields[f]
		_, _ = h.Write([]byte("," + field.Name))
		if field.OnDelete == model.SetNull { // the database empties it, and counts no version
			_, _ = h.Write(r.AppendField(nil, f))
		}
	}
	return "v" + strconv.FormatInt(r.version, 10) + "-" + strconv.FormatUint(h.Sum64(), 16)
}

// ParseTag returns the version that a [Row.Tag] names, whatever fields it was for.
func ParseTag(tag string) (version int64, ok bool) {
	text, isTag := strings.CutPrefix(tag, "v")
	text, _, _ = strings.Cut(text, "-")
	version, err := strconv.ParseInt(text, 10, 64)
	return version, isTag && err == nil && version > 0
}
