// Package auth gives a generated service its authentication: it finds accounts
// in the rows of one entity, signs access tokens, keeps sessions, hashes
// passwords, slows guessing down and creates the first administrator.
//
// Which strategies there are is not decided here. A service names them in
// [Config.Strategies], and gets their parts from [Auth]:
//
//	func strategies(a *auth.Auth) error {
//		users := a.Accounts()
//		throttle := a.Throttle()
//		return errors.Join(
//			a.Register("jwt", jwt.New(a.Service(), a.Accounts(), jwt.Config{})),
//			a.Register("local", local.New(users, a.Passwords(), local.Config{Throttle: throttle})),
//		)
//	}
//
// # When a session ends
//
// A log-out ends its session. A new password ends all sessions of the account
// but the one it was set in. Deleting an account ends all of them. A change of
// roles ends none: roles are read again for every request.
//
// What is known of an account is remembered for at most five seconds. A change
// made through this process is seen by its next request, one made through
// another process within that time.
package auth
