package design

import (
	"fmt"
	"slices"

	"github.com/gatewright/gate/internal/pattern"
)

// A key is one word that may stand in a mapping of the design. The tables below
// are the grammar: the loader and the JSON Schema are both made from them.
type key struct {
	name   string
	doc    string
	schema object // of the value
	later  bool   // known, but refused for now
}

type object = map[string]any

func later(names ...string) []key {
	keys := make([]key, len(names))
	for i, n := range names {
		keys[i] = key{name: n, later: true}
	}
	return keys
}

func designKeys() []key {
	return append([]key{
		{name: "gate", doc: "Version of this format.", schema: object{"const": Version}},
		{name: "service", doc: "The service as a whole.", schema: ref("service")},
		{name: "roles", doc: "Roles by name, each with the permissions it holds.", schema: namedMap("roleName", "role")},
		{name: "plugins", doc: "What is added to the service, by name, with settings.", schema: namedMap("pluginName", "plugin")},
		{name: "entities", doc: "Tables by name, each with its fields and who may use it.", schema: namedMap("entityName", "entity")},
		{name: "types", doc: "Groups of values by name, for what actions take and answer.", schema: namedMap("entityName", "type")},
		{name: "actions", doc: "What the service does beside reading and writing rows, by name, each with who may call it.", schema: namedMap("actionName", "action")},
	}, later("tenant", "tenants", "jobs", "events")...)
}

func serviceKeys() []key {
	return append([]key{
		{name: "name", doc: "Name of the service in kebab-case.", schema: object{"type": "string", "pattern": kebabPattern, "maxLength": maxName}},
		{name: "module", doc: "Path of the Go module, such as example.com/restaurant.", schema: object{"type": "string", "minLength": 1}},
		{name: "database", doc: "Where rows are kept, or a mapping with its kind and how it is used. Default: sqlite.", schema: databaseSchema()},
		{name: "description", doc: "What the service is for. Appears in the API documentation.", schema: textSchema()},
		{name: "port", doc: "Port the service listens on unless its environment says otherwise. Default: 3000.", schema: between(1, 65535)},
		{name: "apis", doc: "Surfaces of the service. Default: [rest].", schema: object{"type": "array", "items": enumOf(apiNames()...), "uniqueItems": true, "minItems": 1}},
		{name: "decimals", doc: "How decimals travel in JSON: number, with their exact digits, or string, for clients whose numbers are floats. Default: number.", schema: enumOf(asNumber, asString)},
		{name: "integers", doc: "How integers travel in JSON that may be beyond 2^53: number or string. Those whose min and max are within are numbers. Default: number.", schema: enumOf(asNumber, asString)},
		{name: "graphql", doc: "How GraphQL is served, if apis names it.", schema: mapping("How GraphQL is served.", graphqlKeys())},
		{name: openKey, doc: "DANGER: opens every action to everybody, whatever the rules say. For a service without authentication that only a gateway can reach.", schema: boolSchema()},
		{name: REST, doc: "How the REST API is spelt: feathers, or amplication for the clients of a service that Amplication generated. Default: feathers.", schema: enumOf(grammarNames()...)},
		acceptKey(),
	}, later("tenant", "prefix")...)
}

func roleKeys() []key {
	return append([]key{
		{name: "description", doc: "Who holds this role.", schema: textSchema()},
		{name: "default", doc: "Whether every new account holds this role, or every new row of its entity. Default: false.", schema: boolSchema()},
		{name: acrossKey, doc: "Whether who holds this role stands above tenants: their rules hold for the rows of all. Default: false.", schema: boolSchema()},
		{name: roleEntityKey, doc: "The entity whose rows hold the role, one that auth-core lists under also. Default: that of the accounts, which may hold every role.", schema: ref("entityName")},
		{name: "permissions", doc: "What the role may do, as verb:noun. A * stands for any verb or noun, alone for everything.", schema: object{
			"type": "array", "uniqueItems": true,
			"items": object{"type": "string", "pattern": wildPattern, "maxLength": maxPermission},
		}},
		{name: "inherits", doc: "Roles that whoever holds this one holds too.", schema: object{
			"type": "array", "uniqueItems": true, "items": ref("roleName"),
		}},
	}, later("extends", "tenant")...)
}

func entityKeys() []key {
	return append([]key{
		{name: "description", doc: "What a row is. Appears in the API documentation.", schema: textSchema()},
		{name: "plural", doc: "Plural of the name in PascalCase. Default: the English plural.", schema: object{"type": "string", "pattern": pascalPattern}},
		{name: "route", doc: "Path below /api. Default: the plural in kebab-case, with rest: amplication in camelCase.", schema: object{"type": "string", "pattern": routePattern, "maxLength": maxName}},
		{name: "table", doc: "Name of the table. Default: the plural in snake_case.", schema: object{"type": "string", "pattern": snakePattern}},
		{name: "renamedFrom", doc: "Name that the entity had before, or its table. The migration renames the table in place of dropping it; then this can go.", schema: object{"type": "string", "pattern": formerPattern}},
		{name: "fields", doc: "Columns by name: a type, or a mapping with a type and its properties.", schema: namedMap("fieldName", "field")},
		{name: "owner", doc: "Field that says whose row it is: a relation to the entity of the accounts, id where each account owns itself, or through another row, such as order.buyer.", schema: object{"type": "string", "pattern": ownerPattern}},
		{name: tenantWord, doc: "Field that says to which tenant a row belongs: a relation, or id in the entity of the tenants itself. Every rule then holds within the tenant of the caller, which is that of the account.", schema: fieldNameSchema()},
		{name: "allow", doc: "Who may do what. Nothing is allowed unless it says so.", schema: ref("allow")},
		{name: "fieldRules", doc: "Who may read and write single fields, among those whom allow lets in.", schema: namedMap("fieldName", "fieldRule")},
		{name: "unique", doc: "Lists of fields: no two rows have the same values in all fields of one. Rows without a value in one of them do not count.", schema: object{
			"type": "array", "maxItems": maxIndexes,
			"items": object{"type": "array", "minItems": 2, "maxItems": maxIndexColumns, "uniqueItems": true, "items": fieldNameSchema()},
		}},
		{name: "indexes", doc: "Fields, and lists of them, by which rows are found and sorted fast.", schema: object{
			"type": "array", "maxItems": maxIndexes,
			"items": object{"oneOf": []object{fieldNameSchema(), {"type": "array", "minItems": 1, "maxItems": maxIndexColumns, "uniqueItems": true, "items": fieldNameSchema()}}},
		}},
		{name: "version", doc: "Whether rows count their changes: a field version, the ETag of the row. A change can then be made only if nobody else made one. Default: false.", schema: boolSchema()},
		{name: "softDelete", doc: "Whether deleted rows are kept, and can be restored by those who may delete them. Default: false.", schema: boolSchema()},
		acceptKey(),
	}, later("constraints", "hooks", "rest", "graphql")...)
}

func fieldNameSchema() object { return object{"type": "string", "pattern": camelPattern} }

func allowKeys() []key {
	return []key{
		{name: "view", doc: "Get one row.", schema: ref("rules")},
		{name: "list", doc: "Find rows.", schema: ref("rules")},
		{name: "create", doc: "Make a row.", schema: ref("rules")},
		{name: "update", doc: "Change a row.", schema: ref("rules")},
		{name: "delete", doc: "Delete a row.", schema: ref("rules")},
	}
}

func fieldRuleKeys() []key {
	return []key{
		{name: "view", doc: "Read the field, and filter or sort by it.", schema: ref("rules")},
		{name: "create", doc: "Set the field in a new row.", schema: ref("rules")},
		{name: "update", doc: "Change the field.", schema: ref("rules")},
	}
}

// fieldType is a type of field and the properties that a field of that type has
// besides type and description.
type fieldType struct {
	name  Type
	doc   string
	props []string
}

func fieldTypes() []fieldType {
	const column, readOnly, computed = "column", "readOnly", "computed"
	types := []fieldType{
		{Text, "One line of text.", []string{"required", "unique", "searchable", "caseInsensitive", "minLength", "maxLength", "pattern", "default", column, readOnly, computed}},
		{LongText, "Text of any length.", []string{"required", "searchable", "minLength", "maxLength", "default", column, readOnly, computed}},
		{Email, "E-mail address; keeps its spelling and compares without case.", []string{"required", "unique", "searchable", "default", column, readOnly, computed}},
		{URL, "Address that starts with http:// or https://.", []string{"required", "unique", "searchable", "maxLength", "default", column, readOnly, computed}},
		{Int, "Whole number of 64 bits.", []string{"required", "unique", "min", "max", "default", column, readOnly, computed}},
		{Decimal, "Exact number with a fixed number of digits after the point.", []string{"required", "unique", "precision", "scale", "min", "max", "default", column, readOnly, computed}},
		{Float, "Number of 64 bits that need not be exact.", []string{"required", "min", "max", "default", column, readOnly, computed}},
		{Boolean, "True or false.", []string{"required", "default", column, readOnly, computed}},
		{Enum, "One of a list of values.", []string{"values", "required", "default", column, readOnly, computed}},
		{MultiEnum, "Any of a list of values, each once, in the order in which they were sent.", []string{"values", "required", "default", column, readOnly, computed}},
		{Date, "Day, as 2006-01-02.", []string{"required", "unique", "min", "max", "default", column, readOnly, computed}},
		{DateTime, "Instant, as 2006-01-02T15:04:05Z.", []string{"required", "unique", "min", "max", "default", column, readOnly, computed}},
		{JSON, "Any JSON value.", []string{"required", column, readOnly, computed}},
		{Geo, "Place on earth, as {lat, lng} in degrees.", []string{"required", column, readOnly, computed}},
		{File, "A file, which is sent and fetched at a path of its own.", []string{"maxSize", "types", column, readOnly}},
		{ID, "Identifier of the row. Added by itself, as a uuid, unless written.", []string{"kind", column}},
		{CreatedAt, "When the row was made. Added by itself unless written.", []string{column}},
		{UpdatedAt, "When the row was last changed. Added by itself unless written.", []string{column}},
		{Username, "Name to sign in with. Required and unique unless written otherwise.", []string{"required", "unique", "searchable", "minLength", "maxLength", column}},
		{Password, "Kept as a hash, never answered.", []string{"required", column}},
		{Roles, "The roles of an account. Written by nobody unless a field rule says who.", []string{column}},
		{ToOne, "Points to one row of another entity, or of the same.", []string{"to", "inverse", "many", "through", "required", "unique", "onDelete", column, readOnly}},
	}
	for i := range types {
		if types[i].name != ID { // which is always called so
			types[i].props = append(types[i].props, "renamedFrom")
		}
	}
	return types
}

// laterTypes lists the types that are known and not supported yet.
func laterTypes() []string {
	return []string{"tenant"}
}

// laterProperties lists the properties that are known and not supported yet.
func laterProperties() []string {
	return []string{"index", "allow", "folder"}
}

func typeNames() []string {
	var names []string
	for _, t := range fieldTypes() {
		names = append(names, string(t.name))
	}
	return names
}

// property returns the key of that name for a field of type t.
func property(name string, t Type) key {
	k := key{name: name}
	switch name {
	case "required":
		k.doc, k.schema = "Whether a row must have a value. Default: false.", boolSchema()
	case "unique":
		k.doc, k.schema = "Whether no two rows may have the same value. Default: false.", boolSchema()
	case "searchable":
		k.doc, k.schema = "Whether $search looks into the field. Default: false.", boolSchema()
	case "caseInsensitive":
		k.doc, k.schema = "Whether texts are the same in ASCII letters of either case, where they are unique, found or sorted; they keep their spelling. Default: false.", boolSchema()
	case "min":
		k.doc, k.schema = "Smallest value.", limitSchema(t)
	case "max":
		k.doc, k.schema = "Greatest value.", limitSchema(t)
	case "minLength":
		k.doc, k.schema = "Fewest characters. Default: 0.", between(0, lengthLimit(t))
	case "maxLength":
		k.doc = fmt.Sprintf("Most characters. Default: %d.", defaultLength(t))
		k.schema = between(1, lengthLimit(t))
	case "pattern":
		k.doc = "Regular expression of RE2 that matches the whole text, also an empty one: [A-Z]{2}-[0-9]{4}."
		k.schema = object{"type": "string", "minLength": 1, "maxLength": pattern.MaxSize}
	case "maxSize":
		k.doc = fmt.Sprintf("Most bytes: a number, or one with KB or MB of 1024 and 1024 × 1024, at most 100MB. Default: %s.", "5MB")
		k.schema = object{"oneOf": []object{between(1, maxFileSize), {"type": "string", "pattern": sizePattern}}}
	case "types":
		k.doc = "What files may be: media types such as application/pdf, and image/* for all of one kind. What a file is its bytes say, as far as they do. Default: anything."
		k.schema = object{"type": "array", "minItems": 1, "maxItems": maxFileTypes, "uniqueItems": true, "items": object{"type": "string", "pattern": mediaPattern}}
	case "precision":
		k.doc = fmt.Sprintf("Digits in all. Default: %d.", defaultPrecision)
		k.schema = between(1, maxPrecision)
	case "scale":
		k.doc = fmt.Sprintf("Digits after the point. Default: %d.", defaultScale)
		k.schema = between(0, maxPrecision)
	case "values":
		k.doc = "The values, in the order in which they are shown: names, or names with a label for people."
		k.schema = object{
			"type": "array", "minItems": 1, "maxItems": maxValues, "uniqueItems": true,
			"items": object{"oneOf": []object{valueSchema(), mapping("A value and what people call it.", valueKeys(), "name")}},
		}
	case "kind":
		k.doc, k.schema = "What identifiers look like. Default: uuid.", enumOf(string(UUID), string(Serial), string(CUID2), string(ULID))
	case "to":
		k.doc, k.schema = "Entity that the field points to.", object{"type": "string", "pattern": pascalPattern}
	case "inverse":
		k.doc = "What rows of the other entity call the rows that point to them: posts, where author points to User. Without it only this end has a name."
		k.schema = fieldNameSchema()
	case "many":
		k.doc, k.schema = "Whether rows of both entities have any number of each other. A table of its own keeps them. Default: false.", boolSchema()
	case "through":
		k.doc, k.schema = "Name of the table that keeps a relation to many. Default: the name of the entity and that of the field in snake_case.", object{"type": "string", "pattern": snakePattern}
	case "onDelete":
		k.doc = "What becomes of this row when the other is deleted: restrict keeps the other from being deleted, cascade deletes this one too, set-null empties the field. Default: restrict."
		k.schema = enumOf(string(Restrict), string(Cascade), string(SetNull))
	case "readOnly":
		k.doc, k.schema = "Whether only the service itself writes the field: hooks, seeds and code that calls as the service. Default: false.", boolSchema()
	case "computed":
		k.doc = "The fields of the row that the value is made of, by a function of the service. It has no column, and nothing is found or sorted by it."
		k.schema = object{"oneOf": []object{
			fieldNameSchema(), {"type": "array", "minItems": 1, "maxItems": maxComputedFrom, "uniqueItems": true, "items": fieldNameSchema()},
		}}
	case "renamedFrom":
		k.doc = "Name that the field had before, or its column. The migration renames the column in place of dropping it; then this can go."
		k.schema = object{"type": "string", "pattern": formerPattern}
	case "column":
		k.doc, k.schema = "Name of the column. Default: the name of the field in snake_case.", object{"type": "string", "pattern": snakePattern}
	case "default":
		k.doc, k.schema = "Value of a new row that does not bring one.", defaultSchema(t)
	}
	return k
}

// valueKeys are the keys of a value of an enum that is more than its name.
func valueKeys() []key {
	return []key{
		{name: "name", doc: "The value, as it is stored and sent.", schema: valueSchema()},
		{name: "label", doc: "What people call it.", schema: object{"type": "string", "minLength": 1, "maxLength": maxLabel}},
		{name: "renamedFrom", doc: "Value that it was before. The migration changes the rows that have it; then this can go.", schema: valueSchema()},
	}
}

func valueSchema() object { return object{"type": "string", "pattern": valuePattern} }

// propertyOwners lists the types that have a property.
func propertyOwners(name string) []string {
	var owners []string
	for _, t := range fieldTypes() {
		if slices.Contains(t.props, name) {
			owners = append(owners, string(t.name))
		}
	}
	return owners
}
