// Package crud holds the one gate through which rows are read and written. A
// [Resource] is an entity of the service with its table and its rules; REST,
// other surfaces and the service's own code all go through it, so none of them
// can forget a rule.
//
// Who asks is taken from the context: the principal that a guard put there,
// nobody, or the service itself ([authz.System]), which stands above the rules
// but not above validation. What somebody may do follows from the entity's
// rules for an action (view, list, create, update, delete), from the rules of
// single fields, and from whose row it is. Rules about rows become part of the
// statement that reads or writes them.
//
// # Answers
//
// Errors are [*gate.Error]. Without a caller where one is needed: 401. Without
// the right to the action: 403, whatever the id. A row that the caller could
// not get: 404, for every method. A row that is seen but may not be changed:
// 403. Then what was sent: 400 with all that is wrong, or 403 if all of it is
// fields that need another role. 409 for values that are taken and rows that
// others need, 412 for a row that is not the version that was to be changed, 503
// when the database does not answer. A field that one may not read does not exist in
// filters, sorting and selections. Any other error is a fault of the service.
//
// # Deleted rows
//
// Where deleted rows are kept ([model.Entity] SoftDelete) they are there for nobody,
// the service itself included: that is written below every filter of a rule. Who may
// delete a row may bring it back ([Resource.Restore]).
//
// # Other rows
//
// Rows are read with, found by, and written with those that relations lead to. Each
// of these is asked, or written, as by a request of its own: by the rules of its
// entity, for the caller of the request, never for one that a hook made up.
//
// # Hooks
//
// Code of the service runs before and after a change, inside its transaction
// ([Resource.Before], [Resource.After]), and after the commit
// ([Resource.OnChange]). A call to any resource with the context that a hook
// was given joins the transaction.
package crud
