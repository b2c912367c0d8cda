package tenant

import (
	"maps"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/tenant/internal/lucene"
)

// UserFields names the fields that a query of [Store.SearchUsers] is usually about,
// sorted; "app_metadata.NAME" stands for any name. A profile may have others.
func UserFields() []string {
	return fieldsOf(userTable,
		"app_metadata.NAME", "email.domain", "email_verified", "family_name", "given_name", "identities.connection", "identities.isSocial",
		"identities.profileData.NAME", "identities.provider", "identities.user_id", "last_password_reset", "nickname", "phone_number", "phone_verified",
		"picture", "user_metadata.NAME", "username")
}

// LogFields names the fields that a query of [Store.SearchLogs] is about, sorted.
func LogFields() []string {
	return fieldsOf(logTable, "audience", "client_name", "connection_id", "description", "details.NAME", "hostname", "scope", "user_agent", "user_name")
}

func fieldsOf(t searchable, more ...string) []string {
	list := append(slices.Collect(maps.Keys(t.columns)), more...)
	slices.Sort(list)
	return list
}

// UnknownFields returns the fields of the query that are none of [UserFields], in
// their order. Nobody is found by them, unless a profile has more.
func (q UserQuery) UnknownFields() []string { return unknownFields(q.Q, UserFields()) }

// UnknownFields returns the fields of the query that are none of [LogFields], in
// their order.
func (q LogQuery) UnknownFields() []string { return unknownFields(q.Q, LogFields()) }

func unknownFields(query string, known []string) []string {
	e, err := lucene.Parse(query)
	if err != nil {
		return nil // which the search says
	}
	var list []string
	eachField(e, func(name string) {
		if !isKnown(name, known) && !slices.Contains(list, name) {
			list = append(list, name)
		}
	})
	return list
}

func isKnown(name string, known []string) bool {
	return slices.ContainsFunc(known, func(k string) bool {
		base, open := strings.CutSuffix(k, ".NAME")
		return k == name || open && (name == base || strings.HasPrefix(name, base+"."))
	})
}

func eachField(e *lucene.Expr, found func(name string)) {
	for _, arg := range e.Args {
		eachField(arg, found)
	}
	if e.Field != "" {
		found(e.Field)
	}
}
