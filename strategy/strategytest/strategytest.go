// Package strategytest checks that a strategy keeps the rules of package gate:
// yes, no and could not decide are told apart, hostile credentials and requests
// reach nothing and break nothing, refusals give nothing away, challenges are
// well formed. A strategy needs one test:
//
//	strategytest.Run(t, strategytest.Suite{ … })
//
// Run it with the race detector: strategies are called from many goroutines.
package strategytest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/gatewright/gate"
)

// A Suite says how to make a strategy and what to send to it.
type Suite struct {
	// New returns a new strategy on a backend that works, and a function after
	// which each look-up in that backend fails with the error given, until it
	// is called with nil. A strategy without a backend has no such function.
	New func() (st gate.Strategy, fail func(error))
	// Subject is whose the good credentials are; empty for a strategy that is
	// [gate.Anonymous].
	Subject string
	// Good are credentials that the strategy accepts as often as they come.
	// One is the least.
	Good []Case
	// Bad are credentials that it refuses, for as many reasons as there are:
	// wrong, unknown, disabled. They are answered alike unless they say
	// otherwise. One is the least, but for a strategy that is
	// [gate.Anonymous].
	Bad []Case
}

// A Case is what somebody presents: fields in the body of a login, or a request
// that carries something. Its values should be peculiar, because they are
// searched for in what the strategy says and logs.
type Case struct {
	// Name tells it from the others in reports.
	Name string
	// Fields are posted to the login.
	Fields map[string]any
	// Request carries the credentials; it takes the place of Fields, and needs
	// a strategy that is a [gate.Parser]. Each call returns a new one.
	Request func() *http.Request
	// Code is how a bad case is refused; empty means 401. A case with a code
	// may be answered in words of its own.
	Code gate.Code
	// Distinct lets a bad case be answered in another way than the others,
	// because telling it from them tells nothing.
	Distinct bool
}

// Run runs the suite in subtests. It captures what goes to [slog.Default]
// meanwhile, and so is not for parallel tests.
func Run(t *testing.T, s Suite) {
	t.Helper()
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			for _, err := range s.perform(t.Context(), c) {
				t.Error(err)
			}
		})
	}
}

// Check runs the suite outside of a test, and returns all that is wrong.
func Check(ctx context.Context, s Suite) error {
	var errs []error
	for _, c := range checks() {
		for _, err := range s.perform(ctx, c) {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

// A check is one part of the suite.
type check struct {
	name string
	run  func(context.Context, *report)
}

func checks() []check {
	return []check{
		{"suite", checkSuite},
		{"yes", checkYes},
		{"no", checkNo},
		{"wrong types", checkTypes},
		{"hostile text", checkTexts},
		{"could not decide", checkFaults},
		{"many at once", checkConcurrency},
		{"renewal", checkRenewal},
		{"token", checkToken},
		{"parse", checkParse},
		{"hostile requests", checkRequests},
		{"guard", checkGuard},
		{"challenge", checkChallenges},
	}
}

// perform makes one check and returns what is wrong. After a suite that is
// incomplete nothing else is worth checking.
func (s Suite) perform(ctx context.Context, c check) []error {
	r := &report{suite: s}
	if checkSuite(ctx, r); len(r.errs) > 0 {
		if c.name != "suite" {
			return nil
		}
		return r.errs
	}
	logs, restore := capture()
	defer restore()
	func() {
		defer func() {
			if v := recover(); v != nil {
				r.errorf("the strategy panicked: %v", v)
			}
		}()
		c.run(ctx, r)
	}()
	r.searchLogs(logs())
	return r.errs
}

func checkSuite(_ context.Context, r *report) {
	s := r.suite
	if s.New == nil {
		r.errorf("the suite has no New")
		return
	}
	st, _ := s.New()
	if st == nil {
		r.errorf("New returns no strategy")
		return
	}
	_, parses := st.(gate.Parser)
	anonymous := isAnonymous(st)
	if len(s.Good) == 0 || len(s.Bad) == 0 && !anonymous || s.Subject == "" && !anonymous {
		r.errorf("the suite needs good credentials, bad ones, and a subject")
	}
	requests := false
	for _, c := range slices.Concat(s.Good, s.Bad) {
		requests = requests || c.Request != nil
		if c.Request != nil && !parses {
			r.errorf("%s is a request, but the strategy is no gate.Parser", c.Name)
		}
	}
	if parses && !requests {
		r.errorf("the strategy is a gate.Parser, but no case is a request")
	}
	svc, err := gate.New(gate.Config{})
	if err == nil {
		err = svc.Register(strategyName, st)
	}
	if err != nil {
		r.errorf("the strategy refuses its configuration: %v", err)
	}
}

func isAnonymous(st gate.Strategy) bool {
	a, ok := st.(gate.Anonymous)
	return ok && a.Anonymous()
}
