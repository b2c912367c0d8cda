// Package socketio is the real-time door for the clients of Feathers: it speaks
// the Feathers protocol on Socket.io (protocol 5, Engine.io 4), over polling and
// WebSocket, so that @feathersjs/socketio-client and
// @feathersjs/authentication-client work unchanged.
//
//	emit(method, path, ...args, query, (error, result) => …)
//
// Methods are find, get, create, update, patch and remove, on the entities and
// on "authentication", where create logs in and remove logs out. They are
// answered by [realtime.Conn.Call], which is to say like REST. A connection that
// has logged in is told of every row that it may get; one that has logged out,
// of none. When its credentials expire or are revoked the socket is
// disconnected by the server, on which a client of Socket.io does not come back
// by itself.
//
// It is a module of its own, because of what Socket.io brings along.
package socketio
