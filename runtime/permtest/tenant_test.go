package permtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/permtest"
	"github.com/gatewright/gate/runtime/server"
)

// firms is a design whose rows belong to tenants: with owners, an owner through
// another entity, keys and pairs between rows of tenants, conditions, and an entity
// that has none.
const firms = `gate: 1
service: {name: desk, module: example.com/desk, apis: [rest, graphql]}
roles:
  customer: {default: true}
  agent: {permissions: ["update:tickets"]}
  boss: {inherits: [agent], permissions: ["manage:users"]}
  operator: {acrossTenants: true, inherits: [boss]}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
entities:
  Firm:
    tenant: id
    fields: {name: {type: text, required: true, unique: true}, contract: text, boss: {type: relation, to: User, onDelete: set-null}}
    allow: {view: signed-in, list: signed-in, create: operator, update: boss, delete: operator}
    fieldRules: {contract: {view: operator, update: operator}}
  User:
    tenant: firm
    owner: id
    fields:
      email: {type: email, required: true, unique: true}
      password: password
      name: {type: text, maxLength: 40}
      roles: roles
      firm: {type: relation, to: Firm}
      topic: {type: relation, to: Topic}
    allow: {view: [owner, agent], list: agent, create: "manage:users", update: [owner, "manage:users"], delete: "manage:users"}
    fieldRules: {roles: {create: "manage:users", update: "manage:users"}, topic: {view: owner}}
  Topic:
    tenant: firm
    fields:
      firm: {type: relation, to: Firm, required: true, onDelete: cascade}
      name: {type: text, required: true, unique: true}
    allow: {view: signed-in, list: signed-in, create: agent, update: agent, delete: boss}
  Ticket:
    tenant: firm
    owner: author
    fields:
      firm: {type: relation, to: Firm, required: true, onDelete: cascade}
      title: {type: text, required: true}
      status: {type: enum, values: [open, closed], required: true, default: open}
      author: {type: relation, to: User, onDelete: set-null}
      topic: {type: relation, to: Topic}
      worth: integer
      tags: {type: relation, to: Topic, many: true, inverse: tagged}
    allow:
      view: [owner, agent]
      list: [owner, {rules: agent, when: {status: open}}]
      create: signed-in
      update: [{rules: owner, when: {status: open}}, "update:tickets"]
      delete: boss
    fieldRules: {worth: {view: agent, create: nobody, update: boss}}
  Remark:
    tenant: firm
    owner: ticket.author
    fields:
      firm: {type: relation, to: Firm, required: true, onDelete: cascade}
      ticket: {type: relation, to: Ticket, required: true, onDelete: cascade}
      text: {type: text, required: true}
    allow: {view: [owner, agent], list: [owner, agent], create: [owner, agent], update: owner, delete: boss}
  Country:
    fields: {name: {type: text, required: true}}
    allow: {view: public, list: public, create: operator}
`

// TestRun_tenants wants no complaint about a service of tenants, by whatever door
// callers come: with an account in a tenant and in none, and without an account.
func TestRun_tenants(t *testing.T) {
	long(t)
	for name, tt := range map[string]struct {
		from, to string
		change   func(*server.Service)
	}{
		"tokens":                        {"gate: 1", "gate: 1", nil},
		"issuer with accounts, sign-up": {`create: "manage:users"`, "create: public", withIssuer(&auth.Users{Create: true, Email: "email"})},
		"issuer alone":                  {"auth-jwt: {}", `auth-oidc: {issuer: "https://id.example/", audience: "https://shop.example/api"}`, withIssuer(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			src := strings.Replace(firms, tt.from, tt.to, 1)
			if name != "tokens" { // what comes after the door is the same
				src = strings.Replace(src, ", apis: [rest, graphql]", "", 1)
			}
			s := newShop(t, src)
			s.change = tt.change
			for _, f := range wrong(t, s, nil) {
				t.Error(f)
			}
		})
	}
}

// TestRun_tenantsWrong opens tenants to each other in the running service: the run
// has to say which cells that are.
func TestRun_tenantsWrong(t *testing.T) {
	long(t)
	for name, tt := range map[string]struct {
		patch  func(*model.Entity)
		change func(*server.Service)
		want   []string
	}{
		"no tenant": {patch: func(e *model.Entity) { without("Ticket")(e); told("User", "topicId")(e); told("Firm", "contract")(e) }, want: []string{
			"agent · view · Ticket · rest: want 404, got 200 (a row of somebody else of another tenant",
			"agent · list · Ticket · rest: lists a row of somebody else of another tenant",
			"agent · update · Ticket · rest: want 404, got 200 (a row of somebody else of another tenant",
			"customer · view · Ticket · rest: want 404, got 200 (a row of their own of another tenant", // left behind
			"customer · create · Ticket · rest: want 201",
			"boss · delete · Ticket · rest: want 404, got 200 (a row of somebody else of another tenant",
			"agent in no tenant · view · Ticket · rest: want 404, got 200",
			"agent in no tenant · list · Ticket · rest: lists a row",
			"agent · view · Ticket · graphql: want 404, got 200 (a row of somebody else of another tenant",
			"agent · include · User.topic · rest: shows a row",
			"boss · include · User.firm · rest: want 400, got 200 (filter by contract)",
		}},
		"keys": {patch: without("Topic"), want: []string{
			"agent · create · Ticket.topic · rest, to a row of another tenant: want 400, got 201",
			"agent · update · Ticket.topic · rest: want 400, got 200",
			"agent · tie · Ticket.tags · rest: want 400, got 200",
			"operator · create · Ticket.topic · rest, to a row of another tenant: want 400, got 201",
		}},
		"above": {change: func(s *server.Service) { s.Roles[1].AcrossTenants = true }, want: []string{
			"agent · view · Ticket · rest: want 404, got 200 (a row of somebody else of another tenant",
			"agent · view · Firm · rest: want 404, got 200 (a row of another tenant",
			"agent · create · Ticket.firm · rest: want 400, got 201",
			"agent in no tenant · view · User · rest: want 404, got 200",
		}},
		"not above": {change: func(s *server.Service) { s.Roles[3].AcrossTenants = false }, want: []string{
			"operator · view · Ticket · rest: want 200, got 404",
			"operator in no tenant · create · Firm · rest: want 201, got 403",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			src := firms
			if !slices.ContainsFunc(tt.want, func(w string) bool { return strings.Contains(w, "graphql") }) {
				src = strings.Replace(src, ", apis: [rest, graphql]", "", 1)
			}
			s := newShop(t, src)
			s.patch, s.change = tt.patch, tt.change
			got := wrong(t, s, just(tt.want))
			for _, w := range tt.want {
				if !slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, w) }) {
					t.Errorf("nothing begins with %q:\n%s", w, strings.Join(got[:min(len(got), 20)], "\n"))
				}
			}
		})
	}
}

// without has rows of an entity belong to no tenant.
func without(name string) func(*model.Entity) {
	return func(e *model.Entity) {
		if e.Name == name {
			e.Tenant = ""
		}
	}
}

// told opens a field of an entity to everybody who sees the row.
func told(name, field string) func(*model.Entity) {
	return func(e *model.Entity) {
		if i := slices.IndexFunc(e.Fields, func(f model.Field) bool { return f.Name == field }); e.Name == name && i >= 0 {
			e.Fields[i].View = nil
		}
	}
}

// just leaves out the callers of whom no failure is about.
func just(failures []string) func(*permtest.Config) {
	return func(c *permtest.Config) {
		c.Except = map[string]string{}
		for _, caller := range []string{"anonymous", "signed-in", "customer", "agent", "boss", "operator", "ghost"} {
			if !slices.ContainsFunc(failures, func(f string) bool { return strings.HasPrefix(f, caller+" ") }) {
				c.Except[caller] = "nothing is changed for them"
			}
		}
	}
}
