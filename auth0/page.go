package auth0

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strconv"
)

const (
	perPage  = 100
	maxPages = 1000
)

// list reads all pages of a list that says how long it is when asked to.
func list[T any](ctx context.Context, t *Tenant, path, key string, query url.Values, id func(*T) string) ([]T, error) {
	query = maps.Clone(query)
	if query == nil {
		query = url.Values{}
	}
	query.Set("include_totals", "true")
	return pages(ctx, t, path, key, query, id)
}

// pages reads all pages of a list: an object with the list under key and perhaps
// a total, or the bare list. One that does not end where it says is an error, for
// what is missed would be made a second time.
func pages[T any](ctx context.Context, t *Tenant, path, key string, query url.Values, id func(*T) string) ([]T, error) {
	query.Set("per_page", strconv.Itoa(perPage))
	var all []T
	seen := make(map[string]bool)
	for page := range maxPages {
		query.Set("page", strconv.Itoa(page))
		items, total, err := readPage[T](ctx, t, path, key, query)
		if err != nil {
			return nil, err
		}
		news := 0
		for i := range items {
			if k := id(&items[i]); !seen[k] {
				seen[k] = true
				all = append(all, items[i])
				news++
			}
		}
		switch {
		case total >= 0 && len(all) >= total, total < 0 && len(items) < perPage:
			return all, nil
		case news == 0:
			return nil, fmt.Errorf("GET %s: the list ends after %d of %d", path, len(all), total)
		}
	}
	return nil, fmt.Errorf("GET %s: more than %d pages", path, maxPages)
}

// readPage returns one page, and the total or -1 when the answer does not say.
func readPage[T any](ctx context.Context, t *Tenant, path, key string, query url.Values) ([]T, int, error) {
	var raw json.RawMessage
	if err := t.get(ctx, path, query, &raw); err != nil {
		return nil, 0, err
	}
	var items []T
	total := -1
	list := raw
	if !bytes.HasPrefix(raw, []byte("[")) {
		var wrapped map[string]json.RawMessage
		if err := json.Unmarshal(raw, &wrapped); err != nil || wrapped[key] == nil {
			return nil, 0, fmt.Errorf("GET %s: the answer has no list %q", path, key)
		}
		list = wrapped[key]
		if n, err := strconv.Atoi(string(wrapped["total"])); err == nil {
			total = n
		}
	}
	if err := json.Unmarshal(list, &items); err != nil {
		return nil, 0, fmt.Errorf("GET %s: %q: %w", path, key, shape(err))
	}
	return items, total, nil
}

// checkpoints reads all pages of a list that is read from mark to mark.
func checkpoints[T any](ctx context.Context, t *Tenant, path, key string) ([]T, error) {
	query := url.Values{"take": {strconv.Itoa(perPage)}}
	var all []T
	for range maxPages {
		var answer map[string]json.RawMessage
		if err := t.get(ctx, path, query, &answer); err != nil {
			return nil, err
		}
		var items []T
		var next string
		if err := json.Unmarshal(answer[key], &items); err != nil {
			return nil, fmt.Errorf("GET %s: the answer has no list %q", path, key)
		}
		all = append(all, items...)
		if raw := answer["next"]; raw != nil {
			if err := json.Unmarshal(raw, &next); err != nil {
				return nil, fmt.Errorf("GET %s: next: %w", path, shape(err))
			}
		}
		if next == "" {
			return all, nil
		}
		query.Set("from", next)
	}
	return nil, fmt.Errorf("GET %s: more than %d pages", path, maxPages)
}
