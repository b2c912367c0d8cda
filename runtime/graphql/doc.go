// Package graphql serves entities over GraphQL (the specification of September
// 2025, and GraphQL over HTTP). Like package rest it translates: a document into
// query trees and the bodies of changes, rows into JSON, errors into answers.
// Who may do what, which fields there are and what a value must look like is
// judged below, in package crud, so it is the same whatever surface asks.
//
// # No resolvers
//
// There is no code per field. A field of the root becomes one call of a
// [crud.Service], and what is selected below it names the columns of that call;
// the answer is shaped from rows that hold what the caller may read and nothing
// else. So there is no place at which a rule could be forgotten. This package
// reaches no database and compiles no statement.
//
// # Order
//
// A request is measured before anything is looked at: size of the body and of
// the document, tokens, depth, fields, aliases, directives, variables, rows that
// are asked for, whether it introspects. Then it is validated, and what was
// valid is kept by its text. Then its variables are read, and then it executes.
//
// # Errors
//
// What does not parse, is too much or is not valid is 400 and executes nothing.
// Once a request executes it is 200, and errors carry extensions.code:
// UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, BAD_USER_INPUT (with fields), CONFLICT,
// TOO_MANY_REQUESTS, UNAVAILABLE, or INTERNAL without details. A field that the
// caller may not read in a row is null, and an error FORBIDDEN names its path.
package graphql
