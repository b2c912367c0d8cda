package permissions_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/gen/permissions"
)

// tagged is a design whose posts have tags, with who may view tags and update
// posts.
func tagged(view, update string) string {
	return signedIn("roles: {editor: {}}", `
  Post:
    fields: {title: text, author: {type: relation, to: User}, tags: {type: relation, to: Tag, many: true, inverse: posts}}
    owner: author
    allow: {view: public, list: public, create: signed-in, update: `+update+`, delete: editor}
  Tag:
    fields: {word: text}
    allow: {view: `+view+`, list: public, update: nobody}
`)
}

// ties says who sees, and who may tie, at the end of a link.
func ties(t *testing.T, m *permissions.Matrix, entity, caller, name string) string {
	t.Helper()
	for _, l := range grant(t, m, entity, caller).Links {
		if l.Name == name {
			var words []string
			for _, c := range []permissions.Cell{l.See, l.Far, l.Create, l.Update} {
				words = append(words, c.Rows.String())
			}
			return l.To + ": " + strings.Join(words, " ")
		}
	}
	return "no link"
}

// TestLinks: to tie two rows takes the right to change the one whose relation it is
// and to get the other, and from the other end the right to change that, too.
func TestLinks(t *testing.T) {
	m := matrix(t, tagged("editor", "[owner, editor]"))
	for _, tt := range []struct{ entity, caller, link, want string }{
		{"Post", "anonymous", "tags", "Tag: all none none none"},
		{"Post", "signed-in", "tags", "Tag: all none all own"},
		{"Post", "editor", "tags", "Tag: all all all all"},
		{"Tag", "anonymous", "posts", "Post: all none none none"},
		{"Tag", "editor", "posts", "Post: all all none none"},
		{"Tag", "signed-in", "posts", "Post: all own none none"},
		{"User", "editor", "posts", "no link"}, // a key keeps that one
	} {
		if got := ties(t, m, tt.entity, tt.caller, tt.link); got != tt.want {
			t.Errorf("%s, %s.%s: %s, want %s", tt.caller, tt.entity, tt.link, got, tt.want)
		}
	}
	if got := ties(t, matrix(t, strings.Replace(tagged(`"see:tags"`, "signed-in"), "editor: {}", "editor: {}, reader: {permissions: [\"see:tags\"]}", 1)), "Post", "see:tags", "tags"); got != "Tag: all all all all" {
		t.Errorf("a permission at the other end alone: %s", got)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(raw, []byte(`"links":[{"name":"tags","to":"Tag","see":{"rows":"all"`)) {
		t.Errorf("the JSON has no links: %s", raw)
	}
}

// TestTable_links: who may not get the rows at the other end ties nothing.
func TestTable_links(t *testing.T) {
	var b bytes.Buffer
	if err := matrix(t, tagged("editor", "[owner, editor]")).Only("Post").Table(&b, permissions.Look{ASCII: true}); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, "ties tags to Tag") {
			lines = append(lines, strings.Join(strings.Fields(line)[4:], " "))
		}
	}
	want := []string{"all all - -", "all all - -", "all all yes all"} // anonymous, signed-in, editor
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("%s\n%s", diff, b.String())
	}
}

// TestCompare_links says who may tie rows now, where it does not follow from who
// may change them.
func TestCompare_links(t *testing.T) {
	none := strings.Replace(tagged("public", "editor"), ", tags: {type: relation, to: Tag, many: true, inverse: posts}", "", 1)
	for name, tt := range map[string]struct {
		before, after string
		want          []string
	}{
		"nothing": {tagged("public", "editor"), tagged("public", "editor"), nil},
		"the far end is shown": {tagged("nobody", "editor"), tagged("editor", "editor"), []string{
			"editors can now tie the tags of posts", "editors can now view tags",
		}},
		"a new relation": {none, tagged("public", "editor"), []string{"editors can now tie the tags of posts"}},
		"follows":        {tagged("public", "nobody"), tagged("public", "editor"), []string{"editors can now update posts"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, c := range permissions.Compare(matrix(t, tt.before), matrix(t, tt.after)) {
				got = append(got, c.Text)
				if !c.Wider || c.Narrower {
					t.Errorf("%s: wider %v, narrower %v", c.Text, c.Wider, c.Narrower)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			for _, c := range permissions.Compare(matrix(t, tt.after), matrix(t, tt.before)) {
				if c.Wider {
					t.Errorf("back: %s", c.Text)
				}
			}
		})
	}
}
