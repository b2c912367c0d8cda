package design

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
	Date      Type = "date"
	DateTime  Type = "datetime"
	JSON      Type = "json"
	ID        Type = "id"
	CreatedAt Type = "created-at"
	UpdatedAt Type = "updated-at"
	Username  Type = "username"
	Password  Type = "password"
	Roles     Type = "roles"
	ToOne     Type = "relation"
)
