package actions

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// A host is what executions reach outside of their interpreter.
type host struct {
	cfg     *Config
	allowed []hostPattern
	client  *http.Client
}

// A visit is one execution's use of the host. It is safe for concurrent use.
type visit struct {
	*host
	action *Action
	scope  string // of the cache
	seat   *seat  // while it runs
	hide   *strings.Replacer

	mu      sync.Mutex
	calls   int
	console int // bytes
	silent  bool
}

func (h *host) visit(a *Action, trigger Trigger, tenant string) *visit {
	return &visit{host: h, action: a, scope: tenant + "/" + string(trigger), hide: hiding(a.Secrets)}
}

// Do answers the interpreter.
func (v *visit) Do(ctx context.Context, op string, arg json.RawMessage) (json.RawMessage, error) {
	switch op {
	case "console":
		return v.print(ctx, arg)
	case "http":
		return v.http(ctx, arg)
	case "cache.get", "cache.set", "cache.delete":
		return v.cache(ctx, strings.TrimPrefix(op, "cache."), arg)
	default:
		return nil, fmt.Errorf("%q is not known", op)
	}
}

// nothing answers code that is only loaded.
func (v *visit) nothing(ctx context.Context, op string, arg json.RawMessage) (json.RawMessage, error) {
	if op == "console" {
		return v.print(ctx, arg)
	}
	return nil, errors.New("not while the code is checked")
}

func (v *visit) print(ctx context.Context, arg json.RawMessage) (json.RawMessage, error) {
	var line struct{ Level, Text string }
	if err := json.Unmarshal(arg, &line); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, line.Level) {
		return nil, errors.New("unknown level")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	line.Text = v.hide.Replace(line.Text)
	if v.console+len(line.Text) > MaxConsole {
		if v.silent {
			return json.RawMessage("null"), nil
		}
		v.silent = true
		line.Text = line.Text[:max(0, MaxConsole-v.console)] + "… (the rest is left out)"
	}
	v.console += len(line.Text) + 1
	v.cfg.Logger.Log(ctx, slog.LevelInfo, "action console",
		"action", v.action.Name, "level", line.Level, "text", line.Text)
	if v.cfg.Console != nil {
		v.cfg.Console(ctx, ConsoleEntry{Time: v.cfg.Now(), Action: v.action.Name, Level: line.Level, Text: line.Text})
	}
	return json.RawMessage("null"), nil
}

// hidden is the least length of a secret that is taken out of texts. Shorter ones
// are no secrets, and would tear ordinary words apart.
const hidden = 4

// hiding takes the values of secrets out of texts, as they stand, in JSON, and in
// a URL.
func hiding(secrets map[string]string) *strings.Replacer {
	values := map[string]string{}
	for name, value := range secrets {
		if len(value) < hidden {
			continue
		}
		mark := "[secret " + name + "]"
		values[value] = mark
		values[url.QueryEscape(value)] = mark
		values[strings.ReplaceAll(url.QueryEscape(value), "+", "%20")] = mark
		if text, err := json.Marshal(value); err == nil {
			values[string(text[1:len(text)-1])] = mark
		}
	}
	pairs := make([]string, 0, 2*len(values))
	for _, value := range slices.SortedFunc(maps.Keys(values), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) // one may be a part of another
	}) {
		pairs = append(pairs, value, values[value])
	}
	return strings.NewReplacer(pairs...)
}

func (v *visit) cache(ctx context.Context, op string, arg json.RawMessage) (json.RawMessage, error) {
	var in struct {
		Key, Value string
		TTL        float64 `json:"ttl"`
		ExpiresAt  float64 `json:"expires_at"`
	}
	if err := json.Unmarshal(arg, &in); err != nil {
		return nil, errors.New("the options are not numbers")
	}
	switch op {
	case "get":
		value, expires, ok, err := v.cfg.Cache.Get(ctx, v.scope, in.Key)
		if err != nil || !ok {
			return json.RawMessage("null"), err
		}
		return json.Marshal(map[string]any{"value": value, "expires_at": expires.UnixMilli()})
	case "delete":
		if err := v.cfg.Cache.Delete(ctx, v.scope, in.Key); err != nil {
			return nil, err
		}
		return json.RawMessage(`{"type":"success"}`), nil
	}
	if code := cacheRefusal(in.Key, in.Value); code != "" {
		return json.Marshal(map[string]any{"type": "error", "code": code})
	}
	now := v.cfg.Now()
	expires := now.Add(lifetime(now, in.TTL, in.ExpiresAt))
	switch err := v.cfg.Cache.Set(ctx, v.scope, in.Key, in.Value, expires); {
	case errors.Is(err, ErrCacheFull):
		return json.RawMessage(`{"type":"error","code":"CACHE_FULL"}`), nil
	case err != nil:
		return nil, err
	}
	record := map[string]any{"value": in.Value, "expires_at": expires.UnixMilli()}
	return json.Marshal(map[string]any{"type": "success", "record": record})
}

func cacheRefusal(key, value string) (code string) {
	switch {
	case key == "" || len(key) > cacheKey:
		return "CACHE_KEY_TOO_LARGE"
	case len(value) > cacheValue:
		return "CACHE_VALUE_TOO_LARGE"
	default:
		return ""
	}
}

// lifetime is the shorter of what the options say, in milliseconds.
func lifetime(now time.Time, ttl, expiresAt float64) time.Duration {
	longest := float64(cacheLongest / time.Millisecond)
	ms := longest
	if ttl > 0 {
		ms = min(ms, ttl)
	}
	if expiresAt > 0 {
		ms = min(ms, expiresAt-float64(now.UnixMilli()))
	}
	if ttl <= 0 && expiresAt <= 0 {
		return cacheLifetime
	}
	return time.Duration(ms) * time.Millisecond
}
