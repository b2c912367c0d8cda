// Package fake imitates a provider, so that log-in with Google, GitHub and their
// kind can be developed and tested without them.
//
// A [Server] is an OpenID provider and speaks the dialects of GitHub and
// Facebook besides. It asks nobody for a password: its page, which works without
// JavaScript, lists people to choose from. So it runs in development only, on an
// address of this machine, and answers to no other host.
package fake

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/internal/loopback"
	"github.com/gatewright/gate/jose"
)

// ClientID is the client that [Server.Connection] makes.
const ClientID = "imitation"

// A Person can be chosen on the page.
type Person struct {
	// ID is the account; greater than 0.
	ID int64
	// Login is the account's changeable name.
	Login string
	Name  string
	// Email may be empty.
	Email         string
	EmailVerified bool
	// LoggedIn is when the person last proved who they are, whatever an
	// application asks for: zero means whenever they are chosen.
	LoggedIn time.Time
}

// people are who can be chosen when nobody says otherwise: somebody without
// surprises, somebody with an address that is not proven, somebody without one.
func people() []Person {
	return []Person{
		{ID: 1001, Login: "ada", Name: "Ada Lovelace", Email: "ada@example.com", EmailVerified: true},
		{ID: 1002, Login: "grace", Name: "Grace Hopper", Email: "grace@example.com"},
		{ID: 1003, Login: "alan", Name: "Alan Turing"},
	}
}

// Config configures a [Server].
type Config struct {
	// Development has to be true: a program that runs for real has no imitation.
	Development bool
	// Issuer is where the server is: http or https on a loopback address, with
	// or without a path. It is required.
	Issuer string
	// Name is what the page calls the provider; empty means "Fake provider".
	Name string
	// RedirectURIs lists where it sends browsers back to; at least one.
	RedirectURIs []string
	// People can be chosen; nil means three whom the package makes up.
	People []Person
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// A Server imitates a provider. It is an http.Handler for all that is below the
// path of its issuer, keeps everything in memory, and is safe for concurrent
// use.
type Server struct {
	cfg  Config
	host string
	mux  http.Handler
	keys *jose.KeySet

	mu     sync.Mutex
	codes  map[string]grant
	tokens map[string]grant
}

// A grant is what a code or a token is good for.
type grant struct {
	person                                       Person
	client, redirectURI, challenge, nonce, scope string
	until                                        time.Time
}

// The bounds of what is kept.
const (
	codeLife  = time.Minute
	tokenLife = time.Hour
	maxGrants = 10_000
	maxForm   = 64 << 10
)

// New returns a server after checking cfg.
func New(cfg Config) (*Server, error) {
	u, err := url.Parse(cfg.Issuer)
	switch {
	case !cfg.Development:
		return nil, errors.New("imitation of a provider: it is for development only")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, errors.New("imitation of a provider: the issuer is not a URL")
	case !loopback.Host(u.Hostname()):
		return nil, fmt.Errorf("imitation of a provider: %s is not this machine", u.Hostname())
	case len(cfg.RedirectURIs) == 0:
		return nil, errors.New("imitation of a provider: there is no redirect URI")
	}
	cfg.Issuer = strings.TrimSuffix(cfg.Issuer, "/")
	cfg.Name = cmp.Or(cfg.Name, "Fake provider")
	cfg.RedirectURIs = slices.Clone(cfg.RedirectURIs)
	if cfg.People = slices.Clone(cfg.People); cfg.People == nil {
		cfg.People = people()
	}
	for _, p := range cfg.People {
		if p.ID <= 0 {
			return nil, fmt.Errorf("imitation of a provider: %s has no ID", p.Name)
		}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	key, err := jose.GenerateKey("", jose.RS256)
	if err != nil {
		return nil, fmt.Errorf("imitation of a provider: %w", err)
	}
	keys, err := jose.NewKeySet(key)
	if err != nil {
		return nil, fmt.Errorf("imitation of a provider: %w", err)
	}
	s := &Server{cfg: cfg, host: u.Host, keys: keys, codes: make(map[string]grant), tokens: make(map[string]grant)}
	s.mux = http.StripPrefix(strings.TrimSuffix(u.Path, "/"), s.routes())
	return s, nil
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", s.metadata)
	mux.Handle("GET /jwks", s.keys.Handler(time.Minute))
	for _, path := range []string{"/authorize", "/login/oauth/authorize", "/dialog/oauth"} {
		mux.HandleFunc("GET "+path, s.choose)
		mux.HandleFunc("POST "+path, s.chosen)
	}
	mux.HandleFunc("POST /token", s.token(openIDTokens()))
	mux.HandleFunc("POST /oauth/access_token", s.token(plainTokens()))
	mux.HandleFunc("POST /login/oauth/access_token", s.token(githubTokens()))
	mux.HandleFunc("GET /userinfo", s.account(userInfo))
	mux.HandleFunc("GET /user", s.account(githubUser))
	mux.HandleFunc("GET /user/emails", s.account(githubEmails))
	mux.HandleFunc("GET /me", s.account(facebookUser))
	mux.HandleFunc("GET /logout", s.logout)
	return http.NewCrossOriginProtection().Handler(mux)
}

// ServeHTTP implements http.Handler. A request for another host than that of the
// issuer is answered with 421: it is how a page on the internet would get here.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Host != s.host {
		http.Error(w, "this is an imitation of a provider, for this machine only", http.StatusMisdirectedRequest)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// Connection returns the configuration of a connection to the server, in the
// dialect of the strategy. Users get the names that they would get from the
// provider itself, such as "github|1001".
func (s *Server) Connection(name, strategy string) upstream.Config {
	cfg := upstream.Config{
		Name: name, Strategy: strategy, ClientID: ClientID, ClientSecret: "imitation", Imitation: true, Now: s.cfg.Now,
	}
	switch strategy {
	case upstream.GitHub:
		cfg.AuthorizationURL, cfg.TokenURL = s.cfg.Issuer+"/login/oauth/authorize", s.cfg.Issuer+"/login/oauth/access_token"
		cfg.UserInfoURL = s.cfg.Issuer + "/user"
	case upstream.Facebook:
		cfg.AuthorizationURL, cfg.TokenURL = s.cfg.Issuer+"/dialog/oauth", s.cfg.Issuer+"/oauth/access_token"
		cfg.UserInfoURL = s.cfg.Issuer + "/me"
	case upstream.OAuth2:
		cfg.AuthorizationURL, cfg.TokenURL = s.cfg.Issuer+"/authorize", s.cfg.Issuer+"/oauth/access_token"
		cfg.UserInfoURL = s.cfg.Issuer + "/userinfo"
	case upstream.Entra:
		cfg.Issuer, cfg.Tenant, cfg.Tenants = s.cfg.Issuer, "organizations", []string{upstream.AnyTenant}
	default:
		cfg.Issuer = s.cfg.Issuer
	}
	return cfg
}
