package design

import "strings"

// ReservedNames lists the exported names that a generated package declares
// itself, besides those it derives from entities. An entity, and the type made
// for an enum, cannot have one of them.
func ReservedNames() []string {
	return []string{
		"App", "Config", "DB", "Entities", "Handler", "Hooks", "Migrate", "Migrations", "New", "Open", "OpenAPI",
		"Options", "Permissions", "Policy", "Register", "Resources", "Roles", "Routes", "Run", "Schema", "Server",
		"Service", "Setup", "Start", "Version",
	}
}

// ReservedRoutes lists the first path elements below /api that belong to the
// service itself.
func ReservedRoutes() []string {
	return []string{
		"admin", "authentication", "docs", "graphql", "health", "login", "logout", "me", "metrics",
		"openapi", "sessions", "well-known",
	}
}

// derivedNames lists the Go and GraphQL names made from an entity's name.
func derivedNames(e *Entity) []string {
	n, p := e.Name, e.Plural
	return []string{
		n, p, n + "Where", n + "ListWhere", n + "OrderBy", n + "Input", n + "Patch", n + "Hooks", n + "Service", n + "Page",
		n + "Fields", n + "Entity", n + "Store", n + "Edge", n + "Connection", p + "Page", p + "Count",
		"Create" + n, "Update" + n, "Delete" + n, "Create" + n + "Input", "Update" + n + "Input",
	}
}

// graphQLTypes lists the types that a GraphQL schema has anyway.
func graphQLTypes() []string {
	return []string{
		"Query", "Mutation", "Subscription", "Int", "Float", "String", "Boolean", "ID", "Date", "DateTime",
		"Decimal", "JSON", "Upload", "PageInfo", "SortOrder", "Me", "Login", "Logout", "Authentication",
		"AuthenticationResult", "BigInt", "Long", "Geo", "Point", "StringFilter", "IDInput", "IDFilter", "IntFilter",
		"BigIntFilter", "FloatFilter", "DecimalFilter", "BooleanFilter", "DateFilter", "DateTimeFilter",
		"NullFilter",
	}
}

// reservedSQL reports whether a table or column of that name would have to be
// quoted in SQL written by hand, or cannot exist at all: the reserved words of
// SQLite and PostgreSQL and the names of their system columns.
func reservedSQL(name string) bool {
	const list = " " +
		"_rowid_ add all alter analyse analyze and any array as asc asymmetric authorization " +
		"autoincrement between binary both case cast check cmax cmin collate collation column commit " +
		"concurrently constraint create cross ctid current_catalog current_date current_role " +
		"current_schema current_time current_timestamp current_user default deferrable delete desc " +
		"distinct do drop else end escape except exists false fetch for foreign freeze from full grant " +
		"group having ilike in index initially inner insert intersect into is isnull join lateral " +
		"leading left like limit localtime localtimestamp natural not nothing notnull null offset oid on " +
		"only or order outer overlaps placing primary references returning right rowid select " +
		"session_user set similar some symmetric system_user table tableoid tablesample then to trailing " +
		"transaction true union unique update user using values variadic verbose when where window with " +
		"xmax xmin "
	return strings.Contains(list, " "+name+" ")
}
