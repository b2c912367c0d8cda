package model

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/internal/pattern"
)

var (
	wireName = regexp.MustCompile(`^[a-z][A-Za-z0-9]{0,62}$`)
	segment  = regexp.MustCompile(`^[a-z][A-Za-z0-9-]{0,125}$`)
	sqlName  = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)
)

// bounds are Min, Max and Default of a field, read once.
type bounds struct {
	min, max     *Decimal   // of integers and decimals
	fmin, fmax   *float64   // of floats
	tmin, tmax   *time.Time // of dates, which are their first moment, and times
	defaultValue any        // as [Field.Parse] answers it
	now          bool       // the default is the time of the write
}

// Check reports everything that is wrong with the description, and prepares it
// for use. It must be called before any other method, once; crud.New does. A
// mistake in it is one of the program, so it is found at the start.
func (e *Entity) Check() error {
	errs := []error{e.checkNames()}
	e.names = make(map[string]FieldID, len(e.Fields))
	e.all, e.id, e.owner, e.via = FieldSet{}, NoField, NoField, NoField
	e.tenant, e.version, e.deleted = NoField, NoField, NoField
	e.computed, e.needs = FieldSet{}, map[FieldID]FieldSet{}
	columns := make(map[string]bool, len(e.Fields))
	if len(e.Fields) > MaxFields {
		return fmt.Errorf("entity %s: %d fields are more than %d", e.Name, len(e.Fields), MaxFields)
	}
	for i := range e.Fields {
		f := &e.Fields[i]
		if err := f.check(); err != nil {
			errs = append(errs, fmt.Errorf("field %q: %w", f.Name, err))
		}
		if _, twice := e.names[f.Name]; twice || columns[f.Column] && f.Computed == nil {
			errs = append(errs, fmt.Errorf("field %q: name or column is there twice", f.Name))
		}
		e.names[f.Name], columns[f.Column] = FieldID(i), true
		e.all.Add(FieldID(i))
		if f.Type == ID && e.id == NoField {
			e.id = FieldID(i)
		} else if slices.Contains([]Type{ID, Password, Roles, CreatedAt, UpdatedAt}, f.Type) && e.Find(f.Type) != FieldID(i) {
			errs = append(errs, fmt.Errorf("field %q: a second one of type %s", f.Name, f.Type))
		}
	}
	errs = append(errs, e.checkComputed(), e.checkRoles(), e.checkTenant(), e.checkVersion(), e.checkSoftDelete())
	errs = append(errs, e.checkUnique(), e.checkLinks(), e.checkConditions())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("entity %s: %w", e.Name, err)
	}
	return nil
}

func (e *Entity) checkNames() error {
	if e.Name == "" || e.Path == "" || !sqlName.MatchString(e.Table) {
		return fmt.Errorf("name, path or table %q is missing or no identifier", e.Table)
	}
	return nil
}

func (e *Entity) checkUnique() error {
	for _, u := range e.Unique {
		for _, name := range u.Fields {
			if f, ok := e.names[name]; !ok || e.computed.Has(f) || u.Index == "" {
				return fmt.Errorf("unique index %q: %q is no field, or the name is missing", u.Index, name)
			}
		}
	}
	return nil
}

// checkRoles checks what fields are to the entity: its id and its owner.
func (e *Entity) checkRoles() error {
	if e.id == NoField {
		return errors.New("no field of type id")
	}
	if e.Owner == "" {
		return nil
	}
	name, far, through := strings.Cut(e.Owner, ".")
	owner, ok := e.names[name]
	if !ok {
		return fmt.Errorf("owner %q is no field", name)
	}
	if through {
		if e.Fields[owner].Type != Relation || far == "" {
			return fmt.Errorf("owner %q is not a relation and a field", e.Owner)
		}
		e.via = owner
		return nil
	}
	if t := e.Fields[owner].Type; t != ID && t != Relation {
		return fmt.Errorf("owner %q is neither id nor relation", e.Owner)
	}
	e.owner = owner
	return nil
}

// checkTenant checks the field that says to which tenant a row belongs. Only
// accounts can be without one, and nobody writes it by a rule.
func (e *Entity) checkTenant() error {
	if e.Tenant == "" {
		return nil
	}
	id, ok := e.names[e.Tenant]
	if !ok {
		return fmt.Errorf("tenant %q is no field", e.Tenant)
	}
	f := &e.Fields[id]
	named := func(c Condition) bool { return c.Field == f.Name && c.Action != "view" }
	switch {
	case f.Type != ID && f.Type != Relation:
		return fmt.Errorf("tenant %q is neither id nor relation", e.Tenant)
	case !f.Required && e.Find(Roles) == NoField:
		return fmt.Errorf("tenant %q can be null, and the rows are no accounts", e.Tenant)
	case f.Type == Relation && (f.Create != nil || f.Update != nil || slices.ContainsFunc(e.Conditions, named)):
		return fmt.Errorf("tenant %q has rules of its own: who stands above tenants writes it", e.Tenant)
	}
	e.tenant = id
	return nil
}

// checkVersion checks the field that counts changes: it counts from 1, whoever
// makes the row.
func (e *Entity) checkVersion() error {
	if e.Version == "" {
		return nil
	}
	id, ok := e.names[e.Version]
	if !ok {
		return fmt.Errorf("version %q is no field", e.Version)
	}
	if f := &e.Fields[id]; f.Type != Integer || !f.Required || !f.ReadOnly || f.bounds.defaultValue != int64(1) {
		return fmt.Errorf("version %q is not a required, read-only integer with the default 1", e.Version)
	}
	e.version = id
	return nil
}

// checkSoftDelete checks the field that says when a row was deleted.
func (e *Entity) checkSoftDelete() error {
	if e.SoftDelete == "" {
		return nil
	}
	id, ok := e.names[e.SoftDelete]
	if !ok {
		return fmt.Errorf("soft delete %q is no field", e.SoftDelete)
	}
	if f := &e.Fields[id]; f.Type != DateTime || f.Required || !f.ReadOnly || f.Default != nil {
		return fmt.Errorf("soft delete %q is not a read-only time that may be null", e.SoftDelete)
	}
	e.deleted = id
	return nil
}

func (f *Field) check() error {
	switch {
	case !wireName.MatchString(f.Name) || f.Computed == nil && !sqlName.MatchString(f.Column):
		return fmt.Errorf("name or column %q is no identifier", f.Column)
	case f.Type == 0 || int(f.Type) >= len(typeNames):
		return fmt.Errorf("unknown type %s", f.Type)
	case int(f.ID) >= len(idKindNames):
		return fmt.Errorf("unknown kind of id %s", f.ID)
	case f.Type == ID && !f.Required:
		return errors.New("an id is required")
	case f.Type == Relation && f.To == "":
		return errors.New("a relation points to an entity")
	case (f.Type == Enum || f.Type == MultiEnum) && len(f.Values) == 0:
		return errors.New("an enum has values")
	case f.MinLength < 0 || f.MaxLength < 0 || f.MaxLength > 0 && f.MaxLength < f.MinLength:
		return errors.New("lengths are out of order")
	case f.Type == DecimalType && (f.Precision < 1 || f.Precision > MaxPrecision || f.Scale < 0 || f.Scale > f.Precision):
		return fmt.Errorf("precision %d, scale %d: a decimal has 1 to %d digits", f.Precision, f.Scale, MaxPrecision)
	case f.Type == FileType && (f.Required || f.MaxSize < 1 || !segment.MatchString(f.Segment)):
		return errors.New("a file is not required, has a greatest size, and is called something in paths")
	case f.CaseInsensitive && f.Type != Text:
		return fmt.Errorf("a %s has no letters of two cases", f.Type)
	case f.Quoted && f.Type != Integer && f.Type != DecimalType:
		return fmt.Errorf("a %s is not quoted", f.Type)
	}
	if f.Computed != nil || f.Type == ID || f.Type == CreatedAt || f.Type == UpdatedAt {
		f.ReadOnly = true
	}
	if err := f.checkPattern(); err != nil {
		return err
	}
	f.key = strconv.Quote(f.Name) + ":"
	f.bounds = bounds{}
	if err := f.checkBounds(); err != nil {
		return err
	}
	return f.checkDefault()
}

func (f *Field) checkBounds() error {
	for _, b := range []struct {
		text string
		dec  **Decimal
		flt  **float64
		when **time.Time
	}{{f.Min, &f.bounds.min, &f.bounds.fmin, &f.bounds.tmin}, {f.Max, &f.bounds.max, &f.bounds.fmax, &f.bounds.tmax}} {
		if b.text == "" {
			continue
		}
		switch f.Type {
		case Integer, DecimalType:
			d, err := ParseDecimal(b.text)
			if err != nil {
				return fmt.Errorf("limit %q: %w", b.text, err)
			}
			*b.dec = &d
		case Float:
			n, err := strconv.ParseFloat(b.text, 64)
			if err != nil {
				return fmt.Errorf("limit %q: %w", b.text, err)
			}
			*b.flt = &n
		case DateType:
			d, err := ParseDate(b.text)
			if err != nil {
				return fmt.Errorf("limit: %w", err)
			}
			t := d.Time()
			*b.when = &t
		case DateTime:
			t, err := ParseTime(b.text)
			if err != nil {
				return fmt.Errorf("limit: %w", err)
			}
			*b.when = &t
		default:
			return fmt.Errorf("a %s has no minimum or maximum", f.Type)
		}
	}
	return nil
}

func (f *Field) checkPattern() error {
	if f.pattern = nil; f.Pattern == "" {
		return nil
	}
	if f.Type != Text {
		return fmt.Errorf("a %s has no pattern", f.Type)
	}
	re, err := pattern.Compile(f.Pattern)
	if err != nil {
		return fmt.Errorf("pattern %q %w", f.Pattern, err)
	}
	f.pattern = re
	return nil
}

func (f *Field) checkDefault() error {
	if f.Default == nil {
		return nil
	}
	if f.Default == "now" && (f.Type == DateType || f.Type == DateTime) {
		f.bounds.now = true
		return nil
	}
	if f.Type == Password || f.Type == Roles || f.Type == ID || f.Type == JSON || f.Type == GeoType || f.Type == FileType {
		return fmt.Errorf("a %s has no default", f.Type)
	}
	v, err := f.Parse(f.Default)
	if err != nil {
		return fmt.Errorf("default: %w", err)
	}
	f.bounds.defaultValue = v
	return nil
}

// HasDefault reports whether a row gets a value when a create names none.
func (f *Field) HasDefault() bool { return f.bounds.defaultValue != nil || f.bounds.now }

// SetDefault stores the default in the field at p, or null (for a required
// field the zero value) if it has none.
func (f *Field) SetDefault(p any, now time.Time) {
	switch {
	case !f.bounds.now && f.bounds.defaultValue == nil:
		f.Clear(p)
	case !f.bounds.now:
		f.Store(p, f.bounds.defaultValue)
	case f.Type == DateType:
		f.Store(p, DateOf(now.UTC()))
	default:
		f.Store(p, Moment(now))
	}
}
