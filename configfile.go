package gate

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/jose"
)

// maxConfigFile bounds a configuration file and the keys that it names.
const maxConfigFile = 256 << 10

// ReadConfig reads the configuration of a service from a JSON file with the
// names that Feathers uses, alone or under "authentication":
//
//	{
//	  "entity": "user",
//	  "authStrategies": ["jwt", "local"],
//	  "parseStrategies": ["jwt"],
//	  "secretEnv": "AUTH_SECRET",
//	  "jwtOptions": {
//	    "algorithm": "HS256",
//	    "issuer": "https://api.example.com",
//	    "audience": "https://example.com",
//	    "expiresIn": "15m"
//	  }
//	}
//
// An entity of null is [EntityNone]. The key to sign with comes from the
// environment variable secretEnv, for HMAC, or from keyFile, a PEM file next to
// the configuration; a secret in the file itself is refused. Keys has that one
// key; whoever rotates keys sets Keys afterwards and leaves both out. Times are
// as [time.ParseDuration] has them, or whole days as "1d", or a number of
// seconds. Members that are not known are refused, so that a misspelt one is
// not silently without effect.
func ReadConfig(path string) (Config, error) {
	src, err := readLimited(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	c, err := parseConfig(src, filepath.Dir(path))
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxConfigFile+1))
	if err == nil && len(src) > maxConfigFile {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxConfigFile)
	}
	return src, err
}

// configFile is a configuration on the way from a file.
type configFile struct {
	dir       string
	cfg       Config
	algorithm jose.Algorithm
	secret    string // name of the variable
	keyFile   string
	errs      []error
}

func parseConfig(src []byte, dir string) (Config, error) {
	v, err := strictjson.Decode(src, strictjson.MaxDepth)
	if err != nil {
		return Config{}, err
	}
	members, ok := v.(map[string]any)
	if !ok {
		return Config{}, errors.New("the configuration must be a JSON object")
	}
	if inner, ok := members["authentication"].(map[string]any); ok && len(members) == 1 {
		members = inner
	}
	f := &configFile{dir: dir, algorithm: jose.HS256}
	f.object("", members, map[string]func(string, any){
		"entity":          f.entity,
		"authStrategies":  func(at string, v any) { f.cfg.AuthStrategies = f.names(at, v) },
		"parseStrategies": func(at string, v any) { f.cfg.ParseStrategies = f.names(at, v) },
		"jwtOptions":      f.jwtOptions,
		"secretEnv":       func(at string, v any) { f.secret = f.text(at, v) },
		"keyFile":         func(at string, v any) { f.keyFile = f.text(at, v) },
		"secret": func(at string, _ any) {
			f.refuse(at, "a secret does not belong into a configuration file: name an environment variable in secretEnv")
		},
	})
	f.keys()
	return f.cfg, errors.Join(f.errs...)
}

func (f *configFile) refuse(at, format string, args ...any) {
	f.errs = append(f.errs, fmt.Errorf("%s: %w", at, fmt.Errorf(format, args...)))
}

// object hands each member to its function, in the order of their names.
func (f *configFile) object(at string, members map[string]any, known map[string]func(string, any)) {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		place := strings.TrimPrefix(at+"."+name, ".")
		if set, ok := known[name]; ok {
			set(place, members[name])
			continue
		}
		f.refuse(place, "not known; there are %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
}

func (f *configFile) entity(at string, v any) {
	if v == nil {
		f.cfg.Entity = EntityNone
		return
	}
	f.cfg.Entity = f.text(at, v)
}

func (f *configFile) jwtOptions(at string, v any) {
	members, ok := v.(map[string]any)
	if !ok {
		f.refuse(at, "must be an object")
		return
	}
	f.object(at, members, map[string]func(string, any){
		"algorithm": func(at string, v any) { f.algorithm = jose.Algorithm(f.text(at, v)) },
		"issuer":    func(at string, v any) { f.cfg.Issuer = f.text(at, v) },
		"audience": func(at string, v any) {
			if one, ok := v.(string); ok {
				v = []any{one}
			}
			f.cfg.Audience = f.names(at, v)
		},
		"expiresIn": func(at string, v any) { f.cfg.ExpiresIn = f.duration(at, v) },
		"header": func(at string, _ any) {
			f.refuse(at, "the header of tokens is not for configuration: its typ is %s", jose.AccessTokenType)
		},
	})
}

func (f *configFile) text(at string, v any) string {
	s, ok := v.(string)
	if !ok || s == "" {
		f.refuse(at, "must be a string that is not empty")
	}
	return s
}

func (f *configFile) names(at string, v any) []string {
	list, ok := v.([]any)
	if !ok {
		f.refuse(at, "must be a list of strings")
		return nil
	}
	names := make([]string, 0, len(list))
	for i, v := range list {
		names = append(names, f.text(fmt.Sprintf("%s[%d]", at, i), v))
	}
	return names
}

func (f *configFile) duration(at string, v any) time.Duration {
	text := fmt.Sprint(v)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n < 36500 {
			return time.Duration(n) * 24 * time.Hour
		}
	}
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n < 36500*86400 {
		return time.Duration(n) * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		f.refuse(at, "%q is not a time like 15m, 1d, or a number of seconds", text)
	}
	return d
}

// keys reads the key to sign with.
func (f *configFile) keys() {
	var (
		key *jose.Key
		err error
	)
	switch {
	case f.secret != "" && f.keyFile != "":
		f.refuse("keyFile", "there is secretEnv too: there is one key to sign with")
		return
	case f.secret != "":
		text := os.Getenv(f.secret)
		if text == "" {
			f.refuse("secretEnv", "the environment variable %s is not set", f.secret)
			return
		}
		key, err = jose.NewHMACKey("", f.algorithm, []byte(text))
		if err != nil {
			f.refuse("secretEnv", "%s: %w", f.secret, err)
			return
		}
	case f.keyFile != "":
		path := f.keyFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(f.dir, path)
		}
		var src []byte
		if src, err = readLimited(path); err == nil {
			key, err = jose.ParsePEM("", f.algorithm, src)
		}
		if err == nil { // named, so that it can be rotated (RFC 7638)
			key, err = jose.ParsePEM(key.Thumbprint(), f.algorithm, src)
		}
		if err != nil {
			f.refuse("keyFile", "%w", err)
			return
		}
	default:
		return
	}
	if f.cfg.Keys, err = jose.NewKeySet(key); err != nil {
		f.refuse("keys", "%w", err)
	}
}
