// Package accountpages is the pages on which people look after their accounts where no
// application does it: they log in and out, sign up, change and reset their password,
// and see the devices that are logged in.
//
// Whoever has logged in there has the cookie of POST /api/session, and what judges,
// slows down and notes a log-in is the same code. Accounts are made by the gate that
// POST of the entity goes through, under the same rules, and everything else is done by
// [account.Flows].
//
// The pages need no script. They refuse what another site makes a browser send, run
// under a policy that allows a style sheet and forms that stay here, and are never
// stored. After a log-in they lead to paths of this service and nowhere else.
package accountpages
