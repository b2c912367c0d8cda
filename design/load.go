package design

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/module"
)

const (
	openKey     = "insecureOpenToEveryone"
	defaultPort = 3000
)

// Load reads the file at path and parses it. See [Parse].
func Load(path string) (*Design, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path) // a pipe to which nobody writes would be waited for
	}
	f, err := os.Open(path) //nolint:gosec // reading the file that the caller names is what Load is for
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	src, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, err
	}
	return Parse(path, src)
}

// Parse reads a design. name is the file name that positions carry; nothing is
// read from it. If anything is wrong, the error is an [*Errors] that holds all
// of it, and there is no design. Hostile input costs no more than bounded time
// and memory.
func Parse(name string, src []byte) (*Design, error) {
	l := newLoader(name)
	root := readYAML(name, src, l.errs)
	if root == nil {
		return nil, l.errs.Err()
	}
	return l.load(root)
}

func newLoader(name string) *loader {
	return &loader{errs: &Errors{}, d: &Design{File: name}, heirs: map[*Role][]*node{}, held: map[*Role][]*node{}, tenantAt: map[*Entity]*node{}}
}

// load turns nodes into a design.
func (l *loader) load(root *node) (*Design, error) {
	l.design(root)
	l.resolve()
	if err := l.errs.Err(); err != nil {
		return nil, err
	}
	l.d.root = root
	l.d.warnings = warnings(l.d, l.held)
	return l.d, nil
}

// A loader turns nodes into a design and collects what is wrong with them.
type loader struct {
	errs *Errors
	d    *Design
	todo []func() // checks that need the whole file to be read

	asked []*asked // relations as they are written

	permissions []string          // that roles hold, sorted; known once the file is read
	exact       []string          // those that are no wildcards
	heirs       map[*Role][]*node // what stands in their "inherits"
	held        map[*Role][]*node // what stands in their "permissions"
	tenantAt    map[*Entity]*node // what stands behind their "tenant"
}

// didYouMean is the function of that name, as long as somebody can be expected
// to read its answers.
func (l *loader) didYouMean(word string, candidates []string) string {
	if len(l.errs.Problems) > maxProblems {
		return ""
	}
	return didYouMean(word, candidates)
}

func (l *loader) later(check func()) { l.todo = append(l.todo, check) }

func (l *loader) design(root *node) {
	start := Position{File: l.d.File, Line: 1, Column: 1}
	if root.isNull() {
		l.errs.Add(start, "", "the file is empty", "start with: gate: 1")
		return
	}
	if !l.object(root, "", "the design", designKeys()) {
		return
	}
	l.version(root.get("gate"), start)
	l.service(root.get("service"), start)
	for _, e := range l.named(root.get("roles"), "roles", "role", kebabCase) {
		l.role(e)
	}
	for _, e := range l.named(root.get("plugins"), "plugins", "plugin", kebabCase) {
		l.plugin(e)
	}
	for _, e := range l.named(root.get("entities"), "entities", "entity", pascalCase) {
		l.entity(e)
	}
	l.actions(root)
}

func (l *loader) version(n *node, start Position) {
	if n == nil {
		l.errs.Add(start, "gate", `the key "gate" is missing`, fmt.Sprintf("start the file with: gate: %d", Version))
		return
	}
	v, ok := l.integer(n, "gate", 0, 1<<31-1)
	if ok && v != Version {
		l.errs.Add(n.pos, "gate", fmt.Sprintf("version %d of the format is not known", v), fmt.Sprintf("this gate reads version %d", Version))
	}
	l.d.Version = v
}

func (l *loader) service(n *node, start Position) {
	s := &l.d.Service
	s.Database, s.Port, s.APIs, s.Persisted = SQLite, defaultPort, []string{REST}, PersistedLearned
	s.Grammar = Feathers
	if n == nil {
		l.errs.Add(start, "service", `the key "service" is missing`, "add: service: {name: restaurant, module: example.com/restaurant}")
		return
	}
	s.Pos = n.pos
	if !l.object(n, "service", "service", serviceKeys()) {
		return
	}
	if v := l.require(n, "service", "name"); v != nil {
		if name, ok := l.text(v, "service.name", maxName); ok && l.checkName("service name", name, kebabCase, v.pos, "service.name") {
			s.Name = name
		}
	}
	if v := l.require(n, "service", "module"); v != nil {
		s.Module = l.module(v)
	}
	if v := n.get("database"); v != nil {
		l.database(v, s)
	}
	s.Description = l.description(n, "service")
	if v := n.get("port"); v != nil {
		keep(&s.Port)(l.integer(v, "service.port", 1, 65535))
	}
	if v := n.get("apis"); v != nil {
		s.APIs = l.apis(v)
	}
	decimals, integers := l.spelling(n, "decimals"), l.spelling(n, "integers")
	l.later(func() { l.quote(decimals, integers) })
	if v := n.get("graphql"); v != nil {
		l.graphql(v, s)
	}
	if v := n.get(REST); v != nil {
		l.grammar(v, s)
	}
	s.Accept = l.accept(n.get("accept"), "service")
	if v := n.get(openKey); v != nil {
		s.InsecureOpenToEveryone, _ = l.boolean(v, "service."+openKey)
		if s.InsecureOpenToEveryone {
			l.later(func() { l.checkOpen(v.pos) })
		}
	}
}

func (l *loader) checkOpen(at Position) {
	if l.d.Authentication() {
		l.errs.Add(at, "service."+openKey, openKey+" is only for a service without authentication, and auth-core is on",
			"remove it, or turn auth-core off by its setting enabled: false")
	}
}

func (l *loader) module(n *node) string {
	path, ok := l.text(n, "service.module", 200)
	if !ok {
		return ""
	}
	if err := module.CheckPath(path); err != nil {
		reason := err.Error()
		if i := strings.LastIndex(reason, ": "); i >= 0 {
			reason = reason[i+2:]
		}
		l.errs.Add(n.pos, "service.module", fmt.Sprintf("%s is not a module path: %s", quote(path), reason),
			"begin with a domain, as in example.com/restaurant")
		return ""
	}
	if own := "github.com/gatewright/gate"; path == own || strings.HasPrefix(path, own+"/") {
		l.errs.Add(n.pos, "service.module", fmt.Sprintf("module path %s belongs to the generator", quote(path)), "choose your own")
		return ""
	}
	return path
}

func (l *loader) apis(n *node) []string {
	var apis []string
	for i, v := range l.list(n, "service.apis") {
		path := "service.apis[" + strconv.Itoa(i) + "]"
		name, ok := l.text(v, path, maxName)
		switch {
		case !ok:
		case name == "grpc":
			l.errs.Add(v.pos, path, fmt.Sprintf("api %s is not supported yet", quote(name)), "")
		case !slices.Contains(apiNames(), name):
			l.errs.Add(v.pos, path, fmt.Sprintf("unknown api %s%s", quote(name), l.didYouMean(name, apiNames())), "")
		case slices.Contains(apis, name):
			l.errs.Add(v.pos, path, fmt.Sprintf("api %s is listed twice", quote(name)), "")
		default:
			apis = append(apis, name)
		}
	}
	if n.kind == KindList && len(n.items) == 0 {
		l.errs.Add(n.pos, "service.apis", "a service needs an api", "write: apis: [rest]")
	}
	return apis
}

func apiNames() []string { return []string{REST, GraphQL} }

// grammar reads how the REST API is spelt, if there is one.
func (l *loader) grammar(n *node, s *Service) {
	const path = "service." + REST
	if name := l.oneOf(n, path, "grammar", grammarNames()...); slices.Contains(grammarNames(), name) {
		s.Grammar = name
	}
	if !slices.Contains(s.APIs, REST) {
		l.errs.Add(n.pos, path, "the service has no rest api that could be spelt so", "add rest to apis, or remove this")
	}
}

func grammarNames() []string { return []string{Feathers, Amplication} }

// object checks that n is a mapping with known keys, each once.
func (l *loader) object(n *node, path, what string, keys []key) bool {
	if n.kind != KindMapping {
		l.errs.Add(n.pos, path, fmt.Sprintf("%s has to be a mapping, not %s", what, n.describe()), "")
		return false
	}
	l.duplicates(n, path, func(key string) string { return key })
	var known []string
	for _, k := range keys {
		if !k.later {
			known = append(known, k.name)
		}
	}
	for _, e := range n.entries {
		if slices.Contains(known, e.key) {
			continue
		}
		at := join(path, e.key)
		if slices.ContainsFunc(keys, func(k key) bool { return k.name == e.key }) {
			l.errs.Add(e.pos, at, fmt.Sprintf("%s in %s is not supported yet", quote(e.key), what), "")
			continue
		}
		near, hint := l.didYouMean(e.key, known), ""
		if near == "" {
			hint = "known keys: " + strings.Join(known, ", ")
		}
		l.errs.Add(e.pos, at, fmt.Sprintf("unknown key %s in %s%s", quote(e.key), what, near), hint)
	}
	return true
}

// duplicates reports keys that are the same by fold.
func (l *loader) duplicates(n *node, path string, fold func(string) string) {
	seen := map[string]entry{}
	for _, e := range n.entries {
		first, ok := seen[fold(e.key)]
		if !ok {
			seen[fold(e.key)] = e
			continue
		}
		message := fmt.Sprintf("duplicate key %s, first on line %d", quote(e.key), first.pos.Line)
		if first.key != e.key {
			message = fmt.Sprintf("key %s is too close to %s on line %d", quote(e.key), quote(first.key), first.pos.Line)
		}
		l.errs.Add(e.pos, join(path, e.key), message, "")
	}
}

// named returns the entries of a mapping whose keys the user chose, without
// those whose names cannot be used.
func (l *loader) named(n *node, path, what string, s spelling) []entry {
	if n.isNull() {
		return nil
	}
	if n.kind != KindMapping {
		l.errs.Add(n.pos, path, fmt.Sprintf("%s has to be a mapping from names, not %s", path, n.describe()), "")
		return nil
	}
	l.duplicates(n, path, foldName)
	var out []entry
	seen := map[string]bool{}
	for _, e := range n.entries {
		if l.checkName(what, e.key, s, e.pos, join(path, e.key)) && !seen[foldName(e.key)] {
			seen[foldName(e.key)] = true
			out = append(out, e)
		}
	}
	return out
}

// foldName makes names equal that become the same identifier somewhere: in
// another case, or with their words set apart otherwise.
func foldName(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name))
}

func (l *loader) require(n *node, path, name string) *node {
	v := n.get(name)
	if v == nil {
		l.errs.Add(n.pos, join(path, name), fmt.Sprintf("the key %s is missing in %s", quote(name), path), "")
	}
	return v
}

func (l *loader) description(n *node, path string) string {
	v := n.get("description")
	if v == nil {
		return ""
	}
	s, _ := l.text(v, join(path, "description"), maxDescription)
	return strings.TrimSpace(s)
}

func (l *loader) text(n *node, path string, limit int) (string, bool) {
	if n.kind != KindString {
		hint := ""
		if n.kind == KindInteger || n.kind == KindFloat || n.kind == KindBool {
			hint = "put it in quotes if text is meant"
		}
		l.errs.Add(n.pos, path, fmt.Sprintf("%s has to be text, not %s", last(path), n.describe()), hint)
		return "", false
	}
	if len([]rune(n.text)) > limit {
		l.errs.Add(n.pos, path, fmt.Sprintf("%s is longer than %d characters", last(path), limit), "")
		return "", false
	}
	return n.text, true
}

func (l *loader) boolean(n *node, path string) (value, ok bool) {
	if n.kind != KindBool {
		l.errs.Add(n.pos, path, fmt.Sprintf("%s has to be true or false, not %s", last(path), n.describe()), "")
		return false, false
	}
	return n.text == "true", true
}

func (l *loader) integer(n *node, path string, lo, hi int) (int, bool) {
	if n.kind != KindInteger || !wholeNumber.MatchString(n.text) {
		l.errs.Add(n.pos, path, fmt.Sprintf("%s has to be a whole number, not %s", last(path), n.describe()), "")
		return 0, false
	}
	v, err := strconv.Atoi(n.text)
	if err != nil || v < lo || v > hi {
		l.errs.Add(n.pos, path, fmt.Sprintf("%s has to be from %d to %d, not %s", last(path), lo, hi, n.text), "")
		return 0, false
	}
	return v, true
}

func (l *loader) list(n *node, path string) []*node {
	if n.kind != KindList {
		l.errs.Add(n.pos, path, fmt.Sprintf("%s has to be a list, not %s", last(path), n.describe()), "")
		return nil
	}
	if len(n.items) > maxEntries {
		l.errs.Add(n.pos, path, fmt.Sprintf("%s has more than %d elements", last(path), maxEntries), "")
		return nil
	}
	return n.items
}

func (l *loader) oneOf(n *node, path, what string, values ...string) string {
	s, ok := l.text(n, path, maxDescription)
	if ok && !slices.Contains(values, s) {
		hint := "one of: " + strings.Join(values, ", ")
		l.errs.Add(n.pos, path, fmt.Sprintf("unknown %s %s%s", what, quote(s), l.didYouMean(s, values)), hint)
	}
	return s
}

// describe says what a node is, for "has to be …, not …".
func (n *node) describe() string {
	switch n.kind {
	case KindMapping:
		return "a mapping"
	case KindList:
		return "a list"
	case KindString:
		return "the text " + quote(n.text)
	case KindInteger, KindFloat:
		return "the number " + quote(n.text)
	case KindBool:
		return n.text
	default:
		return "nothing"
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// last returns the last word of a path, which is the key that is meant.
func last(path string) string {
	if i := strings.LastIndexByte(path, '['); i >= 0 && strings.HasSuffix(path, "]") {
		return "an element of " + last(path[:i])
	}
	word := path[strings.LastIndexByte(path, '.')+1:]
	if !plainWord.MatchString(word) {
		return quote(word) // a key that the user chose
	}
	return word
}
