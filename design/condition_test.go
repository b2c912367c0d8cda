package design_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
)

const conditions = `
gate: 1
service: {name: shop, module: example.com/shop}
roles: {staff: {permissions: ["update:posts"]}}
plugins: {auth-core: {entity: User}}
entities:
  Post:
    fields:
      title: text
      status: {type: enum, values: [draft, published, archived], required: true}
      hidden: boolean
      stars: {type: integer, min: 0}
      price: {type: decimal, scale: 2}
      day: date
      by: {type: relation, to: User}
    owner: by
    allow:
      view: [staff, owner, {rules: public, when: {status: published, hidden: {not: true}}}]
      list: {rules: [public], when: {status: [published, archived]}}
      create: {rules: signed-in, when: {by: {not: null}, stars: null, day: 2026-11-22}}
      update:
        - rules: [owner, "update:posts"]
          when: {status: draft}
        - {rules: owner, when: {price: 1.50, title: {not: ["a b", c]}, stars: -0}}
    fieldRules:
      price: {view: [staff, {rules: owner, when: {status: {not: archived}}}]}
  User:
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    allow: {view: staff}
`

func TestParse_conditions(t *testing.T) {
	if err := accepts(t, compileSchema(t), conditions); err != nil {
		t.Errorf("the schema: %v", err)
	}
	d, err := design.Parse("gate.yaml", []byte(conditions))
	if err != nil {
		t.Fatal(err)
	}
	post := d.Entity("Post")
	words := func(rules []design.Rule) (out []string) {
		for _, r := range rules {
			out = append(out, r.Words())
		}
		return out
	}
	for action, want := range map[string][]string{
		"view":   {"staff", "owner", "public when status is published and hidden is not true"},
		"list":   {"public when status is published or archived"},
		"create": {"signed-in when by is not null and stars is null and day is 2026-11-22"},
		"update": {
			"owner when status is draft", "update:posts when status is draft",
			`owner when price is 1.50 and title is not "a b" nor "c" and stars is 0`,
		},
		"delete": nil,
	} {
		if diff := cmp.Diff(want, words(post.Allow.Rules(action))); diff != "" {
			t.Errorf("%s: %s", action, diff)
		}
	}
	if diff := cmp.Diff([]string{"staff", "owner when status is not archived"}, words(post.Field("price").Access.View)); diff != "" {
		t.Error(diff)
	}
	last := post.Allow.Update[2]
	if diff := cmp.Diff([]any{"1.50", "a b", "c", int64(0)}, append(append(append([]any{}, last.When[0].Values...), last.When[1].Values...), last.When[2].Values...)); diff != "" {
		t.Error(diff)
	}
	if r := post.Allow.View[2]; r.String() != "public" || r.When[0].Field != post.Field("status") || r.Pos.Line != 18 || r.When[1].Pos.Column != 70 {
		t.Errorf("%+v", r)
	}
}

// TestWarnings_conditions: what a condition narrows is still told.
func TestWarnings_conditions(t *testing.T) {
	src := strings.Replace(conditions, "      list: {rules", "      delete: {rules: public, when: {status: draft}}\n      list: {rules", 1)
	src = strings.Replace(src, "view: [staff, owner, {", "view: [staff, owner, {rules: owner, when: {hidden: true}}, {", 1)
	d, err := design.Parse("gate.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range d.Warnings() {
		got = append(got, w.Name+": "+w.Message)
	}
	want := []string{
		"needless-rule: owner may view all Posts: the rule with a condition adds nothing",
		"public-writes: everybody on the network may delete Posts, when status is draft",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestParse_ownerThrough: rows that belong to whom another row belongs to.
func TestParse_ownerThrough(t *testing.T) {
	src := strings.Replace(conditions, "  User:\n", `  Remark:
    fields: {post: {type: relation, to: Post, required: true}, text: text}
    owner: post.by
    allow: {view: owner, create: owner}
  User:
`, 1)
	if err := accepts(t, compileSchema(t), src); err != nil {
		t.Errorf("the schema: %v", err)
	}
	d, err := design.Parse("gate.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	e := d.Entity("Remark")
	if e.Owner != nil || e.OwnerThrough == nil || e.OwnerThrough.Key() != "postId.byId" || e.OwnerThrough.String() != "post.by" ||
		e.OwnerThrough.Relation != e.Field("post") || e.OwnerThrough.Field != d.Entity("Post").Field("by") {
		t.Errorf("%+v, %+v", e.Owner, e.OwnerThrough)
	}
	if e := d.Entity("Post"); e.Owner == nil || e.OwnerThrough != nil {
		t.Errorf("%+v, %+v", e.Owner, e.OwnerThrough)
	}
}
