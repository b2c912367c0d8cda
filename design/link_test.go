package design_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
)

func TestLinks(t *testing.T) {
	d, err := design.Parse("gate.yaml", []byte(`
gate: 1
service: {name: shop, module: example.com/shop}
entities:
  User:
    fields:
      boss: {type: relation, to: User, inverse: team}
      friends: {type: relation, to: User, many: true, inverse: friendOf}
      likes: {type: relation, to: Post, many: true, through: user_likes}
    allow: {list: public}
  Post:
    fields:
      author: {type: relation, to: User, inverse: posts}
      editor: {type: relation, to: User}
      cover: {type: relation, to: Image, unique: true, inverse: coverOf}
      tags: {type: relation, to: Tag, many: true, inverse: posts, through: post_tags}
    allow: {list: public}
  Image: {allow: {list: public}}
  Tag: {allow: {list: public}}
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range d.Entities {
		for _, l := range e.Links {
			got = append(got, describe(l))
		}
		for _, f := range e.Fields {
			if f.Type == design.ToOne && e.Link(f.Name) == nil {
				t.Errorf("%s.%s is no link", e.Name, f.Name)
			}
		}
		if e.Field("friends") != nil || e.Field("tags") != nil {
			t.Errorf("%s: a relation to many became a column", e.Name)
		}
	}
	want := []string{
		"User.boss → User by its bossId, back as User.team",
		"User.friends → many User through user_friends(from_user_id, to_user_id), back as User.friendOf",
		"User.likes → many Post through user_likes(user_id, post_id)",
		"User.team → many User by bossId there, back as User.boss",
		"User.friendOf → many User through user_friends(to_user_id, from_user_id), back as User.friends",
		"User.posts → many Post by authorId there, back as Post.author",
		"Post.author → User by its authorId, back as User.posts",
		"Post.editor → User by its editorId",
		"Post.cover → Image by its coverId, back as Image.coverOf",
		"Post.tags → many Tag through post_tags(post_id, tag_id), back as Tag.posts",
		"Image.coverOf → Post by coverId there, back as Post.cover",
		"Tag.posts → many Post through post_tags(tag_id, post_id), back as Post.tags",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func describe(l *design.Link) string {
	var b strings.Builder
	b.WriteString(l.String() + " → ")
	if l.Many {
		b.WriteString("many ")
	}
	b.WriteString(l.To.Name)
	switch {
	case l.Join != nil:
		fmt.Fprintf(&b, " through %s(%s, %s)", l.Join.Table, l.Join.Near, l.Join.Far)
	case l.HasKey():
		b.WriteString(" by its " + l.Field.Key)
	default:
		b.WriteString(" by " + l.Field.Key + " there")
	}
	if l.Inverse != nil {
		if l.Inverse.Inverse != l {
			b.WriteString(", whose inverse is another")
		}
		b.WriteString(", back as " + l.Inverse.String())
	}
	return b.String()
}
