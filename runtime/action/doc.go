// Package action runs what a service does beside reading and writing rows: actions
// of the design, and routes of the service's own code. An [Action] says who may call
// it, what it takes and what it answers; the code is the user's.
//
// Every surface calls [Action.Do], which is the one place where it is decided who may
// call an action, and in what order answers come: 401 and 403 before anything that
// was sent is looked at, then 404 for a row that the caller may not get, then 400 with
// all that is wrong with the input, by the rules and in the words of fields of rows.
// Then the code runs, in one transaction if it changes things, and what it answers is
// compared with what was promised. Of rows only their ids are taken from it: they are
// read as their entity shows them to the caller.
//
// An error of the code is the answer if it is a [*gate.Error], and a fault of the
// service otherwise. The transaction is undone by both, and by a panic.
package action
