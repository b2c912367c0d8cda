package design

import (
	"fmt"
	"regexp"
	"time"
)

// The bounds of [Pool].
const (
	maxConns            = 10_000
	minStatementTimeout = 10 * time.Millisecond
	maxStatementTimeout = time.Hour
)

// statementTimeout is a duration in one unit, as people write it.
var statementTimeout = regexp.MustCompile(statementTimeoutPattern)

const statementTimeoutPattern = `^[0-9]{1,6}(ms|s|m|h)$`

func databaseKinds() []string { return []string{string(SQLite), string(Postgres)} }

func databaseKeys() []key {
	return []key{
		{name: "kind", doc: "sqlite or postgres.", schema: enumOf(databaseKinds()...)},
		{name: "maxConns", doc: "Connections of one process to PostgreSQL. Default: four for each processor, at least 8.", schema: between(1, maxConns)},
		{name: "statementTimeout", doc: "When PostgreSQL gives up on a statement, from 10ms to 1h. Default: 5s.", schema: object{"type": "string", "pattern": statementTimeoutPattern}},
	}
}

// databaseSchema describes the short form, a kind, and the long form.
func databaseSchema() object {
	long := mapping("The database, and how it is used.", databaseKeys(), "kind")
	long["if"] = object{"properties": object{"kind": object{"const": string(SQLite)}}}
	long["then"] = object{"not": object{"anyOf": []object{{"required": []string{"maxConns"}}, {"required": []string{"statementTimeout"}}}}}
	return object{"oneOf": []object{enumOf(databaseKinds()...), long}}
}

// database reads where rows are kept: a kind, or a mapping that has one.
func (l *loader) database(n *node, s *Service) {
	const path = "service.database"
	if n.kind != KindMapping {
		s.Database = Database(l.oneOf(n, path, "database", databaseKinds()...))
		return
	}
	if !l.object(n, path, "database", databaseKeys()) {
		return
	}
	if v := l.require(n, path, "kind"); v != nil {
		s.Database = Database(l.oneOf(v, path+".kind", "database", databaseKinds()...))
	}
	for _, name := range []string{"maxConns", "statementTimeout"} {
		if v := n.get(name); v != nil && s.Database == SQLite && n.get("kind") != nil {
			l.errs.Add(v.pos, join(path, name), fmt.Sprintf("sqlite has no %s: it is a file, and no server", quote(name)), "remove it, or kind: postgres")
		}
	}
	if v := n.get("maxConns"); v != nil {
		keep(&s.Pool.MaxConns)(l.integer(v, path+".maxConns", 1, maxConns))
	}
	if v := n.get("statementTimeout"); v != nil {
		s.Pool.StatementTimeout = l.statementTimeout(v, path+".statementTimeout")
	}
}

func (l *loader) statementTimeout(n *node, path string) time.Duration {
	const hint = "write it as 3s or 500ms"
	d, err := time.ParseDuration(n.text)
	switch {
	case n.kind != KindString || err != nil || !statementTimeout.MatchString(n.text):
		l.errs.Add(n.pos, path, fmt.Sprintf("%s has to be a duration, not %s", last(path), n.describe()), hint)
		return 0
	case d < minStatementTimeout || d > maxStatementTimeout:
		l.errs.Add(n.pos, path, fmt.Sprintf("%s has to be from %v to 1h, not %s", last(path), minStatementTimeout, n.text), hint)
		return 0
	}
	return d
}
