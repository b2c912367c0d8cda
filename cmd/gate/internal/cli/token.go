package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gatewright/gate/internal/unverified"
	"github.com/gatewright/gate/jose"
)

type tokenCmd struct {
	Decode tokenDecodeCmd `cmd:"" help:"Print what a token says, without checking it."`
	Verify tokenVerifyCmd `cmd:"" help:"Check a token and print its claims."`
	Sign   tokenSignCmd   `cmd:"" help:"Make a token, for services that check no session."`
}

// Example is of the most used of the three.
func (tokenCmd) Example() string { return "gate token decode < token.txt" }

// keyed are the flags that name a key. No secret is given on the command line,
// where every user of the machine can read it.
type keyed struct {
	Algorithm string `name:"alg" placeholder:"ALG" help:"Algorithm of the key: HS256 (for a secret, if not given), RS256, ES256, EdDSA …"`
	KeyFile   string `name:"key" placeholder:"FILE" help:"Key as PEM or JWK."`
	SecretEnv string `placeholder:"NAME" help:"Environment variable that holds the secret of HS256, HS384, HS512."`
	KID       string `name:"kid" placeholder:"ID" help:"Name of the key, the token's kid."`
}

func (k keyed) key(private bool) (*jose.Key, error) {
	alg := jose.Algorithm(k.Algorithm)
	switch {
	case k.KeyFile != "" && k.SecretEnv != "":
		return nil, failf("give one of them", "--key and --secret-env name two keys")
	case k.SecretEnv != "":
		value, ok := os.LookupEnv(k.SecretEnv)
		if !ok {
			return nil, failf("it is in .env of the service: set -a; . ./.env; set +a", "the environment variable %s is not set", k.SecretEnv)
		}
		return jose.NewHMACKey(k.KID, cmp.Or(alg, jose.HS256), []byte(value))
	case k.KeyFile != "":
		data, err := os.ReadFile(k.KeyFile)
		if err != nil {
			return nil, err
		}
		key, err := parseKey(k.KID, alg, data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.KeyFile, err)
		}
		if private && !key.CanSign() {
			return nil, failf("a private key is needed to sign", "%s holds a public key", k.KeyFile)
		}
		return key, nil
	}
	return nil, failf("--secret-env AUTH_SECRET, or --key FILE", "no key was named")
}

// parseKey reads a key as PEM or as JWK.
func parseKey(kid string, alg jose.Algorithm, data []byte) (*jose.Key, error) {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		if kid != "" {
			return nil, errors.New("a JWK brings its own kid: leave --kid out")
		}
		if alg == "" {
			return jose.ParseJWK(data)
		}
		return jose.ParseJWK(data, alg)
	}
	return jose.ParsePEM(kid, alg, data)
}

type tokenDecodeCmd struct {
	Token string `arg:"" optional:"" help:"The token; read from standard input when it is missing or -."`
}

// Example is what help ends with.
func (tokenDecodeCmd) Example() string { return "gate token decode < token.txt" }

// Run prints header and claims.
func (c *tokenDecodeCmd) Run(out *console) error {
	text, err := tokenFrom(c.Token, out.stdin)
	if err != nil {
		return err
	}
	token, err := unverified.DecodeUnverified(text)
	if err != nil {
		return err
	}
	out.talk.line("  " + out.talk.paint(yellow, "!") + " not verified: anyone can write such a token")
	return printJSON(out.stdout, struct {
		Header json.RawMessage `json:"header"`
		Claims json.RawMessage `json:"claims"`
	}{token.Header, token.Claims})
}

type tokenVerifyCmd struct {
	keyed
	Issuer   string        `required:"" placeholder:"ISS" help:"Issuer that the token must name."`
	Audience []string      `required:"" placeholder:"AUD" help:"Audiences of which the token must name one."`
	Type     []string      `name:"typ" placeholder:"TYP" help:"Types that the token may have, at+jwt if not given."`
	Leeway   time.Duration `default:"30s" help:"How far clocks may be apart, at most a minute."`
	Token    string        `arg:"" optional:"" help:"The token; read from standard input when it is missing or -."`
}

// Example is what help ends with.
func (tokenVerifyCmd) Example() string {
	return "gate token verify --secret-env AUTH_SECRET --issuer restaurant --audience restaurant < token.txt"
}

// Run verifies the token.
func (c *tokenVerifyCmd) Run(out *console) error {
	key, err := c.key(false)
	if err != nil {
		return err
	}
	keys, err := jose.NewKeySet(key)
	if err != nil {
		return err
	}
	leeway := c.Leeway
	if leeway == 0 {
		leeway = -1 // none; zero would be the default
	}
	v, err := jose.NewVerifier(jose.VerifierConfig{Keys: keys, Issuer: c.Issuer, Audience: c.Audience, Type: c.Type, Leeway: leeway})
	if err != nil {
		return err
	}
	text, err := tokenFrom(c.Token, out.stdin)
	if err != nil {
		return err
	}
	claims, err := v.Verify(out, text)
	if err != nil {
		return err
	}
	return printJSON(out.stdout, claims)
}

type tokenSignCmd struct {
	keyed
	Issuer    string            `required:"" placeholder:"ISS" help:"Issuer."`
	Audience  []string          `required:"" placeholder:"AUD" help:"Audiences."`
	Subject   string            `required:"" placeholder:"SUB" help:"Subject."`
	ExpiresIn time.Duration     `default:"15m" help:"Life of the token."`
	Claim     map[string]string `placeholder:"NAME=VALUE" help:"Further claims; a value that is JSON is taken as JSON."`
	Type      string            `name:"typ" default:"at+jwt" help:"Type of the token."`
}

// Example is what help ends with.
func (tokenSignCmd) Example() string {
	return "gate token sign --secret-env AUTH_SECRET --issuer restaurant --audience restaurant --subject 42"
}

// Run signs a token.
func (c *tokenSignCmd) Run(out *console) error {
	key, err := c.key(true)
	if err != nil {
		return err
	}
	if c.ExpiresIn < time.Second || c.ExpiresIn > 24*time.Hour {
		return failf("write it as 15m", "--expires-in %s: not between a second and a day", c.ExpiresIn)
	}
	now := time.Now()
	claims := &jose.Claims{
		Issuer: c.Issuer, Audience: c.Audience, Subject: c.Subject,
		IssuedAt: now, NotBefore: now, Expiry: now.Add(c.ExpiresIn),
	}
	for name, text := range c.Claim {
		var value any = text
		if json.Valid([]byte(text)) {
			value = json.RawMessage(text) // as it stands, to the last digit
		}
		if claims.Extra == nil {
			claims.Extra = map[string]any{}
		}
		claims.Extra[name] = value
	}
	token, err := jose.Sign(key, c.Type, claims)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out.stdout, token)
	return err
}

// tokenFrom is the argument, or the first line of standard input.
func tokenFrom(arg string, stdin io.Reader) (string, error) {
	if arg != "" && arg != "-" {
		return arg, nil
	}
	data, err := io.ReadAll(io.LimitReader(stdin, 64<<10))
	if err != nil {
		return "", err
	}
	token := strings.TrimPrefix(strings.TrimSpace(string(data)), "Bearer ")
	if token == "" {
		return "", errors.New("no token was given")
	}
	return token, nil
}
