// Package design reads gate.yaml, the description of a service from which the
// generator makes it.
//
// [Parse] and [Load] are strict: a key that nobody knows, a role that does not
// exist or a name that Go could not compile is an error with its place and, if
// something is near, with what was probably meant. All of it is reported at
// once. What they return is therefore safe to print: every name is a validated
// identifier, no two of them collide in Go, JSON, SQL, GraphQL or a path, and
// every other text is just text, to be quoted by whoever prints it.
//
//	gate: 1
//	service: {name: shop, module: example.com/shop}
//	entities:
//	  Item:
//	    fields:
//	      name: {type: text, required: true}
//	      notes: longtext
//	    allow: {view: public, list: public}
//
// # What is added
//
// Every entity gets the fields id (a UUID), createdAt and updatedAt, unless it
// has fields of their types. id is always called id.
//
// # Who may do what
//
// Nothing is allowed unless allow says so, and fieldRules narrow it further. A
// password is shown to nobody, and the roles of an account are written by nobody
// unless a field rule names a role or a permission.
//
// # Without authentication
//
// A service whose plugin auth-core is missing or off has nobody to tell apart.
// Its rules stay in the file, so that turning authentication off and on again is
// a change of one line, but whatever is not public is refused to everybody, and
// [Design.Warnings] names each such rule. Fields of type password and roles keep
// their columns and cannot be written. A service that only a gateway can reach
// says insecureOpenToEveryone: true, which opens every action; passwords and
// roles stay closed. That key is refused while authentication is on.
//
// # Changing a file
//
// [SetPlugin], [RemovePlugin] and [EnablePlugin] change the text of a design in
// place and leave comments, order and spelling alone. [Starter] writes a new one.
package design
