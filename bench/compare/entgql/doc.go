// Command entgql is the shop of bench/shop as a service of ent and gqlgen, to be
// measured beside it:
//
//	go run ./bench/shop -peers bench/compare/entgql
//
// What is here is what people write: the schema, the resolvers, the wiring. What ent
// and gqlgen generate of it is not kept: bench/shop copies this folder, generates
// there and builds with the tag "generated". It is a module of its own, so that
// nothing of it is in the go.sum of others.
package main

//go:generate go run ./generate
