// Package model describes the entities of a service: their fields, what values
// those take, and how values travel between JSON, Go and the database.
//
// Everything that is refused is refused here, once, in the same words for every
// surface. The description is data ([Entity], [Field]); rows are plain structs
// of the generated code, reached through a function that returns the address of
// a field, so that nothing on the way of a request needs reflection.
//
// The Go type of a field follows from its type; it is a pointer when the field
// is not required:
//
//	text longtext email url username password        string
//	enum                                             string
//	multi-enum                                       []string
//	id and relation                                  string, int64 for serial
//	integer                                          int64
//	decimal                                          Decimal
//	float                                            float64
//	boolean                                          bool
//	date                                             Date
//	datetime created-at updated-at                   time.Time
//	json                                             json.RawMessage
//	roles                                            []string
//
// json, roles and multi-enum are never pointers: nil is null. An enum of generated
// code is a type of its own, whose address is handed over as that of a string
// ([OptionalEnum], [EnumList]).
package model
