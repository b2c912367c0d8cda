package design

import (
	"fmt"
	"slices"
)

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
