package tenant_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store/storetest"
)

// What a query asks about and no user or entry has is told, whatever is around it.
func TestQuery_unknownFields(t *testing.T) {
	for query, want := range map[string][]string{
		"":          nil,
		"ada":       nil,
		"foo:bar":   {"foo"},
		"emial:ada": {"emial"},
		"NOT (foo:1 OR bar:[1 TO 2]) AND _exists_:baz AND foo:2":                                                     {"foo", "bar", "baz"},
		"email:a AND app_metadata.plan:gold AND user_metadata.a.b:c AND identities.profileData.x:y AND blocked:true": nil,
		"app_metadatas.plan:gold": {"app_metadatas.plan"},
		"type:fp":                 {"type"},
		"email:[":                 nil, // cannot be read
	} {
		if diff := cmp.Diff(want, tenant.UserQuery{Q: query}.UnknownFields()); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	if diff := cmp.Diff([]string{"email"}, tenant.LogQuery{Q: "type:fp AND email:ada AND details.request.path:x"}.UnknownFields()); diff != "" {
		t.Error(diff)
	}
	s := open(t, storetest.SQLite(t), nil)
	for _, field := range tenant.UserFields() { // all of them can be searched by
		if _, _, err := s.SearchUsers(t.Context(), tenant.UserQuery{Q: "_exists_:" + field}); err != nil {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, field := range tenant.LogFields() {
		if _, _, err := s.SearchLogs(t.Context(), tenant.LogQuery{Q: "_exists_:" + field}); err != nil {
			t.Errorf("%s: %v", field, err)
		}
	}
}
