// Package realtime tells connections what happens to rows, and takes calls from
// them. There are two doors here, WebSocket and server-sent events; the module
// realtime/socketio is a third.
//
// # Who is told
//
// An event reaches a connection only if its principal could get that row at that
// moment, and carries what a get would answer: [crud.Snapshot] judges, with the
// rules that judge every other request. Credentials are asked again before
// every event and every call, so that a role that was taken away counts at
// once. The names of events are those of Feathers:
//
//	items created, items updated, items patched   the row
//	items removed                                 its id alone
//
// "removed" goes to those who could see the row before, and also to those out
// of whose sight it went by a change. A change of fields that one may not read
// is not told, nor that rows were tied to it, or let go, none of which one may list
// there. Rows that the database itself removes or changes along with
// another (on-delete) are not told either.
//
// Nothing is skipped silently: a connection that cannot be told of everything
// is closed, for a client that connects again reads again.
//
// # How long
//
// A connection lives as long as its credentials: it is closed at the moment
// they expire, and within five seconds of their revocation, see [Reason]; at
// once when this process ended the session, see [Realtime.SessionEnded].
//
// Queues, connections and messages are bounded; see [Config].
package realtime
