package rest

import "github.com/gatewright/gate/gen"

// parameters describes those that operations share.
func parameters() gen.Object {
	cursor := func(name, doc string) gen.Object {
		return gen.Object{
			{Name: "name", Value: name},
			{Name: "in", Value: "query"},
			{Name: "description", Value: doc},
			{Name: "schema", Value: gen.Object{{Name: "type", Value: "string"}}},
		}
	}
	whole := func(more ...gen.Property) gen.Object {
		return append(gen.Object{{Name: "type", Value: "integer"}, {Name: "minimum", Value: 0}}, more...)
	}
	return gen.Object{
		{Name: "limit", Value: gen.Object{
			{Name: "name", Value: "$limit"},
			{Name: "in", Value: "query"},
			{Name: "description", Value: "How many rows at most; 0 answers the total alone. More than 100 is 100: limit in the answer tells."},
			{Name: "schema", Value: whole(gen.Property{Name: "default", Value: 25})},
		}},
		{Name: "skip", Value: gen.Object{
			{Name: "name", Value: "$skip"},
			{Name: "in", Value: "query"},
			{Name: "description", Value: "How many rows to leave out at the start."},
			{Name: "schema", Value: whole(gen.Property{Name: "maximum", Value: 10000}, gen.Property{Name: "default", Value: 0})},
		}},
		{Name: "total", Value: gen.Object{
			{Name: "name", Value: "$total"},
			{Name: "in", Value: "query"},
			{Name: "description", Value: "False answers the page without counting the rows: total is -1."},
			{Name: "schema", Value: gen.Object{{Name: "type", Value: "boolean"}, {Name: "default", Value: true}}},
		}},
		{Name: "take", Value: gen.Object{
			{Name: "name", Value: "take"},
			{Name: "in", Value: "query"},
			{Name: "description", Value: "How many rows at most. More than 100 is 100."},
			{Name: "schema", Value: whole(gen.Property{Name: "default", Value: 100})},
		}},
		{Name: "skipRows", Value: gen.Object{
			{Name: "name", Value: "skip"},
			{Name: "in", Value: "query"},
			{Name: "description", Value: "How many rows to leave out at the start."},
			{Name: "schema", Value: whole(gen.Property{Name: "maximum", Value: 10000}, gen.Property{Name: "default", Value: 0})},
		}},
		{Name: "after", Value: cursor("$after", "The rows behind this cursor, nextCursor of an answer; empty for the first page. Not with $skip.")},
		{Name: "before", Value: cursor("$before", "The rows before this cursor, prevCursor of an answer; empty for the last page. Not with $skip.")},
		{Name: "idempotencyKey", Value: header("Idempotency-Key", "A key of the caller's choice: the same request with the same key makes nothing twice within a day. The answer has the rows as they are now.")},
		{Name: "ifMatch", Value: header("If-Match", "The ETag of the row that is to be changed; any other version of it is 412.")},
		{Name: "ifNoneMatch", Value: header("If-None-Match", "The ETag of the row as the caller has it; 304 when it is still that.")},
	}
}
