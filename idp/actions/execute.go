package actions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/actions/internal/sandbox"
)

// maxDepth is how deep actions may nest: an action asks for a token, for which
// other actions run.
const maxDepth = 2

type depthKey struct{}

func depth(ctx context.Context) int {
	n, _ := ctx.Value(depthKey{}).(int)
	return n
}

func deeper(ctx context.Context) context.Context {
	return context.WithValue(ctx, depthKey{}, depth(ctx)+1)
}

// function is the name of the export that a trigger calls.
func function(t Trigger) (name string, ok bool) {
	switch t {
	case TriggerPostLogin:
		return "onExecutePostLogin", true
	case TriggerCredentialsExchange:
		return "onExecuteCredentialsExchange", true
	case TriggerPreUserRegistration:
		return "onExecutePreUserRegistration", true
	case TriggerPostUserRegistration:
		return "onExecutePostUserRegistration", true
	case TriggerPostChangePassword:
		return "onExecutePostChangePassword", true
	default:
		return "", false
	}
}

// Compile checks an action before it is deployed: that it is JavaScript, that
// all modules that it names are there, and that it exports the function of the
// trigger, for which it is loaded but not called. The error is an [Error] with
// the place.
func (r *Runner) Compile(ctx context.Context, a Action, t Trigger) error {
	name, ok := function(t)
	if !ok {
		return fmt.Errorf("actions: trigger %q is not supported", t)
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	job := r.job(ctx, &a)
	job.Check, job.Function = true, name
	v := r.host.visit(&a, t, "")
	_, err := r.run(ctx, &a, job, v, v.nothing)
	return err
}

// Modules lists the modules that every action can require.
func Modules() []string { return sandbox.ModuleNames() }

// A task is one function of one action on one event.
type task struct {
	action   *Action
	trigger  Trigger
	function string
	optional bool
	tenant   string
	event    map[string]any // without secrets
	flow     map[string]any
}

// execute runs t. ctx has the time of the trigger.
func (r *Runner) execute(ctx context.Context, t *task) ([]sandbox.Record, error) {
	event := maps.Clone(t.event)
	secrets := t.action.Secrets
	if secrets == nil {
		secrets = map[string]string{}
	}
	event["secrets"] = secrets
	job := r.job(ctx, t.action)
	job.Function, job.Optional, job.API = t.function, t.optional, string(t.trigger)
	var err error
	if job.Event, err = json.Marshal(event); err != nil {
		return nil, fmt.Errorf("actions: event: %w", err)
	}
	if job.Flow, err = json.Marshal(t.flow); err != nil {
		return nil, fmt.Errorf("actions: flow: %w", err)
	}
	v := r.host.visit(t.action, t.trigger, t.tenant)
	return r.run(ctx, t.action, job, v, v.Do)
}

func (r *Runner) job(ctx context.Context, a *Action) *sandbox.Job {
	wall := r.cfg.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		wall = min(wall, time.Until(deadline))
	}
	return &sandbox.Job{
		Code: a.Code, Modules: a.Modules, Now: r.cfg.Now(),
		Wall: max(wall, 0), CPU: r.cfg.CPU, MaxStack: r.cfg.MaxStack, MaxResult: MaxResult,
	}
}

// run executes job when there is room for it.
func (r *Runner) run(ctx context.Context, a *Action, job *sandbox.Job, v *visit, do sandbox.Host) ([]sandbox.Record, error) {
	if err := bounded(a); err != nil {
		return nil, err
	}
	place, err := r.enter(ctx, a)
	if err != nil {
		return nil, err
	}
	v.seat = place
	whole := job.Wall
	if deadline, ok := ctx.Deadline(); ok {
		job.Wall = min(job.Wall, max(time.Until(deadline), 0)) // some of it went by
	}
	o, err := r.exec.Run(ctx, job, do, place.leave)
	if err != nil {
		kind := kindOf(err)
		message := strings.TrimPrefix(strings.TrimPrefix(err.Error(), kind.Error()), ": ")
		return nil, &Error{Action: a.Name, Kind: kind, Message: v.hide.Replace(message)}
	}
	if o.Failure != nil && o.Failure.Kind == sandbox.Timeout && (place.starved() || job.Wall < whole-whole/10) {
		// It was not the one who was slow, or not alone.
		return nil, &Error{Action: a.Name, Kind: ErrBusy, Message: "and then its own time was used up"}
	}
	if o.Failure != nil {
		return nil, failure(a, o.Failure, v)
	}
	return o.Records, nil
}

func bounded(a *Action) error {
	size := len(a.Code)
	if size > MaxCode {
		return &Error{Action: a.Name, Kind: ErrLimit, Message: fmt.Sprintf("its code is longer than %d bytes", MaxCode)}
	}
	for _, code := range a.Modules {
		size += len(code)
	}
	if size > MaxModules {
		return &Error{Action: a.Name, Kind: ErrLimit, Message: fmt.Sprintf("its modules are longer than %d bytes", MaxModules)}
	}
	return nil
}

// enter waits for room. What an action sets off has room of its own, which nothing
// that waits for it takes: at the end of each chain somebody does not wait.
func (r *Runner) enter(ctx context.Context, a *Action) (*seat, error) {
	select {
	case <-r.done:
		return nil, &Error{Action: a.Name, Kind: ErrClosed}
	default:
	}
	n := depth(ctx)
	if n > maxDepth {
		return nil, &Error{Action: a.Name, Kind: ErrLimit, Message: "actions set each other off"}
	}
	s := &seat{room: r.rooms[n]}
	if err := r.sit(ctx, a, s.room.open); err != nil {
		return nil, err
	}
	if err := r.sit(ctx, a, s.room.slots); err != nil {
		<-s.room.open
		return nil, err
	}
	s.holds = true
	return s, nil
}

func (r *Runner) sit(ctx context.Context, a *Action, places chan<- struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &Error{Action: a.Name, Kind: ErrBusy}
	case <-r.done:
		return &Error{Action: a.Name, Kind: ErrClosed}
	}
}

func kindOf(err error) error {
	if errors.Is(err, ErrClosed) {
		return ErrClosed
	}
	return ErrWorker
}

func failure(a *Action, f *sandbox.Failure, v *visit) error {
	kinds := map[string]error{
		sandbox.Syntax: ErrSyntax, sandbox.Module: ErrModule, sandbox.Export: ErrExport, sandbox.Thrown: ErrThrown,
		sandbox.Unsettled: ErrUnsettled, sandbox.Timeout: ErrTimeout, sandbox.Memory: ErrMemory, sandbox.Limit: ErrLimit,
	}
	kind, ok := kinds[f.Kind]
	if !ok {
		kind = ErrWorker
	}
	return &Error{Action: a.Name, Line: f.Line, Column: f.Column, Message: v.hide.Replace(f.Message), Kind: kind}
}
