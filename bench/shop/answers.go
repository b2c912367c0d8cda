package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/bench/internal/load"
)

// compareAnswers sees that all who have the same rows answer GraphQL alike, so that
// all are measured at the same work: whatever goes wrong in it is answered with 200.
func compareAnswers(all []*contender) error {
	for _, what := range measured {
		var want any
		for i, c := range all {
			requests := c.asks[what]
			if !strings.HasPrefix(what, "graphql ") || !c.same || requests == nil {
				continue
			}
			got, err := answers(c.Addr, requests[:min(len(requests), 5)], what == "graphql create")
			if err != nil {
				return fmt.Errorf("%s: %s: %w", what, c.name, err)
			}
			if i == 0 {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				return fmt.Errorf("%s: %s answers (-), %s answers (+):\n%s", what, all[0].name, c.name, diff)
			}
		}
	}
	return nil
}

// answers are what the data of the answers say. What is made has an id and times of
// its own, which are left out.
func answers(addr string, requests []load.Request, made bool) (list []any, err error) {
	for _, r := range requests {
		body, err := load.Once(addr, r)
		if err != nil {
			return nil, err
		}
		var answer struct {
			Data   map[string]any
			Errors []struct{ Message string }
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return nil, err
		}
		if len(answer.Errors) > 0 {
			return nil, errors.New(answer.Errors[0].Message)
		}
		if len(answer.Data) == 0 {
			return nil, fmt.Errorf("it finds nothing: %s", body)
		}
		for _, v := range answer.Data {
			v = plain(v, true)
			if row, ok := v.(map[string]any); ok && made {
				for _, own := range []string{"id", "createdAt", "updatedAt"} {
					if s, ok := row[own].(string); !ok || s == "" {
						return nil, fmt.Errorf("what was made has no %s: %s", own, body)
					}
					delete(row, own)
				}
			}
			if rows, isList := v.([]any); v == nil || isList && len(rows) == 0 {
				return nil, fmt.Errorf("it finds nothing: %s", body)
			}
			list = append(list, v)
		}
	}
	return list, nil
}

// plain writes a value in one way: connections are lists, times are of UTC, and lists
// within, which nobody asked to be sorted, are sorted.
func plain(v any, root bool) any {
	switch v := v.(type) {
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return t.UTC().Format(time.RFC3339Nano)
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i], false)
		}
		if !root {
			slices.SortFunc(v, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	case map[string]any:
		if edges, ok := v["edges"].([]any); ok {
			for i := range edges {
				if edge, ok := edges[i].(map[string]any); ok {
					edges[i] = edge["node"]
				}
			}
			return plain(edges, root)
		}
		for name := range v {
			v[name] = plain(v[name], false)
		}
	}
	return v
}
