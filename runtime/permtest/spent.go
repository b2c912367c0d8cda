package permtest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewright/gate/runtime/model"
)

// A hook may use up the row to which a key leads, such as the last one in stock, and
// refuse the next that leads there. What is refused so is tried once more with rows to
// which nothing leads yet.

// anew has the keys of a row lead to new rows, each like the one before, and reports
// whether it changed one. What a sample says of a key stands.
func (k *kit) anew(r *row, values map[string]any) bool {
	k.t.Helper()
	e := r.entity
	if slices.Contains(k.renewing, e) {
		return false
	}
	k.renewing = append(k.renewing, e)
	defer func() { k.renewing = k.renewing[:len(k.renewing)-1] }()
	said := k.values(e, r.variant)
	changed := false
	for i := range e.model.Fields {
		f := &e.model.Fields[i]
		_, stands := said[f.Name]
		t := k.kin(f, values)
		if t == nil || stands || t.left || f.Unique || t.entity == e || t.entity == k.accounts || t.entity == k.tenants {
			continue
		}
		if to := k.unspent(r, f, t); to != nil {
			values[f.Name], changed = to.entity.key(to.id), true
		}
	}
	return changed
}

// kin is the row of the test to which a key leads; nil where that is none.
func (k *kit) kin(f *model.Field, values map[string]any) *row {
	if f.Type != model.Relation || values[f.Name] == nil {
		return nil
	}
	to := k.find(f.To)
	i := slices.IndexFunc(to.rows, func(t *row) bool { return fmt.Sprint(t.id) == fmt.Sprint(values[f.Name]) })
	if i < 0 {
		return nil
	}
	return to.rows[i]
}

// unspent makes a row like t to which a key of r may lead: as its defaults say, or else
// of other values; nil if Targets wants none of them.
func (k *kit) unspent(r *row, f *model.Field, t *row) *row {
	k.t.Helper()
	const tries = 8
	for n := range tries {
		k.plain = n == 0
		made := k.make(t.entity, t.holder(), t.variant)
		if k.plain = false; k.fits(r, f, made) {
			return made
		}
		k.drop(made.entity, made.id)
	}
	return nil
}

// defaults gives a row the values that it has where nobody says more.
func (e *entity) defaults(values map[string]any) {
	for i := range e.model.Fields {
		if f := &e.model.Fields[i]; f.Default != nil && !f.ReadOnly {
			values[f.Name] = f.Default
		}
	}
}

// spent reports whether a hook may have refused what the rules allow because of the
// rows to which it leads.
func spent(w want, a answer) bool {
	return !w.refused() && a.status >= http.StatusBadRequest && a.status < http.StatusInternalServerError && a.status != http.StatusUnauthorized
}

// mend gives rows to which keys lead the values back that rules look at, where a hook
// changed them: the test knows by them who may do what.
func (k *kit) mend(e *entity, values map[string]any) {
	k.t.Helper()
	for i := range e.model.Fields {
		if t := k.kin(&e.model.Fields[i], values); t != nil {
			k.restate(t)
		}
	}
}

func (k *kit) restate(t *row) {
	k.t.Helper()
	e, q := t.entity, k.app.DB.Dialect().Quote
	looked := map[string]any{}
	for _, where := range e.wheres() {
		for i := range where {
			if f := e.named(where[i].Field); f != nil && f.Type != model.Relation {
				looked[f.Name] = t.values[f.Name]
			}
		}
	}
	var set []string
	var args []any
	for _, name := range slices.Sorted(maps.Keys(looked)) {
		f := e.named(name)
		args = append(args, k.kept(t, f))
		set = append(set, fmt.Sprintf("%s = $%d", q(f.Column), len(args)))
	}
	if len(set) == 0 {
		return
	}
	_, err := k.app.DB.Exec(k.ctx(), fmt.Sprintf("UPDATE %s SET %s WHERE %s = $%d", q(e.model.Table), strings.Join(set, ", "), q(e.id().Column), len(args)+1), append(args, e.key(t.id))...)
	if err != nil {
		k.t.Fatal(err)
	}
}
