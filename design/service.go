package design

import (
	"fmt"
	"slices"
)

// How numbers that a float of 64 bits does not hold travel in JSON.
const (
	asNumber = "number"
	asString = "string"
)

// safeInteger is the greatest integer that every JSON parser reads exactly (RFC 8259 §6).
const safeInteger = "9007199254740991"

// Persisted says which documents a service answers over GraphQL.
type Persisted string

// The documents that are answered.
const (
	// PersistedLearned are all: one is known by its name when somebody has sent it.
	PersistedLearned Persisted = "learned"
	// PersistedOnly are those of the folder app/operations alone.
	PersistedOnly Persisted = "only"
)

func graphqlKeys() []key {
	return []key{
		{
			name: "persisted", schema: enumOf(string(PersistedLearned), string(PersistedOnly)),
			doc: "Which documents are answered: learned is every one, and its hash when it was sent before; only is those of app/operations/*.graphql. Default: learned.",
		},
	}
}

// graphql reads how GraphQL is served.
func (l *loader) graphql(n *node, s *Service) {
	const path = "service.graphql"
	if !l.object(n, path, "graphql", graphqlKeys()) {
		return
	}
	if v := n.get("persisted"); v != nil {
		s.Persisted = Persisted(l.oneOf(v, path+".persisted", "persisted", string(PersistedLearned), string(PersistedOnly)))
	}
	if !slices.Contains(s.APIs, GraphQL) {
		l.errs.Add(n.pos, path, fmt.Sprintf("the service has no %s", quote(GraphQL)), "add it to apis, or remove "+path)
	}
}

// spelling reads how numbers travel, and reports whether it is as strings.
func (l *loader) spelling(n *node, key string) bool {
	v := n.get(key)
	return v != nil && l.oneOf(v, "service."+key, key, asNumber, asString) == asString
}

// quote marks the numbers that travel as strings: decimals, and integers that may be
// beyond what every parser of JSON reads exactly. Versions stay numbers.
func (l *loader) quote(decimals, integers bool) {
	quoted := func(f *Field) bool {
		return decimals && f.Type == Decimal || integers && f.Type == Int && f.beyondFloats()
	}
	for _, e := range l.d.Entities {
		for _, f := range e.Fields {
			f.Quoted = f != e.Version && quoted(f)
		}
	}
	for _, r := range l.d.Records() {
		for _, m := range r.Members {
			m.Quoted = m.Field != nil && quoted(m.Field)
		}
	}
}

// beyondFloats reports whether the limits of an integer let it have values that a
// float of 64 bits does not hold.
func (f *Field) beyondFloats() bool {
	return f.Min == "" || f.Max == "" || f.compare(f.Min, "-"+safeInteger) < 0 || f.compare(f.Max, safeInteger) > 0
}
