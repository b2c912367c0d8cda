package throttle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatewright/gate/internal/seal"
)

// By says what a [Limit] counts by. The zero value is the key.
type By uint8

// What is counted by.
const (
	ByKey     By = iota // the key that [Limiter.Allow] is given
	ByNetwork           // the network of the client in the context
)

// A Limit lets through N in any time of the length Per.
type Limit struct {
	N   int
	Per time.Duration
	By  By
}

// MailLimits returns the limits for letters: 5 an hour to one address, 20 an
// hour on behalf of one network.
func MailLimits() []Limit {
	return []Limit{{N: 5, Per: time.Hour}, {N: 20, Per: time.Hour, By: ByNetwork}}
}

const (
	maxLimits  = 8
	maxLimitN  = 1000
	maxPer     = 30 * 24 * time.Hour
	firstLimit = 'l'
)

// A Limiter bounds how often something happens. It is safe for concurrent use;
// [NewLimiter] makes one.
type Limiter struct {
	keeper keeper
	names  names
	name   string
	limits []Limit
	now    func() time.Time
}

// NewLimiter returns a limiter whose counters are named after what it limits,
// for instance "mail": two of one name on one database share them. At least one
// limit is required; N is at most 1000 and Per at most 30 days.
func NewLimiter(cfg Config, name string, limits ...Limit) (*Limiter, error) {
	cfg, err := cfg.complete()
	switch {
	case err != nil:
		return nil, err
	case name == "":
		return nil, errors.New("limiter: without a name")
	case len(limits) == 0 || len(limits) > maxLimits:
		return nil, fmt.Errorf("limiter %s: %d limits, want 1 to %d", name, len(limits), maxLimits)
	}
	for _, l := range limits {
		if l.N <= 0 || l.N > maxLimitN || l.Per < time.Millisecond || l.Per > maxPer || l.By > ByNetwork {
			return nil, fmt.Errorf("limiter %s: limit of %d in %v is none", name, l.N, l.Per)
		}
	}
	l := &Limiter{keeper: newKeeper(cfg), name: name, limits: append([]Limit(nil), limits...), now: cfg.Now}
	if l.names, err = seal.Key(cfg.Secret, "gate throttle limit"); err != nil {
		return nil, err
	}
	return l, nil
}

// Allow counts one for key and for the network of the client in ctx, or returns
// how long to wait: then nothing was counted. The key is what all spellings of
// one thing share, such as an address in lower case. An error means that the
// database did not answer.
func (l *Limiter) Allow(ctx context.Context, key string) (retryAfter time.Duration, err error) {
	counters := make([]counter, len(l.limits))
	for i, limit := range l.limits {
		value := key
		if limit.By == ByNetwork {
			value = networkFromContext(ctx)
		}
		counters[i] = counter{
			key:  l.names.key(firstLimit+byte(i), l.name, value),
			rule: rule{limit: limit.N, window: limit.Per},
		}
	}
	retryAfter, err = l.keeper.count(ctx, l.now().UnixMilli(), counters)
	if err != nil {
		return 0, fmt.Errorf("limit %s: %w", l.name, err)
	}
	return retryAfter, nil
}
