package actions

import (
	"context"
	"errors"
	"sync"
	"time"
)

// The bounds of api.cache, for each scope.
const (
	cacheEntries  = 20
	cacheKey      = 64
	cacheValue    = 4 << 10
	cacheSum      = 8 << 10
	cacheLifetime = 15 * time.Minute
	cacheLongest  = 24 * time.Hour
)

// ErrCacheFull is what a [Cache] says to an entry that does not fit.
var ErrCacheFull = errors.New("cache is full")

// A Cache keeps values between executions. A scope is a tenant's trigger; what
// one scope keeps another must not see. It is safe for concurrent use.
type Cache interface {
	// Get returns a value that has not expired, or ok = false.
	Get(ctx context.Context, scope, key string) (value string, expires time.Time, ok bool, err error)
	// Set keeps a value. ErrCacheFull says that the scope has no room.
	Set(ctx context.Context, scope, key, value string, expires time.Time) error
	// Delete forgets a value; one that is not there is no error.
	Delete(ctx context.Context, scope, key string) error
}

type cacheItem struct {
	value   string
	expires time.Time
}

type memoryCache struct {
	now func() time.Time

	mu     sync.Mutex
	scopes map[string]map[string]cacheItem
}

// NewCache returns a Cache in memory with Auth0's bounds: a scope keeps 20
// entries and 8 KiB. now nil means time.Now.
func NewCache(now func() time.Time) Cache {
	if now == nil {
		now = time.Now
	}
	return &memoryCache{now: now, scopes: map[string]map[string]cacheItem{}}
}

func (c *memoryCache) Get(_ context.Context, scope, key string) (string, time.Time, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	item, ok := c.scopes[scope][key]
	if !ok || !c.now().Before(item.expires) {
		return "", time.Time{}, false, nil
	}
	return item.value, item.expires, true, nil
}

func (c *memoryCache) Set(_ context.Context, scope, key, value string, expires time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	items := c.scopes[scope]
	if items == nil {
		items = map[string]cacheItem{}
		c.scopes[scope] = items
	}
	sum, now := len(key)+len(value), c.now()
	for k, item := range items {
		switch {
		case !now.Before(item.expires):
			delete(items, k)
		case k != key:
			sum += len(k) + len(item.value)
		}
	}
	if _, there := items[key]; sum > cacheSum || !there && len(items) >= cacheEntries {
		return ErrCacheFull
	}
	items[key] = cacheItem{value: value, expires: expires}
	return nil
}

func (c *memoryCache) Delete(_ context.Context, scope, key string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.scopes[scope], key)
	return nil
}
