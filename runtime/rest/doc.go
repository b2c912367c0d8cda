// Package rest serves entities over HTTP. It translates: a request into a query
// tree or the body of a change, a row into JSON, an error into an answer. Who
// may do what, which fields there are and what a value must look like is judged
// below, in package crud, so it is the same whatever surface asks.
//
// # Routes
//
//	GET    /{path}        a page of rows
//	GET    /{path}/{id}   one row
//	POST   /{path}        create a row, or all rows of a list or none: 201
//	PUT    /{path}/{id}   replace a row
//	PATCH  /{path}/{id}   change some fields of a row
//	DELETE /{path}/{id}   remove a row
//	PATCH  /{path}?…      change the rows that conditions choose, all or none
//	DELETE /{path}?…      remove them
//	POST   /{path}/{id}/restore   bring a deleted row back, where they are kept
//
// All but the first two answer what they wrote. HEAD is answered where GET is. A header that
// asks for another method is not looked at. Bodies are application/json.
//
// # Headers
//
// Rows that count their changes have an ETag. If-None-Match is asked when the caller
// was let in, If-Match when it is known that they may change the row. What is created
// with an Idempotency-Key is created once: who asks again gets the rows as they may
// see them then, see package idempotency.
//
// # Grammar
//
// How a query is spelt is a [Grammar]. [Feathers] is the one with the routes above;
// [Amplication] has those of the services that Amplication generated. An
// unknown parameter, an unknown operator and a parameter given twice are
// refused by name, and everything that is wrong with a query is reported at
// once.
package rest
