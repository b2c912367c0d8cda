// Package account is what a person does with an account of their own: set a
// forgotten password anew, change it, confirm and change the e-mail address,
// look at the devices that are logged in and end them, keep API keys.
//
// [Flows] does it, with plain methods and, in [Flows.Handler], over HTTP: JSON
// endpoints for an application and small pages for the links in letters. It
// rests on what its [Config] is given; nothing here knows a database.
//
// # What nobody learns
//
// Asking for a link is answered alike whether or not there is an account, and
// in the same time: looking up, making the link and sending it happen in the
// queue behind [Mailer], after the answer. A link that was used, is too old, was
// replaced or never existed is refused with one sentence.
//
// # Links
//
// A link shows a page that says who and what; only the button on it does
// anything, because mail scanners open links. Links lead to [Config.PublicURL]
// and never to what a request calls this host. A token in one is good for one
// purpose, one account and one address, and for one use. Every change of the
// password or the address voids those on their way, but for the one that undoes
// a change of address: it is how an owner comes back.
//
// # Signed in
//
// Every other flow takes the [gate.Principal] of the request. One that is limited
// to scopes, as an API key is, may do none of this. What cannot be taken back
// asks for the current password or a login of at most five minutes ago.
package account
