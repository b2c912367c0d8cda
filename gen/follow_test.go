package gen_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/permissions"
)

// TestFollow: what has another name by now is the same to who compares two designs,
// in conditions, owners, roles and pairs, too.
func TestFollow(t *testing.T) {
	const before = `gate: 1
service: {name: shop, module: example.com/shop}
roles: {clerk: {}, guest: {entity: Visitor}}
plugins: {auth-core: {entity: User, also: [Visitor]}, auth-jwt: {}}
entities:
  User:
    owner: id
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    allow: {view: owner}
  Visitor:
    owner: id
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    allow: {view: owner}
  Post:
    owner: author
    fields:
      title: text
      state: {type: enum, values: [draft, out], required: true, default: draft}
      author: {type: relation, to: User}
      tags: {type: relation, to: Tag, many: true, inverse: posts}
    allow: {view: [owner, {rules: public, when: {state: out}}], update: owner}
    fieldRules: {title: {view: guest}}
  Comment:
    owner: post.author
    fields: {post: {type: relation, to: Post, required: true, onDelete: cascade}}
    allow: {view: owner, delete: clerk}
  Tag: {fields: {word: text}, allow: {view: public, update: clerk}}
`
	after := strings.NewReplacer(
		"  Visitor:", "  Caller:\n    renamedFrom: Visitor", "Visitor", "Caller",
		"  Post:", "  Article:\n    renamedFrom: Post", "to: Post", "to: Article",
		"title: text", "headline: {type: text, renamedFrom: title}", "title:", "headline:",
		"state: {type: enum", "stage: {renamedFrom: state, type: enum", "when: {state", "when: {stage",
		"author: {type: relation", "writer: {renamedFrom: author, type: relation", "author", "writer",
		"tags: {type: relation", "labels: {renamedFrom: tags, type: relation", "inverse: posts", "inverse: articles",
		"to: Tag", "to: Label", "  Tag: {", "  Label: {renamedFrom: Tag, ",
	).Replace(before)
	matrices := func(after string) (was, is *permissions.Matrix) {
		t.Helper()
		var designs [2]*design.Design
		for i, src := range []string{before, after} {
			d, err := design.Parse("gate.yaml", []byte(src))
			if err != nil {
				t.Fatal(err)
			}
			designs[i] = d
		}
		gen.Follow(designs[0], designs[1])
		was, err := permissions.Of(designs[0])
		if err != nil {
			t.Fatal(err)
		}
		if is, err = permissions.Of(designs[1]); err != nil {
			t.Fatal(err)
		}
		return was, is
	}
	for _, c := range permissions.Compare(matrices(after)) {
		t.Errorf("a rename: %s", c.Text)
	}
	wider := strings.Replace(after, "update: owner", "update: [owner, clerk]", 1)
	if got := permissions.Compare(matrices(wider)); len(got) == 0 || got[0].Entity != "Article" || got[0].Narrower {
		t.Errorf("a right beside a rename: %v", got)
	}
	other := strings.NewReplacer("title: text", "headline: text", "{title:", "{headline:").Replace(before)
	if got := permissions.Compare(matrices(other)); len(got) == 0 {
		t.Error("a field without a hint is the one that is gone")
	}
}
