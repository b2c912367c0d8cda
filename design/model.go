package design

import "time"

// Version is the version of the gate.yaml format that this package reads: the
// number behind the key "gate".
const Version = 1

// Limits of the design file. A file beyond one of them is refused before it is
// looked at more closely.
const (
	MaxSize  = 1 << 20 // bytes
	MaxDepth = 50      // mappings and lists inside each other
	MaxNodes = 100_000 // values, those that aliases repeat included
)

// A Position is a place in a design file. The zero value is no place: what has
// it was not written by the user but added by default.
type Position struct {
	File   string
	Line   int // from 1
	Column int // from 1, in characters
}

// A Design is a gate.yaml that was read and found valid: every name in it is
// safe to print as an identifier, every reference points to something, every
// default is filled in. Lists are in the order of the file.
//
// A Design is not changed after it was made; it may be shared by goroutines
// that only read it.
type Design struct {
	File     string // the name given to Load or Parse
	Version  int
	Service  Service
	Roles    []*Role
	Plugins  []*Plugin // those that are turned off included
	Entities []*Entity
	Types    []*Record // of what actions take and answer
	Actions  []*Action

	warnings []Problem
	root     *node   // the file
	written  *Design // what this one was made from by With
}

// Service describes the service as a whole.
type Service struct {
	Name        string // kebab-case
	Module      string // Go module path
	Database    Database
	Pool        Pool // zero unless the database is a server
	Description string
	Port        int      // 3000 unless written
	APIs        []string // [REST], [GraphQL]
	Persisted   Persisted
	Grammar     string // of the REST API: [Feathers] unless written, or [Amplication]

	// InsecureOpenToEveryone opens every action to everybody, whatever the rules
	// say. It is refused unless authentication is off, and meant for a service
	// that only a gateway can reach. Without it, a service without authentication
	// refuses every action that is not public.
	InsecureOpenToEveryone bool

	Accept []Acceptance // warnings about anything

	Pos Position
}

// Database is the kind of database of a service.
type Database string

// The databases a service can use.
const (
	SQLite   Database = "sqlite"
	Postgres Database = "postgres"
)

// Pool says how a service uses a database server. What is zero was not written.
type Pool struct {
	MaxConns         int           // of one process
	StatementTimeout time.Duration // when the server gives up
}

// The APIs a service can have.
const (
	REST    = "rest"
	GraphQL = "graphql"
)

// The grammars of a REST API: how its routes, queries and rows are spelt.
const (
	Feathers    = "feathers"
	Amplication = "amplication" // as the services that Amplication generated have it
)

// A Plugin is one entry of the section "plugins". Which plugins exist and what
// their settings mean is not known here.
type Plugin struct {
	Name     string
	Enabled  bool    // false with "enabled: false", which keeps the settings
	Settings Setting // the mapping behind the name, without "enabled"
	Pos      Position
}

// Kind says what a [Setting] holds.
type Kind uint8

// The kinds of settings.
const (
	KindNull    Kind = iota
	KindBool         // Value is a bool
	KindInteger      // Value is an int64
	KindFloat        // Value is a float64
	KindString       // Value is a string
	KindList         // Children are the elements
	KindMapping      // Children are the entries, in order
)

// A Setting is a value in the settings of a plugin, and where it stands.
type Setting struct {
	Key      string // empty for the elements of a list
	Path     string // plugins.auth-jwt.expiresIn
	Kind     Kind
	Value    any    // nil, bool, int64, float64 or string
	Text     string // a number as it is written, of which Value may not keep every digit
	Children []Setting
	Pos      Position // of the key, or of the element of a list
	ValuePos Position // of the value
}

// An Entity is a table with its fields and the rules who may use it.
type Entity struct {
	Name        string // PascalCase
	Plural      string // PascalCase, differs from Name
	Route       string // unique: order-items in kebab-case, or orderItems with [Amplication]
	Table       string // snake_case, unique: order_items
	RenamedFrom string // its name of before, or its table of before; "" unless it was renamed
	Description string
	Fields      []*Field // id first and createdAt, updatedAt last when they were added
	Links       []*Link  // to-one relations are among Fields, too; last those that other entities name
	Allow       Access
	Owner       *Field // nil when rows have no owner; the id field when each row owns itself
	// OwnerThrough is how rows belong to whom another row belongs to; Owner is nil
	// then.
	OwnerThrough *Through
	// Tenant is the relation to the tenant that a row belongs to, required but for
	// accounts, or the id field of the tenants themselves; nil without tenants.
	Tenant  *Field
	Unique  []*Index // no two rows have the same values, unless one of them is null
	Indexes []*Index // beside those of unique fields and of relations
	Accept  []Acceptance
	// Version is the field that counts the changes of a row, behind those of the
	// file; nil when rows do not count them.
	Version *Field
	// SoftDelete is the field that says when a row was deleted, which nobody reads;
	// nil when deleted rows are not kept.
	SoftDelete *Field
	// LogsIn says that rows log in, beside those of the entity of the accounts.
	LogsIn bool
	Pos    Position
}

// Through is a field of the row that a relation points to.
type Through struct {
	Relation *Field // of the entity itself
	Field    *Field // of the entity that it points to, a relation to that of the accounts
}

// Key returns the keys of both with a dot between them: orderId.buyerId.
func (t *Through) Key() string { return t.Relation.Key + "." + t.Field.Key }

// String returns the names as they are written: order.buyer.
func (t *Through) String() string { return t.Relation.Name + "." + t.Field.Name }

// An Index is a list of fields that rows are found by. No list is there twice.
type Index struct {
	Fields []*Field // at least two when it is unique
	Pos    Position
}

// Access holds who may do what with the rows of an entity. Any one of the rules
// of a list is enough; an empty list lets nobody in.
type Access struct {
	View, List, Create, Update, Delete []Rule
}

// FieldAccess narrows who may read and write one field, among those whom the
// entity lets in. An empty list does not narrow; [Nobody] alone closes.
type FieldAccess struct {
	View, Create, Update []Rule
}

// RuleKind is the kind of a [Rule].
type RuleKind uint8

// The kinds of rules. The zero value is the strictest.
const (
	Nobody        RuleKind = iota
	Public                 // everybody, without credentials
	SignedIn               // everybody with an account
	RowOwner               // who owns the row
	HasRole                // who holds the role Rule.Name
	HasPermission          // who holds the permission Rule.Name through any role
)

// A Rule is one word of an access list.
type Rule struct {
	Kind RuleKind
	Name string   // of the role or permission
	When []Clause // what a row has to be like, all of it, for the rule to count; none: all rows
	Pos  Position
}

// Type is the type of a [Field].
type Type string

// The types of fields.
const (
	Text      Type = "text"
	LongText  Type = "longtext"
	Email     Type = "email"
	URL       Type = "url"
	Int       Type = "integer"
	Decimal   Type = "decimal"
	Float     Type = "float"
	Boolean   Type = "boolean"
	Enum      Type = "enum"
	MultiEnum Type = "multi-enum"
	Date      Type = "date"
	DateTime  Type = "datetime"
	JSON      Type = "json"
	Geo       Type = "geo"
	File      Type = "file"
	ID        Type = "id"
	CreatedAt Type = "created-at"
	UpdatedAt Type = "updated-at"
	Username  Type = "username"
	Password  Type = "password"
	Roles     Type = "roles"
	ToOne     Type = "relation"
)

// A Field is a column of an entity.
type Field struct {
	Name        string // camelCase, as written
	Key         string // in JSON, filters and GraphQL inputs: the name, and nameId for a relation
	Column      string // snake_case; "" if computed
	GoName      string // Go name of Name
	GoKey       string // Go name of Key
	Type        Type
	Description string

	Required   bool // never null
	Unique     bool
	Searchable bool
	// CaseInsensitive says that a text is the same in ASCII letters of either case.
	CaseInsensitive bool
	ReadOnly        bool // set by the service only: id, created-at, updated-at, and what says so

	// Computed are the fields of the same entity that a function of the service
	// makes the value of. Such a field is ReadOnly and has no column; of any other
	// it is nil.
	Computed []*Field

	// Min and Max are exact decimal literals, days as 2006-01-02 or instants of RFC
	// 3339 in UTC; "" is no limit.
	Min, Max             string
	MinLength, MaxLength int    // code points; MaxLength 0 is no limit
	Pattern              string // that a text matches as a whole, in the syntax of RE2; "" is none
	Precision, Scale     int    // of a decimal: digits in all, digits after the point
	Quoted               bool   // a number that is a string in JSON

	// Default is nil, a string (text kinds, enum, decimal as its exact literal,
	// date and datetime as RFC 3339 or "now"), a bool, an int64, a float64, or
	// []string for a multi-enum.
	Default any

	Segment   string   // what a file is called in paths
	MaxSize   int      // of a file, in bytes
	FileTypes []string // that a file may be of: image/png, image/*; none: any

	Values   []Value   // of an enum or multi-enum
	ID       IDKind    // of an id
	Relation *Relation // of a relation

	Access FieldAccess
	Added  bool // not written in the file
	Pos    Position

	RenamedFrom string // its name of before, or its column of before; "" unless it was renamed
}

// A Value is one value of an enum or multi-enum.
type Value struct {
	Name   string // as stored and sent: in-progress
	GoName string // InProgress
	Label  string // for people: In progress; "" if there is none
	Pos    Position

	RenamedFrom string // its name of before; "" unless it was renamed
}

// IDKind says what identifiers look like and who makes them.
type IDKind string

// The kinds of identifiers.
const (
	UUID   IDKind = "uuid"   // version 7, sorts by time of creation
	Serial IDKind = "serial" // a number, counted by the database
	CUID2  IDKind = "cuid2"
	ULID   IDKind = "ulid"
)

// OnDelete says what becomes of a row when the row that it points to is deleted.
type OnDelete string

// What can become of a row.
const (
	Restrict OnDelete = "restrict" // the other row may not be deleted
	Cascade  OnDelete = "cascade"  // it is deleted, too
	SetNull  OnDelete = "set-null" // it points to nothing
)

// A Relation points from a row to one row of another entity, or of its own.
type Relation struct {
	To       string  // name of the entity
	Entity   *Entity // the entity itself
	OnDelete OnDelete
	Pos      Position // of the name
}

// Entity returns the entity of that name, nil if there is none.
func (d *Design) Entity(name string) *Entity {
	for _, e := range d.Entities {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// Role returns the role of that name, nil if there is none.
func (d *Design) Role(name string) *Role {
	for _, r := range d.Roles {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// Plugin returns the plugin of that name, whether enabled or not, nil if the
// design does not mention it.
func (d *Design) Plugin(name string) *Plugin {
	for _, p := range d.Plugins {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Enabled reports whether a plugin is there and not turned off.
func (d *Design) Enabled(plugin string) bool {
	p := d.Plugin(plugin)
	return p != nil && p.Enabled
}

// Authentication reports whether callers can prove who they are: whether the plugin
// auth-core is enabled.
func (d *Design) Authentication() bool { return d.Enabled(AuthCore) }

// Field returns the field of that name, nil if there is none.
func (e *Entity) Field(name string) *Field {
	for _, f := range e.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// FoldsCase reports whether values are the same in ASCII letters of either case.
func (f *Field) FoldsCase() bool {
	return f.Type == Email || f.Type == Username || f.CaseInsensitive
}

// Comparable reports whether rows can be found by the field.
func (f *Field) Comparable() bool { return f.Type != Password && f.Computed == nil }

// Sortable reports whether rows can be put in the order of the field's values.
func (f *Field) Sortable() bool {
	if f.Computed != nil {
		return false
	}
	switch f.Type {
	case JSON, Roles, Password, MultiEnum, Geo, File:
		return false
	}
	return true
}

// FileFields returns the fields that are files.
func (e *Entity) FileFields() []*Field {
	var files []*Field
	for _, f := range e.Fields {
		if f.Type == File {
			files = append(files, f)
		}
	}
	return files
}

// FileTable returns the table that keeps what files of the rows hold.
func (e *Entity) FileTable() string { return e.Table + "_files" }

// IDField returns the field of type id. Every entity has exactly one.
func (e *Entity) IDField() *Field {
	for _, f := range e.Fields {
		if f.Type == ID {
			return f
		}
	}
	return nil
}

// String returns the word of the rule: "public", "signed-in", "nobody", "owner",
// the name of a role or a permission. It leaves the condition out; see
// [Rule.Words].
func (r Rule) String() string {
	switch r.Kind {
	case Public:
		return rulePublic
	case SignedIn:
		return ruleSignedIn
	case RowOwner:
		return ruleOwner
	case HasRole, HasPermission:
		return r.Name
	default:
		return ruleNobody
	}
}

// Actions lists the names of the actions, in the order of [Access].
func Actions() []string {
	return []string{"view", "list", "create", "update", "delete"}
}

// Rules returns the rules of the action with that name, nil for an unknown one.
func (a *Access) Rules(action string) []Rule {
	if p := a.rules(action); p != nil {
		return *p
	}
	return nil
}

func (a *Access) rules(action string) *[]Rule {
	switch action {
	case "view":
		return &a.View
	case "list":
		return &a.List
	case "create":
		return &a.Create
	case "update":
		return &a.Update
	case "delete":
		return &a.Delete
	}
	return nil
}

// Rules returns the rules of the action view, create or update, nil for any other.
func (a *FieldAccess) Rules(action string) []Rule {
	if p := a.rules(action); p != nil {
		return *p
	}
	return nil
}

func (a *FieldAccess) rules(action string) *[]Rule {
	switch action {
	case "view":
		return &a.View
	case "create":
		return &a.Create
	case "update":
		return &a.Update
	}
	return nil
}
