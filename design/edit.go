package design

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// SetPlugin returns src with the plugin of that name having these settings, each
// a Key with a Value (a bool, an int, an int64, a float64, a string or a
// []string). A plugin that is not there is added below the others; one that is
// there keeps the settings that are not named.
//
// A list or mapping on lines of its own that is replaced takes the comments
// between its lines with it.
//
// Like [RemovePlugin] and [EnablePlugin] it changes only the text in question:
// every other byte, comments and line endings included, stays. The three refuse
// a file that is not YAML and one that is written in a way in which they cannot
// do that safely, but not one whose design has other problems. A name that differs
// from one that is there in hyphens or capitals alone is refused, too.
func SetPlugin(src []byte, name string, settings ...Setting) ([]byte, error) {
	if wrong := kebabCase.check(name); wrong != "" {
		return nil, fmt.Errorf("plugin name %s %s", quote(name), wrong)
	}
	for _, s := range settings {
		if !settingName.MatchString(s.Key) {
			return nil, fmt.Errorf("setting name %s is not camelCase", quote(s.Key))
		}
		if _, err := flowValue(s.Value); err != nil {
			return nil, fmt.Errorf("setting %s: %w", s.Key, err)
		}
	}
	src, err := addPlugin(src, name)
	if err != nil {
		return nil, err
	}
	for _, s := range settings {
		if src, err = setSetting(src, name, s.Key, s.Value); err != nil {
			return nil, err
		}
	}
	return src, nil
}

// RemovePlugin returns src without the plugin of that name and its settings. The
// comments above it stay, because they may belong to what follows. To keep the
// settings, see [EnablePlugin]. A plugin that is not there is an error.
func RemovePlugin(src []byte, name string) ([]byte, error) {
	e, err := newEditor(src)
	if err != nil {
		return nil, err
	}
	m, i, err := e.plugin(name)
	if err != nil {
		return nil, err
	}
	return e.remove(m, i)
}

// EnablePlugin returns src with the plugin of that name turned on or off, by the
// setting "enabled: false", its other settings untouched. Turning a plugin off
// and on again gives back the same bytes. A plugin that is not there is an error.
func EnablePlugin(src []byte, name string, on bool) ([]byte, error) {
	e, err := newEditor(src)
	if err != nil {
		return nil, err
	}
	m, i, err := e.plugin(name)
	if err != nil {
		return nil, err
	}
	if !on {
		return setSetting(src, name, enabledKey, false)
	}
	settings := m.entries[i].value
	if j := index(settings, enabledKey); j >= 0 {
		return e.remove(settings, j)
	}
	return src, nil
}

var (
	settingName = regexp.MustCompile(camelPattern)
	anchorName  = regexp.MustCompile(`^&[^ \t]+[ \t]*`)
)

var errByHand = errors.New("the file is written in a way that cannot be edited safely: change it by hand")

// An editor changes the text of a design file in place.
type editor struct {
	src   []byte
	root  *node
	lines []int // where they start
	eol   string
	json  bool // the file is JSON, and has to stay so
}

// key and value write what stands in a flow mapping.
func (e *editor) key(name string) string {
	if e.json {
		return strconv.Quote(name) // a plain word
	}
	return name
}

func (e *editor) value(value any) (string, error) {
	if !e.json {
		return flowValue(value)
	}
	text, err := json.Marshal(value)
	return string(text), err
}

func newEditor(src []byte) (*editor, error) {
	var errs Errors
	root := readYAML("", src, &errs)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	e := &editor{src: src, root: root, eol: "\n"}
	e.lines = append(e.lines, len(src)-len(bytes.TrimPrefix(src, []byte("\ufeff"))))
	for i, c := range src {
		if c == '\n' {
			e.lines = append(e.lines, i+1)
		}
	}
	if len(e.lines) > 1 && e.lines[1] > 1 && src[e.lines[1]-2] == '\r' {
		e.eol = "\r\n"
	}
	if root == nil || root.kind != KindMapping {
		return nil, errors.New("the file holds no design")
	}
	e.json = json.Valid(src)
	return e, nil
}

// plugin returns the mapping of the plugins and the place of one in it.
func (e *editor) plugin(name string) (*node, int, error) {
	m := e.root.get("plugins")
	i := index(m, name)
	if i < 0 {
		var names []string
		if m != nil {
			for _, en := range m.entries {
				names = append(names, en.key)
			}
		}
		return nil, 0, fmt.Errorf("no plugin %s in the design%s", quote(name), didYouMean(name, names))
	}
	return m, i, nil
}

func index(m *node, key string) int {
	if m == nil {
		return -1
	}
	return slices.IndexFunc(m.entries, func(e entry) bool { return e.key == key })
}

// addPlugin adds a plugin without settings unless it is there.
func addPlugin(src []byte, name string) ([]byte, error) {
	e, err := newEditor(src)
	if err != nil {
		return nil, err
	}
	if _, _, err := e.plugin(name); err == nil {
		return src, nil
	}
	i := index(e.root, "plugins")
	if i < 0 {
		return e.addSection(name)
	}
	for _, other := range e.root.entries[i].value.entries {
		if foldName(other.key) == foldName(name) {
			return nil, fmt.Errorf("plugin %s is too close to %s on line %d", quote(name), quote(other.key), other.pos.Line)
		}
	}
	return e.insert(e.root, i, name, "{}", true)
}

// addSection adds the section of the plugins above that of the entities, or at
// the end.
func (e *editor) addSection(name string) ([]byte, error) {
	if e.isFlow(e.root.pos) {
		return e.append(e.root, "plugins", "{"+e.key(name)+": {}}")
	}
	text := "plugins:" + e.eol + "  " + name + ": {}" + e.eol
	at, want := len(e.src), with(e.root, len(e.root.entries), "plugins", mapNode(name, emptyMap()))
	if i := index(e.root, "entities"); i >= 0 {
		line := e.root.entries[i].pos.Line
		for line > 1 && strings.HasPrefix(e.line(line-1), "#") {
			line--
		}
		at = e.lines[line-1]
		text += e.eol
		want = with(e.root, i, "plugins", mapNode(name, emptyMap()))
	} else {
		if !bytes.HasSuffix(e.src, []byte("\n")) {
			text = e.eol + text
		}
		text = e.eol + text
	}
	return e.splice(at, at, text, want)
}

// setSetting sets one setting of a plugin that is there.
func setSetting(src []byte, plugin, key string, value any) ([]byte, error) {
	e, err := newEditor(src)
	if err != nil {
		return nil, err
	}
	text, err := e.value(value)
	if err != nil {
		return nil, err
	}
	m, i, err := e.plugin(plugin)
	if err != nil {
		return nil, err
	}
	settings := m.entries[i].value
	if j := index(settings, key); j >= 0 {
		return e.replace(settings, j, text)
	}
	return e.insert(m, i, key, text, false)
}

// insert adds a key to the mapping that is the value of entry i of m. block says
// whether an empty one becomes a mapping on lines of its own.
func (e *editor) insert(m *node, i int, key, text string, block bool) ([]byte, error) {
	parent := m.entries[i]
	v := parent.value
	if v.kind == KindMapping && len(v.entries) > 0 {
		if _, ok := e.valueStart(parent); !ok {
			return nil, errByHand
		}
		return e.append(v, key, text)
	}
	if !empty(v) {
		return nil, fmt.Errorf("%s has to be a mapping, not %s", quote(parent.key), v.describe())
	}
	colon, err := e.afterColon(parent)
	if err != nil {
		return nil, err
	}
	end, err := e.entryEnd(parent)
	if err != nil {
		return nil, err
	}
	want := e.with(m, i, mapNode(key, scalarNode(text)))
	if !block || e.isFlow(e.root.pos) {
		return e.splice(colon, end, " {"+e.key(key)+": "+text+"}", want)
	}
	line := e.eol + strings.Repeat(" ", parent.pos.Column+1) + key + ": " + text
	if end == colon {
		end = e.lineEnd(parent.pos.Line) // below the comment that the line may end with
		return e.splice(end, end, line, want)
	}
	return e.splice(colon, end, line, want)
}

// append adds a key below the others of a mapping.
func (e *editor) append(v *node, key, text string) ([]byte, error) {
	want := e.withValue(v, with(v, len(v.entries), key, scalarNode(text)))
	if !e.isFlow(v.pos) {
		last := v.entries[len(v.entries)-1]
		end := e.lineEnd(e.lastLine(last))
		return e.splice(end, end, e.eol+strings.Repeat(" ", last.pos.Column-1)+key+": "+text, want)
	}
	if len(v.entries) == 0 {
		at := e.offset(v.pos) + 1
		return e.splice(at, at, e.key(key)+": "+text, want)
	}
	end, err := e.entryEnd(v.entries[len(v.entries)-1])
	if err != nil {
		return nil, err
	}
	return e.splice(end, end, ", "+e.key(key)+": "+text, want)
}

func (e *editor) replace(m *node, i int, text string) ([]byte, error) {
	en := m.entries[i]
	want := e.with(m, i, scalarNode(text))
	if en.value.kind == KindNull && en.value.text == "" {
		at, err := e.afterColon(en)
		if err != nil {
			return nil, err
		}
		return e.splice(at, at, " "+text, want)
	}
	from, ok := e.valueStart(en)
	if !ok {
		return nil, errByHand
	}
	if c := e.src[from]; (en.value.kind == KindList || en.value.kind == KindMapping) && c != '{' && c != '[' {
		colon, err := e.afterColon(en) // a value on lines of its own
		if err != nil {
			return nil, err
		}
		return e.splice(colon, e.lineEnd(e.lastLine(en)), " "+text, want)
	}
	end, err := e.entryEnd(en)
	if err != nil {
		return nil, err
	}
	return e.splice(from, end, text, want)
}

func (e *editor) remove(m *node, i int) ([]byte, error) {
	en := m.entries[i]
	rest := &node{kind: KindMapping, entries: slices.Delete(slices.Clone(m.entries), i, i+1)}
	want := e.withValue(m, rest)
	if !e.isFlow(m.pos) {
		from, end := e.lines[en.pos.Line-1], len(e.src)
		if last := e.lastLine(en); last < len(e.lines) {
			end = e.lines[last]
		}
		return e.splice(from, end, "", want)
	}
	from := e.offset(en.pos)
	end, err := e.entryEnd(en)
	if err != nil {
		return nil, err
	}
	kept := "" // of what separates the entry from its neighbour
	switch {
	case i > 0:
		before, err := e.entryEnd(m.entries[i-1])
		if err != nil {
			return nil, err
		}
		kept, from = withoutComma(string(e.src[before:from])), before
	case len(m.entries) > 1:
		next := e.offset(m.entries[1].pos)
		kept, end = strings.TrimLeft(withoutComma(string(e.src[end:next])), " "), next
	}
	return e.splice(from, end, kept, want)
}

// withoutComma returns the comments of what stands between two entries of a
// flow mapping, "" if there are none.
func withoutComma(between string) string {
	if !strings.Contains(between, "#") {
		return ""
	}
	var b strings.Builder
	for line := range strings.Lines(between) {
		text, comment, found := strings.Cut(line, "#")
		b.WriteString(strings.Replace(text, ",", "", 1))
		if found {
			b.WriteString("#" + comment)
		}
	}
	return b.String()
}

// splice replaces a range, and makes sure that the file then says what it
// should and nothing else.
func (e *editor) splice(from, to int, text string, want *node) ([]byte, error) {
	out := slices.Concat(e.src[:from], []byte(text), e.src[to:])
	var errs Errors
	got := readYAML("", out, &errs)
	if len(errs.Problems) > 0 || !sameNode(got, want) {
		return nil, errByHand
	}
	return out, nil
}

// with returns the root with the value of entry i of m replaced.
func (e *editor) with(m *node, i int, value *node) *node {
	changed := &node{kind: KindMapping, entries: slices.Clone(m.entries)}
	changed.entries[i].value = value
	return e.withValue(m, changed)
}

// withValue returns the root with one node of it replaced, in the place where it
// is written. Where an alias repeats it the old one stays, so that an edit that
// would change two places at once is found out.
func (e *editor) withValue(old, value *node) *node {
	root, _ := swap(e.root, old, value)
	return root
}

func swap(n, old, value *node) (*node, bool) {
	if n == old {
		return value, true
	}
	for i := range n.entries {
		child, found := swap(n.entries[i].value, old, value)
		if found {
			changed := *n
			changed.entries = slices.Clone(n.entries)
			changed.entries[i].value = child
			return &changed, true
		}
	}
	return n, false
}

// with returns m with an entry more, at place i.
func with(m *node, i int, key string, value *node) *node {
	return &node{kind: KindMapping, entries: slices.Insert(slices.Clone(m.entries), i, entry{key: key, value: value})}
}

func mapNode(key string, value *node) *node {
	return with(emptyMap(), 0, key, value)
}

func emptyMap() *node { return &node{kind: KindMapping} }

// scalarNode reads a value that flowValue made.
func scalarNode(text string) *node {
	var errs Errors
	n := readYAML("", []byte("v: "+text+"\n"), &errs)
	if n == nil {
		return &node{}
	}
	return n.get("v")
}

// sameNode compares without positions. An empty mapping and nothing are the
// same where a mapping is expected, and so they are here.
func sameNode(a, b *node) bool {
	if a == nil || b == nil {
		return a == b
	}
	if empty(a) && empty(b) {
		return true
	}
	return a.kind == b.kind && a.text == b.text &&
		slices.EqualFunc(a.items, b.items, sameNode) &&
		slices.EqualFunc(a.entries, b.entries, func(x, y entry) bool { return x.key == y.key && sameNode(x.value, y.value) })
}

func empty(n *node) bool {
	return n.kind == KindNull || n.kind == KindMapping && len(n.entries) == 0
}
