// Package mail writes letters to people: one recipient, plain words, and
// nothing of what a stranger typed that could become a header or a link.
//
// A [Sender] sends a [Message]: [Console] and [Folder] in development, package
// mail/smtp else. A [Queue] stands before either and sends in the background,
// with retries, so that the time of an answer does not tell whether somebody
// got a letter.
//
// # What a letter may hold
//
// [Message.Validate] lets one address through as recipient, and no control
// character or comma into any header field. Text of others that has to appear
// in a letter, such as a name, goes through [Inert] first: mail readers make
// links of whatever looks like one.
//
// # Addresses
//
// [Canonical] is the one spelling of an address that log-in, reset, throttles
// and look-ups share. A letter always goes to the address that was stored, never
// to the one that was typed.
package mail
