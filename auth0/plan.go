package auth0

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// A Kind says what a change does.
type Kind string

// The kinds of changes.
const (
	Create Kind = "create"
	Update Kind = "update"
	Delete Kind = "delete"
	Bind   Kind = "bind"   // connects two objects
	Unbind Kind = "unbind" // disconnects them
)

// A Plan says how a tenant differs from what is desired of it. The zero value
// and what is not made by [Tenant.Plan] or [Tenant.PlanDestroy] changes nothing.
type Plan struct {
	// Changes are in the order in which they are made. They are for reading:
	// what is done is what was planned, not what they say now.
	Changes []Change
	// Warnings are what somebody should look at and no change mends.
	Warnings []string

	base  string
	begin func(*Tenant) *run // a closure: what is desired has secrets, which fmt would show
	steps []step
	found []*Change // for each step
}

// A Change is one difference.
type Change struct {
	Kind   Kind
	Object string // client, api, role, action, …
	Name   string // an API's identifier
	Fields []FieldChange
	Reason string // what for; empty when it is plain
}

// A FieldChange is a setting that changes, or one entry of a list: then Before
// is empty when it is added and After when it is taken away. Secrets and code
// are not in it.
type FieldChange struct {
	Path   string
	Before string
	After  string
}

// planWidth is how long a line of a plan becomes by what could stand in the next.
const planWidth = 80

// Empty reports whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Changes) == 0 }

// String returns the plan for people to read: a line for each change, one for
// each field below it, warnings and a summary. It holds no secret; texts of the
// tenant are quoted, and what cannot be seen in them is escaped.
func (p *Plan) String() string {
	var b strings.Builder
	for i := range p.Changes {
		p.Changes[i].write(&b)
	}
	for _, w := range p.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	b.WriteString(p.summary())
	return inert(b.String())
}

func (p *Plan) summary() string {
	if p.Empty() {
		return "no changes\n"
	}
	var parts []string
	for _, k := range []Kind{Create, Update, Bind, Unbind, Delete} {
		n := 0
		for i := range p.Changes {
			if p.Changes[i].Kind == k {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n, k))
		}
	}
	return strings.Join(parts, ", ") + "\n"
}

func (c *Change) write(b *strings.Builder) {
	fmt.Fprintf(b, "%s %s %q", c.Kind, c.Object, c.Name)
	if c.Reason != "" {
		fmt.Fprintf(b, " (%s)", c.Reason)
	}
	b.WriteByte('\n')
	var lead, line string // of the list that is being written: its entries share lines
	flush := func() {
		if line != "" {
			b.WriteString(line + "\n")
		}
		lead, line = "", ""
	}
	for _, f := range c.Fields {
		sign, value := "+", f.After
		switch {
		case f.After == "":
			sign, value = "-", f.Before
		case f.Before != "" && c.Kind != Create: // what is made had nothing before
			flush()
			fmt.Fprintf(b, "    %s: %q -> %q\n", f.Path, f.Before, f.After)
			continue
		}
		text := strconv.Quote(value)
		switch next := "    " + f.Path + ": " + sign + " "; {
		case next != lead:
			flush()
			lead, line = next, next+text
		case len(line)+len(", ")+len(text) < planWidth:
			line += ", " + text
		default:
			b.WriteString(line + ",\n")
			line = strings.Repeat(" ", len(lead)) + text
		}
	}
	flush()
}

func (c *Change) equal(o *Change) bool {
	return c.Kind == o.Kind && c.Object == o.Object && c.Name == o.Name && slices.Equal(c.Fields, o.Fields)
}

// A step looks at one object of the tenant. It is made of what is desired only
// and reads the tenant each time anew.
type step func(ctx context.Context, r *run) (*finding, error)

// A finding is what has to change, and how. Nil means nothing.
type finding struct {
	change Change
	write  func(ctx context.Context) error
}

// A run is what one pass over the steps has learnt.
type run struct {
	*Tenant
	desired  Desired
	result   Result
	roles    map[string]string // id by name
	action   string            // id
	held     string            // a role that is the design's by its permissions, and stays
	warnings []string
}

func (t *Tenant) run(d Desired) *run {
	return &run{
		Tenant: t, desired: d, roles: make(map[string]string),
		result: Result{Domain: t.host, IssuerURL: t.base + "/", Audience: d.API.Identifier},
	}
}

func (r *run) warn(format string, args ...any) {
	r.warnings = append(r.warnings, inert(fmt.Sprintf(format, args...)))
}

// Plan returns what [Tenant.Apply] would do to bring the tenant to d. It makes
// GET requests only, but for the one that gets a token. What is wrong with d is
// an error; so is a name that is taken by something else ([ErrConflict]) and a
// connection that the tenant does not have.
func (t *Tenant) Plan(ctx context.Context, d Desired) (*Plan, error) {
	d, err := d.complete()
	if err != nil {
		return nil, err
	}
	return t.plan(ctx, d, steps(d))
}

// PlanDestroy returns a plan that deletes what d names and [Tenant.Plan] would
// create, in the reverse order. What is not recognisably of this service stays,
// with a warning: a client that was not made by [Tenant.Apply], an API with
// another name or with scopes that d does not have, and a role that somebody
// has, or whose permissions or description are not those of d. Users,
// connections and bindings of others stay. It makes GET requests only.
func (t *Tenant) PlanDestroy(ctx context.Context, d Desired) (*Plan, error) {
	d, err := d.complete()
	if err != nil {
		return nil, err
	}
	return t.plan(ctx, d, destroySteps(d))
}

func (t *Tenant) plan(ctx context.Context, d Desired, steps []step) (*Plan, error) {
	p := &Plan{base: t.base, begin: func(t *Tenant) *run { return t.run(d) }, steps: steps, found: make([]*Change, len(steps))}
	r := p.begin(t)
	for i, inspect := range steps {
		f, err := inspect(ctx, r)
		if err != nil {
			return nil, told{fmt.Errorf("plan: %w", err)}
		}
		if f != nil {
			p.found[i] = &f.change
			p.Changes = append(p.Changes, f.change)
		}
	}
	for i := range p.Changes { // found keeps its own
		p.Changes[i].Fields = slices.Clone(p.Changes[i].Fields)
	}
	p.Warnings = r.warnings
	return p, nil
}

// Apply does what p says, in its order. Before each step the tenant is looked at
// again: what somebody else has done already is left out, and a difference that
// is not the planned one ends it with [ErrChanged]. There is no lock: a change
// between that look and the write goes unnoticed until the next plan.
//
// The result is not nil even with an error: it may hold the secret of a client
// that was made before it, which cannot be had a second time. Where a client was
// made and the answer with its secret did not come, [Result].Warnings says so.
func (t *Tenant) Apply(ctx context.Context, p *Plan) (*Result, error) {
	if p == nil || p.base != t.base {
		return &Result{}, errors.New("apply: the plan is not one of this tenant")
	}
	r := p.begin(t)
	for i, inspect := range p.steps {
		err := r.apply(ctx, inspect, p.found[i])
		r.missSecret(ctx, p.found[i])
		if err != nil {
			return &r.result, told{fmt.Errorf("apply: %w", err)}
		}
	}
	return &r.result, nil
}

// missSecret warns when the machine client was to be made and is there, but its
// secret was not told: the answer was lost, the token may not read it, or
// somebody else was faster.
func (r *run) missSecret(ctx context.Context, planned *Change) {
	m := r.desired.Machine
	if planned == nil || m == nil || planned.Kind != Create || planned.Object != clientObject || planned.Name != m.Name ||
		r.result.MachineClientID == "" || r.result.MachineClientSecret != "" {
		return
	}
	text := fmt.Sprintf("the client %q is there and its secret was not told: rotate it in the dashboard, "+
		"or with POST %s, and give the new one to the program", m.Name, apiPath("clients", r.result.MachineClientID, "rotate-secret"))
	r.result.Warnings = append(r.result.Warnings, text)
	r.log.WarnContext(ctx, "the tenant did not tell the secret of a new client: rotate it", "name", m.Name, "client_id", r.result.MachineClientID)
}

// apply does one step, of which planned is what was found when planning.
func (r *run) apply(ctx context.Context, inspect step, planned *Change) error {
	f, err := inspect(ctx, r)
	switch {
	case err != nil:
		return err
	case f == nil:
		return nil
	case planned == nil || !f.change.equal(planned):
		return fmt.Errorf("%s %q: %w", f.change.Object, f.change.Name, ErrChanged)
	}
	what := fmt.Sprintf("%s %s %q", f.change.Kind, f.change.Object, f.change.Name)
	err = f.write(ctx)
	if _, unsure := errors.AsType[*uncertain](err); unsure {
		err = r.resolve(ctx, inspect, err)
	}
	if status(err) == http.StatusConflict {
		err = fmt.Errorf("%w: %w", ErrChanged, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	r.log.InfoContext(ctx, "tenant changed", "kind", string(f.change.Kind), "object", f.change.Object, "name", f.change.Name)
	return nil
}

// resolve finds out whether a request that failed was done all the same.
func (r *run) resolve(ctx context.Context, inspect step, cause error) error {
	if err := r.wait(ctx, settle); err != nil {
		return fmt.Errorf("%w: %w", ErrUncertain, cause)
	}
	f, err := inspect(ctx, r)
	if err == nil && f == nil {
		return nil
	}
	return errors.Join(fmt.Errorf("%w: %w", ErrUncertain, cause), err)
}
