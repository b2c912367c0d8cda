package model

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// An Entity describes a table, its fields and who may use it. It is made by
// generated code, checked once by [Entity.Check] and not changed after that;
// then it may be shared by goroutines.
type Entity struct {
	Name        string // Item
	Plural      string // Items
	Path        string // items, in URLs
	Table       string // items
	Description string
	Fields      []Field // exactly one of type [ID]
	// Owner is the name of the field that says whose row it is; empty without
	// owners. With a dot it is a relation, and the field of the row that it points
	// to: orderId.buyerId.
	Owner string
	// Tenant is the name of the field that says to whose rows this one belongs: a
	// relation, or the id in the entity of the tenants itself; empty without
	// tenants. The rules of an entity that has one hold within the tenant of the
	// caller.
	Tenant string
	// LogsIn says that rows of the entity log in, beside those of the entity of the
	// accounts. Their subject is the name of the entity, a slash and the id, where
	// that of an account is the id.
	LogsIn bool
	// Version is the name of the field that counts the changes of a row, a required
	// integer that the service sets; empty when rows do not count them.
	Version string
	// SoftDelete is the name of the field that says when a row was deleted, a time
	// that the service sets; empty when rows are not kept.
	SoftDelete string
	Unique     []Unique
	Links      []Link
	Allow      Allow
	Conditions []Condition // rules for some rows, beside Allow and those of the fields

	names map[string]FieldID
	links map[string]*Link
	all   FieldSet

	computed FieldSet
	needs    map[FieldID]FieldSet // of computed fields
	id       FieldID
	owner    FieldID // -1 without
	via      FieldID // the relation before the dot of Owner; -1 without

	tenant  FieldID // -1 without
	version FieldID // -1 without
	deleted FieldID // -1 without
}

// Allow says who may do what: a list of rules for each action, any one of which
// is enough. The rules are "public", "signed-in", "nobody", "owner", the name of
// a role, or a permission. An empty list allows nobody.
type Allow struct {
	View, List, Create, Update, Delete []string
}

// A Unique is a list of fields that no two rows have the same values in.
type Unique struct {
	Index  string   // its name in the database
	Fields []string // names
}

// A FieldID is the place of a field in [Entity.Fields].
type FieldID int

// NoField is the id of no field.
const NoField FieldID = -1

// A Field describes a column.
type Field struct {
	Name        string // in JSON: authorId
	Column      string // author_id
	Description string
	Type        Type
	ID          IDKind // of an [ID], and of what a [Relation] points to

	Required   bool // never null
	Unique     bool
	Searchable bool // found by a search
	// CaseInsensitive says that a text is the same in ASCII letters of either case.
	CaseInsensitive bool
	ReadOnly        bool // set by the service alone
	// Computed names the fields of the same row that a function of the service
	// makes the value of. Such a field has no column, and nobody writes it.
	Computed []string

	MinLength, MaxLength int      // in code points; 0 is no limit
	Min, Max             string   // exact numbers, days or RFC 3339 times; "" is no limit
	Pattern              string   // that a text matches as a whole, in the syntax of RE2; "" is none
	Precision, Scale     int      // of a decimal: digits in all, and after the point
	Quoted               bool     // an integer or decimal that is a string in JSON; it is read from a number, too
	Segment              string   // what a file is called in paths
	MaxSize              int      // of a file, in bytes
	FileTypes            []string // that a file may be of: image/png, image/*; none: any
	Values               []string // of an enum or multi-enum
	// Default is what a row gets when a create names no value: nil, a string
	// (texts, decimals, dates as RFC 3339 or "now"), a bool, an int64, a
	// float64, or []string for a multi-enum.
	Default any

	To       string   // name of the entity that a relation points to
	OnDelete OnDelete // what becomes of this row when that one is deleted

	// View, Create and Update narrow who may read and write the field, among
	// those who may use the row at all. Nil does not narrow.
	View, Create, Update []string

	key     string // "name":
	bounds  bounds
	pattern *regexp.Regexp
}

// OnDelete says what becomes of a row when the row that it points to is deleted.
type OnDelete uint8

// What can become of a row. The database sees to it.
const (
	Restrict OnDelete = iota // the other row may not be deleted
	Cascade                  // it is deleted, too
	SetNull                  // it points to nothing
)

// Type is the type of a [Field].
type Type uint8

// The types. The zero value is none and is refused.
const (
	_ Type = iota
	Text
	LongText
	Email
	URL
	Enum
	Username
	Password
	ID
	Relation
	Integer
	DecimalType
	Float
	Boolean
	DateType
	DateTime
	CreatedAt
	UpdatedAt
	JSON
	Roles
	MultiEnum
	GeoType
	FileType
)

var typeNames = [...]string{
	"none", "text", "longtext", "email", "url", "enum", "username", "password", "id", "relation", "integer",
	"decimal", "float", "boolean", "date", "datetime", "created-at", "updated-at", "json", "roles", "multi-enum", "geo", "file",
}

// String returns the name of the type as a design spells it.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("Type(%d)", t)
}

// Field returns the place of the field with that name in JSON.
func (e *Entity) Field(name string) (FieldID, bool) {
	f, ok := e.names[name]
	return f, ok
}

// Kind is how roles and subjects speak of those who log in as rows of the entity:
// its name where it [Entity.LogsIn], else empty.
func (e *Entity) Kind() string {
	if e.LogsIn {
		return e.Name
	}
	return ""
}

// Account returns the id of the row as which a subject logged in; empty if it is
// none of the entity. The same id is somebody else in each.
func (e *Entity) Account(subject string) string {
	id := subject
	if e.LogsIn {
		var own bool
		if id, own = strings.CutPrefix(subject, e.Name+"/"); !own {
			return ""
		}
	}
	if strings.Contains(id, "/") {
		return ""
	}
	return id
}

// Subject returns the subject of who logs in as the row with that id.
func (e *Entity) Subject(id string) string {
	if e.LogsIn {
		return e.Name + "/" + id
	}
	return id
}

// IDField returns the place of the field that identifies a row.
func (e *Entity) IDField() FieldID { return e.id }

// OwnerField returns the place of the field that says whose row it is, or
// [NoField].
func (e *Entity) OwnerField() FieldID { return e.owner }

// VersionField returns the place of the field that counts the changes of a row, or
// [NoField].
func (e *Entity) VersionField() FieldID { return e.version }

// SoftDeleteField returns the place of the field that says when a row was deleted,
// or [NoField].
func (e *Entity) SoftDeleteField() FieldID { return e.deleted }

// OwnerThrough returns the relation to the row that says whose this one is, and
// the name of the field there; false when rows do not belong to others through
// another row.
func (e *Entity) OwnerThrough() (relation FieldID, field string, ok bool) {
	_, field, _ = strings.Cut(e.Owner, ".")
	return e.via, field, e.via != NoField
}

// TenantField returns the place of the field that says to which tenant a row
// belongs, or [NoField].
func (e *Entity) TenantField() FieldID {
	if e.Tenant == "" { // also of an entity that was not checked
		return NoField
	}
	return e.tenant
}

// Computed returns the fields that are computed.
func (e *Entity) Computed() FieldSet { return e.computed }

// Needs returns the fields that a computed field is made of.
func (e *Entity) Needs(f FieldID) FieldSet { return e.needs[f] }

// Stored returns the fields that have to be read to know those of a set: in place
// of computed ones what these are made of.
func (e *Entity) Stored(set FieldSet) FieldSet {
	made := set.Intersect(e.computed)
	if made.Empty() {
		return set
	}
	set = set.Without(made)
	for f := range made.All() {
		set = set.Union(e.needs[f])
	}
	return set
}

// All returns the set of all fields.
func (e *Entity) All() FieldSet { return e.all }

// Find returns the first field of that type, or [NoField].
func (e *Entity) Find(t Type) FieldID {
	return FieldID(slices.IndexFunc(e.Fields, func(f Field) bool { return f.Type == t }))
}

// Secret reports whether the field is written and never read, by anybody.
func (f *Field) Secret() bool { return f.Type == Password }

// FileTable returns the table that keeps what files of the rows hold.
func (e *Entity) FileTable() string { return e.Table + "_files" }

// Files returns the fields that are files.
func (e *Entity) Files() FieldSet {
	var set FieldSet
	for i := range e.Fields {
		if e.Fields[i].Type == FileType {
			set.Add(FieldID(i))
		}
	}
	return set
}

// FoldsCase reports whether values are the same in ASCII letters of either case.
func (f *Field) FoldsCase() bool {
	return f.Type == Email || f.Type == Username || f.CaseInsensitive
}

// serial reports whether the field is an id or relation that is kept in an int64.
func (f *Field) serial() bool {
	return (f.Type == ID || f.Type == Relation) && f.ID == Serial
}
