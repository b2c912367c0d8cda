package model_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/model"
)

func TestCheck_tenant(t *testing.T) {
	key := model.Field{Name: "firmId", Column: "firm_id", Type: model.Relation, To: "Firm", Required: true}
	entity := func(tenant string, key model.Field, more ...model.Field) *model.Entity {
		return &model.Entity{
			Name: "Item", Path: "items", Table: "items", Tenant: tenant,
			Fields: append([]model.Field{{Name: "id", Column: "id", Type: model.ID, Required: true}, {Name: "name", Column: "name", Type: model.Text}, key}, more...),
		}
	}
	optional, ruled, visible := key, key, key
	optional.Required, ruled.Update, visible.View = false, []string{"boss"}, []string{"boss"}
	roles := model.Field{Name: "roles", Column: "roles", Type: model.Roles}
	conditional := entity("firmId", key)
	conditional.Conditions = []model.Condition{{Action: "create", Field: "firmId", Rules: []string{"boss"}, Where: []model.Clause{{Field: "name"}}}}
	for name, tt := range map[string]struct {
		entity *model.Entity
		want   string // of the error; empty for none
		field  model.FieldID
	}{
		"none":                     {entity("", key), "", model.NoField},
		"a relation":               {entity("firmId", key), "", 2},
		"that not everybody reads": {entity("firmId", visible), "", 2},
		"itself":                   {entity("id", key), "", 0},
		"of accounts":              {entity("firmId", optional, roles), "", 2},
		"no field":                 {entity("firm", key), `tenant "firm" is no field`, 0},
		"a text":                   {entity("name", key), `tenant "name" is neither id nor relation`, 0},
		"null":                     {entity("firmId", optional), `tenant "firmId" can be null`, 0},
		"written by a rule":        {entity("firmId", ruled), `tenant "firmId" has rules of its own`, 0},
		"by a condition":           {conditional, `tenant "firmId" has rules of its own`, 0},
	} {
		err := tt.entity.Check()
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %s", name, err, tt.want)
			}
			continue
		}
		if got := tt.entity.TenantField(); err != nil || got != tt.field {
			t.Errorf("%s: field %d, %v", name, got, err)
		}
	}
}
