package design

import (
	"fmt"
	"regexp"
	"strings"
)

// Limits of names and values.
const (
	maxName          = 63
	maxPermission    = 100
	maxValues        = 200
	maxLabel         = 100
	maxPrecision     = 18
	defaultPrecision = 12
	defaultScale     = 2
	maxDescription   = 2000
)

// The spellings of names. JSON Schema reads the same expressions.
const (
	pascalPattern     = `^[A-Z][A-Za-z0-9]{0,62}$`
	camelPattern      = `^[a-z][A-Za-z0-9]{0,62}$`
	ownerPattern      = `^[a-z][A-Za-z0-9]{0,62}(\.[a-z][A-Za-z0-9]{0,62})?$`
	routePattern      = `^[a-z][A-Za-z0-9]*(-[a-z0-9]+)*$`
	kebabPattern      = `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`
	formerPattern     = `^[A-Za-z][A-Za-z0-9_]{0,62}$`
	snakePattern      = `^[a-z][a-z0-9_]{0,62}$`
	permissionPattern = `^[a-z][a-z0-9]*(-[a-z0-9]+)*:[a-z][a-z0-9]*(-[a-z0-9]+)*$`
	wildPattern       = `^(\*|([a-z][a-z0-9]*(-[a-z0-9]+)*|\*):([a-z][a-z0-9]*(-[a-z0-9]+)*|\*))$`
	valuePattern      = `^[A-Za-z][A-Za-z0-9]*([_-][A-Za-z0-9]+)*$`
)

// A spelling is a kind of name: how it is written, and an example for hints.
type spelling struct {
	re      *regexp.Regexp
	style   string
	example string
	max     int
}

func (s spelling) check(name string) string {
	switch {
	case len(name) > s.max:
		return fmt.Sprintf("is longer than %d characters", s.max)
	case !s.re.MatchString(name):
		return "is not " + s.style
	}
	return ""
}

var ( // compiled once, never changed
	pascalCase   = spelling{regexp.MustCompile(pascalPattern), "PascalCase", "OrderItem", maxName}
	camelCase    = spelling{regexp.MustCompile(camelPattern), "camelCase", "unitPrice", maxName}
	kebabCase    = spelling{regexp.MustCompile(kebabPattern), "kebab-case", "order-items", maxName}
	routeCase    = spelling{regexp.MustCompile(routePattern), "camelCase or kebab-case", "orderItems", maxName}
	formerName   = spelling{regexp.MustCompile(formerPattern), "a name of letters, digits and _", "OrderItem", maxName}
	snakeCase    = spelling{regexp.MustCompile(snakePattern), "snake_case", "order_items", maxName}
	verbNoun     = spelling{regexp.MustCompile(permissionPattern), "verb:noun", "create:items", maxPermission}
	verbNounWild = spelling{regexp.MustCompile(wildPattern), "verb:noun", "create:items", maxPermission}
	valueCase    = spelling{regexp.MustCompile(valuePattern), "a word of letters, digits, - and _", "in-progress", maxName}
	wholeNumber  = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]{0,18})$`)
	exactNumber  = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?$`)
)

// checkName reports a name that is misspelt or reserved, and says whether it
// can be used.
func (l *loader) checkName(what, name string, s spelling, at Position, path string) bool {
	if wrong := s.check(name); wrong != "" {
		l.errs.Add(at, path, fmt.Sprintf("%s %s %s", what, quote(name), wrong), "write it like "+s.suggest(name))
		return false
	}
	return true
}

// suggest returns name in the right spelling if that is easily done, and an
// example if not.
func (s spelling) suggest(name string) string {
	if len(name) > s.max {
		return s.example
	}
	var try string
	switch s.style {
	case pascalCase.style:
		try = goName(name)
	case camelCase.style, routeCase.style:
		try = camel(strings.ReplaceAll(name, " ", "-"))
	case kebabCase.style:
		try = kebab(strings.ReplaceAll(name, " ", "-"))
	case snakeCase.style:
		try = snake(strings.ReplaceAll(name, " ", "-"))
	}
	if s.check(try) == "" {
		return try
	}
	return s.example
}

func (l *loader) checkSQLName(what, name string, at Position, path, hint string) {
	lower := strings.ToLower(name)
	for _, prefix := range []string{"sqlite_", "pg_", "gate_"} {
		if strings.HasPrefix(lower, prefix) {
			l.errs.Add(at, path, fmt.Sprintf("%s %s starts with %s, which is reserved", what, quote(name), quote(prefix)), hint)
			return
		}
	}
	if len(name) > maxName {
		l.errs.Add(at, path, fmt.Sprintf("%s %s is longer than %d characters", what, quote(name), maxName), hint)
		return
	}
	if reservedSQL(lower) {
		l.errs.Add(at, path, fmt.Sprintf("%s %s is a reserved word of SQL", what, quote(name)), hint)
		return
	}
}
