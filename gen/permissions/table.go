package permissions

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatewright/gate/authz"
)

// A Look says how a table is printed. The zero value is for a page of 76 columns,
// in UTF-8 and without colour.
type Look struct {
	Width int // of the page, in characters; 0 means 76, and less than 60 is taken for 60
	ASCII bool
	Color bool // by the sixteen colours of a terminal
}

const (
	defaultWidth = 76
	leastWidth   = 60
	cellWidth    = 8 // a cell and the blanks before it
	labelWidth   = 46
)

// Table prints the matrix for people: for each entity who may do what with its
// rows, with which of their fields, and the rules that say so. Callers and fields
// of whom the same is true share a line. Permissions are found in the rules and
// with the roles that give them.
func (m *Matrix) Table(w io.Writer, look Look) error {
	if look.Width == 0 {
		look.Width = defaultWidth
	}
	look.Width = max(look.Width, leastWidth)
	p := &page{Look: look, m: m}
	p.label = min(labelWidth, look.Width-5*cellWidth-2)
	p.top()
	for i := range m.Entities {
		p.entity(&m.Entities[i])
	}
	p.actions()
	if len(m.Entities) > 0 {
		some := ""
		if p.some {
			some = "some: those of which a condition of a rule holds; own+: own and some; own-: some of these; "
		}
		if p.m.tenants() {
			some += "tenant: rows of one's tenant; own/ten.: one's own in it; own+ten.: these and one's own elsewhere; "
		}
		for _, part := range wrap("own: rows of one's own; "+some+"yes: new rows; "+p.dash()+": none", p.Width-2) {
			p.line("  " + p.paint(faint, part))
		}
	}
	_, err := io.WriteString(w, p.b.String())
	return err
}

// The colours of the terminal.
const (
	strong = "1"
	faint  = "2"
	yellow = "33"
)

type page struct {
	Look

	m     *Matrix
	b     strings.Builder
	label int  // width of the first column, its margin left out
	some  bool // there was a cell with some rows
}

func (p *page) paint(code, s string) string {
	if !p.Color || code == "" || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p *page) line(s string) {
	p.b.WriteString(strings.TrimRight(s, " ") + "\n")
}

func (p *page) dash() string {
	if p.ASCII {
		return "-"
	}
	return "–"
}

// top prints the service and its roles.
func (p *page) top() {
	p.line("  " + p.paint(strong, plain(p.m.Service)) + "   " + p.counts())
	roles := slices.DeleteFunc(slices.Clone(p.m.Callers), func(c Caller) bool { return c.Kind != Role })
	if len(roles) > 0 || p.m.SignedIn != "" {
		p.line("")
	}
	width := 12
	for _, c := range roles {
		width = max(width, utf8.RuneCountInString(plain(c.Name)))
	}
	width = min(width, p.Width/3)
	if p.m.SignedIn != "" {
		p.pair(string(SignedIn), plain(p.m.SignedIn), width+1)
	}
	for _, c := range roles {
		p.pair(plain(c.Name), p.holds(c), width+1)
	}
	p.line("")
}

func (p *page) counts() string {
	if !p.m.Authentication {
		return "authentication is off: nobody can sign in"
	}
	roles := len(slices.DeleteFunc(slices.Clone(p.m.Callers), func(c Caller) bool { return c.Kind != Role }))
	return fmt.Sprintf("%s, %s", count(len(p.m.Entities), "entity", "entities"), count(roles, "role", "roles"))
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func (p *page) holds(c Caller) string {
	var parts []string
	if len(c.Inherits) > 0 {
		parts = append(parts, "with "+joined(c.Inherits))
	}
	if len(c.Permissions) > 0 {
		parts = append(parts, joined(c.Permissions))
	}
	if len(parts) == 0 {
		parts = append(parts, "no permissions")
	}
	if c.AcrossTenants {
		parts = append(parts, "stands above tenants")
	}
	switch {
	case c.Default && c.Entity != "":
		parts = append(parts, "every new "+plain(c.Entity)+" holds it")
	case c.Default:
		parts = append(parts, "every new account holds it")
	case c.Entity != "":
		parts = append(parts, "of "+plain(c.Entity))
	}
	return strings.Join(parts, "; ")
}

// pair prints a name and what it is, wrapped at commas.
func (p *page) pair(name, text string, width int) {
	for i, part := range wrap(text, p.Width-width-3) {
		if i > 0 {
			name = ""
		}
		p.line("  " + pad(name, width) + " " + part)
	}
}

// A block is a set of callers who may do the same with an entity.
type block struct {
	callers []Caller
	grant   *Grant
}

func (p *page) entity(e *Entity) {
	title := plain(e.Name)
	head := []string{"  " + p.paint(strong, title) + strings.Repeat(" ", max(1, p.label-utf8.RuneCountInString(title)))}
	for _, a := range authz.Actions() {
		head = append(head, p.column(a.String(), faint))
	}
	p.line(strings.Join(head, ""))
	if e.Owner != "" {
		for _, part := range wrap("owned by "+plain(e.Owner), p.Width-2) {
			p.line("  " + p.paint(faint, part))
		}
	}
	if e.Tenant != "" {
		for _, part := range wrap("within the tenant by "+plain(e.Tenant), p.Width-2) {
			p.line("  " + p.paint(faint, part))
		}
	}
	blocks := p.blocks(e)
	for _, b := range blocks {
		p.block(b, len(blocks) == 1)
	}
	p.rules(e)
	p.line("")
}

// blocks joins the callers for whom everything is the same. Those who carry a
// single permission are left to the rules.
func (p *page) blocks(e *Entity) []block {
	var blocks []block
next:
	for i := range e.Grants {
		g := &e.Grants[i]
		if g.Kind == Permission {
			continue
		}
		caller := Caller{Kind: g.Kind, Name: g.Name}
		for j := range blocks {
			if sameGrant(blocks[j].grant, g) {
				blocks[j].callers = append(blocks[j].callers, caller)
				continue next
			}
		}
		blocks = append(blocks, block{[]Caller{caller}, g})
	}
	return blocks
}

func sameGrant(a, b *Grant) bool {
	for _, action := range authz.Actions() {
		if x, y := a.Rows.At(action), b.Rows.At(action); !x.same(&y) {
			return false
		}
	}
	return slices.EqualFunc(a.Fields, b.Fields, func(f, g Field) bool { return f.Name == g.Name && sameCells(&f.Cells, &g.Cells) }) &&
		slices.EqualFunc(a.Links, b.Links, func(l, m Link) bool { return l.same(&m) })
}

func sameCells(a, b *Cells) bool {
	return a.View.same(&b.View) && a.List.same(&b.List) && a.Create.same(&b.Create) && a.Update.same(&b.Update)
}

// open counts what may be done.
func (c *Cells) open() int {
	n := 0
	for _, a := range authz.Actions() {
		if c.At(a).Rows != None {
			n++
		}
	}
	return n
}

func (p *page) block(b block, all bool) {
	var names []string
	for _, c := range b.callers {
		name := plain(c.String())
		if c.Kind == Role && (name == string(Anonymous) || name == string(SignedIn)) {
			name = "role " + name
		}
		names = append(names, name)
	}
	if all && len(names) > 1 {
		names = []string{"everybody"}
	}
	p.line("")
	var cells []string
	nothing := true
	for _, a := range authz.Actions() {
		rows := b.grant.Rows.At(a).Rows
		nothing = nothing && rows == None
		cells = append(cells, p.cell(rows, a))
	}
	p.row("  ", "  ", joined(names), cells, "")
	if nothing {
		return
	}
	for _, group := range fieldGroups(b.grant) {
		cells = nil
		for _, a := range authz.Actions()[:4] {
			cells = append(cells, p.cell(group.cells.At(a).Rows, a))
		}
		p.row("    ", "    ", group.label, cells, faint)
	}
	for i := range b.grant.Links {
		l := &b.grant.Links[i]
		cells = nil
		for _, a := range authz.Actions()[:4] {
			rows := b.grant.Rows.At(a)
			cells = append(cells, p.cell(l.in(a, &rows).Rows, a))
		}
		p.row("    ", "    ", "ties "+plain(l.Name)+" to "+plain(l.To), cells, faint)
	}
}

// column is a cell with the blanks around it.
func (p *page) column(text, color string) string {
	return "  " + p.paint(color, text) + strings.Repeat(" ", max(0, cellWidth-2-utf8.RuneCountInString(text)))
}

// cell is what stands in a column; a new row is no row yet.
func (p *page) cell(r Reach, a authz.Action) string {
	if r.some() != r.whole() {
		p.some = true
		switch {
		case r.whole() != None:
			return p.cell(r.whole(), a) + "+"
		case r.some() != All:
			return p.cell(r.some(), a) + "-"
		}
		return r.String()
	}
	switch {
	case r == None:
		return p.dash()
	case a == authz.Create && r == All:
		return "yes"
	case r == OwnOrTenant:
		return "own+ten."
	case r == OwnWithinTenant:
		return "own/ten."
	}
	return r.String()
}

// row prints a line whose label may need more than one.
func (p *page) row(indent, hang, label string, cells []string, color string) {
	for i, part := range wrap(label, p.label-len(indent)+1) {
		if i > 0 {
			p.line(hang + p.paint(color, part))
			continue
		}
		line := []string{indent + p.paint(color, part) + strings.Repeat(" ", max(0, p.label+2-len(indent)-utf8.RuneCountInString(part)))}
		for _, c := range cells {
			shade := ""
			if c == p.dash() {
				shade = faint
			}
			line = append(line, p.column(c, shade))
		}
		p.line(strings.Join(line, ""))
	}
}

type fieldGroup struct {
	label string
	cells *Cells
}

// fieldGroups joins the fields that may be used alike: those first with which most
// may be done. Of two groups and more the greatest comes last when it would be a
// long list.
func fieldGroups(g *Grant) []fieldGroup {
	const long = 6
	var members [][]string
	var cells []*Cells
next:
	for i := range g.Fields {
		f := &g.Fields[i]
		for j := range cells {
			if sameCells(cells[j], &f.Cells) {
				members[j] = append(members[j], plain(f.Name))
				continue next
			}
		}
		members, cells = append(members, []string{plain(f.Name)}), append(cells, &f.Cells)
	}
	switch len(members) {
	case 0:
		return nil
	case 1:
		return []fieldGroup{{"every field", cells[0]}}
	}
	longest := slices.MaxFunc(members, func(a, b []string) int { return len(a) - len(b) })
	var groups []fieldGroup
	var others *fieldGroup
	for i := range members {
		group := fieldGroup{joined(members[i]), cells[i]}
		if len(longest) > long && &members[i][0] == &longest[0] {
			group.label = "every other field"
			others = &group
			continue
		}
		groups = append(groups, group)
	}
	slices.SortStableFunc(groups, func(a, b fieldGroup) int { return b.cells.open() - a.cells.open() })
	if others != nil {
		groups = append(groups, *others)
	}
	return groups
}

// rules prints what the design says, and whom a delete takes along.
func (p *page) rules(e *Entity) {
	p.line("")
	type rule struct{ what, words string }
	var list []rule
	for i := 0; i < len(e.Rules); i++ {
		r := e.Rules[i]
		what := plain(r.Action)
		for i+1 < len(e.Rules) && e.Rules[i+1].Field == r.Field && slices.Equal(e.Rules[i+1].Words, r.Words) {
			i++
			what += ", " + plain(e.Rules[i].Action)
		}
		if r.Field != "" {
			what = plain(r.Field) + ": " + what
		}
		list = append(list, rule{what, alternatives(r.Words)})
	}
	width := 0
	for _, r := range list {
		width = min(max(width, len(r.what)), p.Width/2)
	}
	lead := "by rule"
	for _, r := range list {
		p.pair(pad(lead, 10)+pad(r.what, width), r.words, 12+width)
		lead = ""
	}
	for _, c := range e.Cascades {
		note := "a delete takes rows of " + plain(c.Entity) + " along"
		if len(c.Beyond) > 0 {
			note += ", not all of which " + joined(c.Beyond) + " may delete otherwise"
		}
		mark := "!"
		for i, part := range wrap(note, p.Width-4) {
			if i > 0 {
				mark = " "
			}
			p.line("  " + p.paint(yellow, mark) + " " + part)
		}
	}
}

func alternatives(words []string) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && strings.Contains(w, " "): // it has a condition, which is its own
			b.WriteString(", or ")
		case i > 0:
			b.WriteString(" or ")
		}
		b.WriteString(plain(w))
	}
	return b.String()
}

func joined(names []string) string {
	safe := make([]string, len(names))
	for i, n := range names {
		safe[i] = plain(n)
	}
	return strings.Join(safe, ", ")
}

// plain makes a name that is none harmless to a terminal: names of a design are
// letters, digits and dashes, but a Matrix can be filled by anybody.
func plain(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) }) < 0 {
		return s
	}
	return strconv.QuoteToASCII(s)
}

func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

// wrap breaks a text at blanks into lines of at most n characters; what has no
// blank stays whole.
func wrap(text string, n int) []string {
	var lines []string
	line := ""
	for word := range strings.SplitSeq(text, " ") {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > n {
			lines = append(lines, line)
			line = word
			continue
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
