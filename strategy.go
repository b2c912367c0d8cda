package gate

import (
	"context"
	"net/http"
)

// A Strategy authenticates one kind of credentials. Its methods are called
// from many goroutines at once.
//
// Further abilities are further small interfaces: [Parser], [Challenger],
// [Validator], [TokenCarrier], [Renewer],
// [Anonymous], [Ambient]. They are found once, at [Service.Register].
type Strategy interface {
	// Authenticate judges c. The principal it returns belongs to the caller,
	// who completes it, so it must be a fresh one. An error that is one of
	// the codes of this package is a refusal; any other error means that it
	// could not decide.
	Authenticate(ctx context.Context, c Credentials) (*Principal, error)
}

// A Parser finds its credentials on a request.
type Parser interface {
	// Parse reports whether r carries credentials of this kind, and returns
	// them. It judges their form only: malformed ones are an [ErrBadRequest].
	// It neither reads the body nor panics on anything a client may send.
	Parse(r *http.Request) (Credentials, bool, error)
}

// A Challenger asks for its credentials in a WWW-Authenticate header (RFC 9110
// §11.6.1).
type Challenger interface {
	// Challenge returns one challenge. The refusal is nil when no credentials
	// of this kind were presented, else why they were refused.
	Challenge(refusal error) string
}

// A Validator checks its own configuration. [Service.Register] returns its
// error.
type Validator interface {
	Validate() error
}

// A TokenCarrier is a strategy whose credentials are an access token of the
// service. Logging in with one answers with that same token: presenting a
// token never makes a second one, nor a second session.
type TokenCarrier interface {
	// AccessToken returns the token in c, "" when there is none.
	AccessToken(c Credentials) string
	// FromToken returns the credentials that carry token, for routes that take
	// one from elsewhere than the Authorization header; see [Guard.FromQuery].
	FromToken(token string) Credentials
}

// A Renewer is a strategy whose credentials are used up when they are
// presented, and replaced by others: a refresh token. They log in, see
// [Service.Create], and are good for nothing else.
type Renewer interface {
	// Renew judges c, uses it up, and returns the account with the session
	// that goes on, and what replaces c. Errors are as for
	// [Strategy.Authenticate]; [ErrReused] says that c had been used before.
	Renew(ctx context.Context, c Credentials) (*Renewal, error)
}

// A Renewal is what a [Renewer] answers.
type Renewal struct {
	// Principal has its SessionID and AuthenticatedAt set.
	Principal *Principal
	// Refresh replaces the credentials that were presented.
	Refresh RefreshToken
}

// Anonymous is a strategy for those who present nothing. Its principals have no
// subject and cannot log in.
type Anonymous interface {
	// Anonymous reports whether principals have no subject.
	Anonymous() bool
}

// Ambient is a strategy for credentials that a browser sends by itself, such as
// a cookie. When they no longer count, nobody meant to present them: an
// optional guard takes the request for that of a stranger.
type Ambient interface {
	// Forget adds to the headers of an answer what makes the browser stop.
	Forget(h http.Header)
}

// registration is a strategy with its abilities, nil where it has not got one.
type registration struct {
	name       string
	strategy   Strategy
	parser     Parser
	challenger Challenger
	carrier    TokenCarrier
	renewer    Renewer
	ambient    Ambient
	anonymous  bool
}

func newRegistration(name string, st Strategy) *registration {
	reg := &registration{name: name, strategy: st}
	reg.parser, _ = st.(Parser)
	reg.challenger, _ = st.(Challenger)
	reg.carrier, _ = st.(TokenCarrier)
	reg.renewer, _ = st.(Renewer)
	reg.ambient, _ = st.(Ambient)
	if a, ok := st.(Anonymous); ok {
		reg.anonymous = a.Anonymous()
	}
	return reg
}

// ranks is how many ranks there are.
const ranks = 3

// rank says how much it was meant that credentials of this kind came: 0 by the
// sender, 1 by a browser, 2 by nobody.
func (reg *registration) rank() int {
	switch {
	case reg.anonymous:
		return 2
	case reg.ambient != nil:
		return 1
	default:
		return 0
	}
}
