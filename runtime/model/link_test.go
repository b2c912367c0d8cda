package model_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/model"
)

func post(links ...model.Link) *model.Entity {
	return &model.Entity{
		Name: "Post", Path: "posts", Table: "posts", Links: links,
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "title", Column: "title", Type: model.Text},
			{Name: "authorId", Column: "author_id", Type: model.Relation, To: "User"},
		},
	}
}

func TestEntity_Link(t *testing.T) {
	e := post(
		model.Link{Name: "author", To: "User", Key: "authorId"},
		model.Link{Name: "comments", To: "Comment", Many: true, Inverse: "postId"},
		model.Link{Name: "tags", To: "Tag", Many: true, Through: &model.Join{Table: "post_tags", Near: "post_id", Far: "tag_id"}},
	)
	if err := e.Check(); err != nil {
		t.Fatal(err)
	}
	if l, ok := e.Link("comments"); !ok || l.To != "Comment" {
		t.Errorf("comments: %+v, %v", l, ok)
	}
	if l, ok := e.Link("authorId"); ok {
		t.Errorf("authorId is a key and no relation: %+v", l)
	}
}

func TestEntity_Check_links(t *testing.T) {
	join := model.Join{Table: "post_tags", Near: "post_id", Far: "tag_id"}
	hostile, same := join, join
	hostile.Table, same.Far = `tags"; DROP TABLE posts`, same.Near
	for name, links := range map[string][]model.Link{
		"no name":                {{To: "User", Key: "authorId"}},
		"no entity":              {{Name: "author", Key: "authorId"}},
		"a name of a field":      {{Name: "title", To: "User", Key: "authorId"}},
		"twice":                  {{Name: "author", To: "User", Key: "authorId"}, {Name: "author", To: "User", Key: "authorId"}},
		"no key":                 {{Name: "author", To: "User"}},
		"two keys":               {{Name: "author", To: "User", Key: "authorId", Inverse: "postId"}},
		"a key to many":          {{Name: "author", To: "User", Key: "authorId", Many: true}},
		"a key that is missing":  {{Name: "author", To: "User", Key: "writerId"}},
		"a key that is a text":   {{Name: "author", To: "User", Key: "title"}},
		"a key to somebody else": {{Name: "author", To: "Tag", Key: "authorId"}},
		"a table to one":         {{Name: "tag", To: "Tag", Through: &join}},
		"a hostile table":        {{Name: "tags", To: "Tag", Many: true, Through: &hostile}},
		"one column":             {{Name: "tags", To: "Tag", Many: true, Through: &same}},
	} {
		if err := post(links...).Check(); err == nil || !strings.Contains(err.Error(), "link ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
