package crud_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
)

// A help desk for many firms: each has accounts, topics and tickets of its own.

type (
	Firm struct{ ID, Name string }

	Person struct {
		ID, Email, Password string
		Roles               []string
		FirmID, TopicID     *string
	}

	Topic struct{ ID, FirmID, Name string }

	Ticket struct {
		ID                                    int64
		FirmID, Title                         string
		AuthorID, TopicID, AssigneeID, Secret *string
		ParentID                              *int64
	}

	Remark struct {
		ID       string
		TicketID *int64
	}
)

func (r *Firm) pointer(f model.FieldID) any { return []any{&r.ID, &r.Name}[f] }

func (r *Person) pointer(f model.FieldID) any {
	return []any{&r.ID, &r.Email, &r.Password, &r.Roles, &r.FirmID, &r.TopicID}[f]
}

func (r *Topic) pointer(f model.FieldID) any { return []any{&r.ID, &r.FirmID, &r.Name}[f] }

func (r *Ticket) pointer(f model.FieldID) any {
	return []any{&r.ID, &r.FirmID, &r.Title, &r.AuthorID, &r.TopicID, &r.AssigneeID, &r.Secret, &r.ParentID}[f]
}

func (r *Remark) pointer(f model.FieldID) any { return []any{&r.ID, &r.TicketID}[f] }

func firmEntity() *model.Entity {
	return &model.Entity{
		Name: "Firm", Plural: "Firms", Path: "firms", Table: "firms", Tenant: "id",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "name", Column: "name", Type: model.Text, Required: true, Unique: true},
		},
		Allow: model.Allow{
			View: []string{"signed-in"}, List: []string{"signed-in"}, Create: []string{"signed-in"},
			Update: []string{"boss", "root"}, Delete: []string{"root"},
		},
		Links: []model.Link{{Name: "tickets", To: "Ticket", Many: true, Inverse: "firmId"}},
	}
}

func personEntity() *model.Entity {
	give := []string{"manage:roles"}
	return &model.Entity{
		Name: "Person", Plural: "People", Path: "people", Table: "people", Owner: "id", Tenant: "firmId",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "email", Column: "email", Type: model.Email, Required: true, Unique: true},
			{Name: "password", Column: "password", Type: model.Password, Required: true},
			{Name: "roles", Column: "roles", Type: model.Roles, Required: true, Create: give, Update: give},
			{Name: "firmId", Column: "firm_id", Type: model.Relation, To: "Firm"},
			{Name: "topicId", Column: "topic_id", Type: model.Relation, To: "Topic"},
		},
		Allow: model.Allow{
			View: []string{"owner", "manage:people"}, List: []string{"manage:people"}, Create: []string{"manage:people"},
			Update: []string{"owner", "manage:people"}, Delete: []string{"owner", "manage:people"},
		},
	}
}

func topicEntity() *model.Entity {
	all := []string{"signed-in"}
	return &model.Entity{
		Name: "Topic", Plural: "Topics", Path: "topics", Table: "topics", Tenant: "firmId",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "firmId", Column: "firm_id", Type: model.Relation, To: "Firm", Required: true},
			{Name: "name", Column: "name", Type: model.Text, Required: true, Searchable: true},
		},
		Unique: []model.Unique{{Index: "topics_firm_id_name", Fields: []string{"firmId", "name"}}},
		Links: []model.Link{
			{Name: "tickets", To: "Ticket", Many: true, Inverse: "topicId"},
			{Name: "tagged", To: "Ticket", Many: true, Through: &model.Join{Table: "tags", Near: "topic_id", Far: "ticket_id"}},
		},
		Allow: model.Allow{View: all, List: all, Create: all, Update: all, Delete: all},
	}
}

// ticketEntity: the secret is for the author of a ticket alone.
func ticketEntity() *model.Entity {
	author := []string{"owner"}
	return &model.Entity{
		Name: "Ticket", Plural: "Tickets", Path: "tickets", Table: "tickets", Owner: "authorId", Tenant: "firmId",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true},
			{Name: "firmId", Column: "firm_id", Type: model.Relation, To: "Firm", Required: true},
			{Name: "title", Column: "title", Type: model.Text, Required: true, Searchable: true},
			{Name: "authorId", Column: "author_id", Type: model.Relation, To: "Person"},
			{Name: "topicId", Column: "topic_id", Type: model.Relation, To: "Topic"},
			{Name: "assigneeId", Column: "assignee_id", Type: model.Relation, To: "Person"},
			{Name: "secret", Column: "secret", Type: model.Text, View: author, Update: author},
			{Name: "parentId", Column: "parent_id", Type: model.Relation, ID: model.Serial, To: "Ticket"},
		},
		Links: []model.Link{
			{Name: "topic", To: "Topic", Key: "topicId"},
			{Name: "assignee", To: "Person", Key: "assigneeId"},
			{Name: "parent", To: "Ticket", Key: "parentId"},
			{Name: "tags", To: "Topic", Many: true, Through: &model.Join{Table: "tags", Near: "ticket_id", Far: "topic_id"}},
		},
		Allow: model.Allow{
			View: []string{"signed-in"}, List: []string{"signed-in"}, Create: []string{"signed-in", "create:tickets"},
			Update: []string{"owner", "agent", "root"}, Delete: []string{"agent", "root"},
		},
	}
}

// remarkEntity has no tenant, and points to what has one.
func remarkEntity() *model.Entity {
	all := []string{"signed-in"}
	return &model.Entity{
		Name: "Remark", Plural: "Remarks", Path: "remarks", Table: "remarks",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "ticketId", Column: "ticket_id", Type: model.Relation, ID: model.Serial, To: "Ticket"},
		},
		Links: []model.Link{{Name: "ticket", To: "Ticket", Key: "ticketId"}},
		Allow: model.Allow{View: all, List: all, Create: all, Update: all, Delete: all},
	}
}

const deskSchema = `
CREATE TABLE firms (id ID PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE topics (id ID PRIMARY KEY, firm_id ID NOT NULL REFERENCES firms (id), name text NOT NULL);
CREATE UNIQUE INDEX topics_firm_id_name ON topics (firm_id, name);
CREATE TABLE people (id ID PRIMARY KEY, email text NOT NULL UNIQUE, password text NOT NULL, roles JSON NOT NULL,
  firm_id ID REFERENCES firms (id), topic_id ID REFERENCES topics (id));
CREATE TABLE tickets (id SERIAL, firm_id ID NOT NULL REFERENCES firms (id), title text NOT NULL, author_id ID REFERENCES people (id),
  topic_id ID REFERENCES topics (id), assignee_id ID REFERENCES people (id), secret text, parent_id BIGINT REFERENCES tickets (id));
CREATE TABLE tags (ticket_id BIGINT NOT NULL REFERENCES tickets (id), topic_id ID NOT NULL REFERENCES topics (id), PRIMARY KEY (ticket_id, topic_id));
CREATE TABLE remarks (id ID PRIMARY KEY, ticket_id BIGINT REFERENCES tickets (id))`

func deskSchemaFor(d store.Dialect) string {
	if d == store.Postgres {
		return strings.NewReplacer(" ID ", " uuid ", " JSON ", " jsonb ", "id SERIAL", "id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY").Replace(deskSchema)
	}
	return strings.NewReplacer(" ID ", " text ", " JSON ", " text ", "id SERIAL", "id INTEGER PRIMARY KEY AUTOINCREMENT", " BIGINT ", " INTEGER ").Replace(deskSchema)
}

// A side is one firm with its people and rows.
type side struct {
	firm                string
	member, agent, boss *gate.Principal
	topic               string
	ticket              string // of the member
}

type desk struct {
	firms   *crud.Resource[Firm]
	people  *crud.Resource[Person]
	topics  *crud.Resource[Topic]
	tickets *crud.Resource[Ticket]
	remarks *crud.Resource[Remark]

	acme, bolt side
	lost       *gate.Principal // in no firm
	root       *gate.Principal // above firms
}

func newDesk(t testing.TB, db *store.DB, change ...func(people *model.Entity)) *desk {
	t.Helper()
	run(t, db, strings.TrimSpace(deskSchemaFor(db.Dialect())))
	policy, err := authz.NewPolicy([]authz.Role{
		{Name: "member", Default: true},
		{Name: "agent"},
		{Name: "boss", Permissions: []string{"manage:people", "manage:roles"}},
		{Name: "root", Permissions: []string{"manage:people", "manage:roles"}, Inherits: []string{"above"}},
		{Name: "above", AcrossTenants: true},
	}, authz.WithTenant(authz.AccountTenant()))
	if err != nil {
		t.Fatal(err)
	}
	people := personEntity()
	for _, f := range change {
		f(people)
	}
	d := &desk{
		firms:   newResource(t, db, policy, firmEntity(), (*Firm).pointer),
		people:  newResource(t, db, policy, people, (*Person).pointer),
		topics:  newResource(t, db, policy, topicEntity(), (*Topic).pointer),
		tickets: newResource(t, db, policy, ticketEntity(), (*Ticket).pointer),
		remarks: newResource(t, db, policy, remarkEntity(), (*Remark).pointer),
	}
	d.people.UsePasswords(hasher{})
	if err := crud.Link(d.firms, d.people, d.topics, d.tickets, d.remarks); err != nil {
		t.Fatal(err)
	}
	d.acme, d.bolt = d.side(t, "acme"), d.side(t, "bolt")
	d.lost = d.person(t, "lost@example.com", "", "member", "agent", "boss")
	d.root = d.person(t, "root@example.com", "", "member", "agent", "boss", "root")
	return d
}

func (d *desk) side(t testing.TB, name string) side {
	t.Helper()
	s := side{firm: must(system(t), t, d.firms, fmt.Sprintf(`{"name":%q}`, name))}
	s.member = d.person(t, "member@"+name+".example", s.firm, "member")
	s.agent = d.person(t, "agent@"+name+".example", s.firm, "member", "agent")
	s.boss = d.person(t, "boss@"+name+".example", s.firm, "member", "agent", "boss")
	s.topic = must(as(t, s.member), t, d.topics, `{"name":"printers"}`)
	s.ticket = must(as(t, s.member), t, d.tickets, fmt.Sprintf(`{"title":"%s burns","topicId":%q,"tags":{"connect":[{"id":%q}]}}`, name, s.topic, s.topic))
	if _, err := d.tickets.PatchRow(as(t, s.member), s.ticket, []byte(`{"secret":"12345"}`), nil); err != nil {
		t.Fatal(err)
	}
	return s
}

func (d *desk) person(t testing.TB, email, firm string, roles ...string) *gate.Principal {
	t.Helper()
	row := Person{Email: email, Password: "correct horse", Roles: roles}
	set := model.Fields(1, 2, 3)
	if firm != "" {
		row.FirmID = &firm
		set.Add(4)
	}
	p, err := d.people.Create(system(t), &crud.Change[Person]{Row: row, Set: set})
	if err != nil {
		t.Fatal(err, problems(err))
	}
	return &gate.Principal{Subject: p.ID, Roles: roles, Tenant: firm}
}

// must creates a row and returns its id.
func must(ctx context.Context, t testing.TB, s crud.Service, body string) string {
	t.Helper()
	row, err := s.CreateRow(ctx, []byte(body), nil)
	if err != nil {
		t.Fatalf("%s: %v %v", body, err, problems(err))
	}
	return row.ID
}

// key is what an API key of an account may do: what its scopes permit.
func key(of *gate.Principal, scopes ...string) *gate.Principal {
	return &gate.Principal{Subject: of.Subject, Tenant: of.Tenant, Scopes: scopes, Permissions: scopes}
}
