package lucene

import "strings"

// exists is the field whose value is the name of a field.
const exists = "_exists_"

// term reads [field:]value.
func (p *parser) term(field string, depth int) (*Expr, error) {
	at := p.at
	if p.terms++; p.terms > MaxTerms {
		return nil, p.fail(at, "more than %d terms", MaxTerms)
	}
	if field == "" {
		name, err := p.field()
		if err != nil {
			return nil, err
		}
		field = name
	}
	if p.end() {
		return nil, p.fail(p.at, "value expected")
	}
	var e *Expr
	var err error
	switch c := p.in[p.at]; {
	case c == '(' && field != "":
		p.terms-- // its terms count
		return p.group(field, depth)
	case c == '[' || c == '{':
		e, err = p.between()
	case c == '<' || c == '>':
		e, err = p.compare()
	default:
		e, err = p.match()
	}
	if err != nil {
		return nil, err
	}
	e.Field, e.Position = field, at
	return p.finish(e)
}

// finish settles the terms that mean something else than they look like.
func (p *parser) finish(e *Expr) (*Expr, error) {
	p.space()
	if e.Op != Match {
		if e.Field == "" {
			return nil, p.fail(e.Position, "range without a field")
		}
		return e, nil
	}
	star := len(e.Pattern.Parts) == 2 && e.Pattern.Parts[0] == "" && e.Pattern.Parts[1] == ""
	switch {
	case e.Field == exists:
		text, ok := e.Pattern.Text()
		if !ok || text == "" {
			return nil, p.fail(e.Position, "name of a field expected")
		}
		return &Expr{Op: Exists, Field: text, Position: e.Position}, nil
	case star && (e.Field == "" || e.Field == "*"):
		return &Expr{Op: All}, nil
	case star:
		return &Expr{Op: Exists, Field: e.Field, Position: e.Position}, nil
	}
	return e, nil
}

// field reads the name of a field with the colon after it; without one nothing.
func (p *parser) field() (string, error) {
	var name strings.Builder
	for i := p.at; i < len(p.in); i++ {
		switch c := p.in[i]; {
		case c == '\\' && i+1 < len(p.in):
			i++
			name.WriteByte(p.in[i])
		case c == ':' && name.Len() == 0:
			return "", p.fail(i, "colon without a field")
		case c == ':':
			p.at = i + 1
			p.space()
			return name.String(), nil
		case isSpace(c) || strings.IndexByte(special, c) >= 0 && c != '*':
			return "", nil
		default:
			name.WriteByte(c)
		}
	}
	return "", nil
}

// special are the characters that do not stand for themselves in a word.
const special = `()[]{}"^~*?\`

// match reads a phrase or a word.
func (p *parser) match() (*Expr, error) {
	at := p.at
	if p.in[p.at] == '"' {
		text, err := p.phrase()
		return &Expr{Op: Match, Pattern: Pattern{Parts: []string{text}}}, err
	}
	if p.in[p.at] == '/' {
		return nil, p.fail(at, "regular expressions are not supported")
	}
	pattern, err := p.pattern()
	if err != nil {
		return nil, err
	}
	if p.at == at {
		return nil, p.fail(at, "unexpected %q", p.rune())
	}
	return &Expr{Op: Match, Pattern: pattern}, nil
}

// phrase reads a text in double quotes.
func (p *parser) phrase() (string, error) {
	var text strings.Builder
	for i := p.at + 1; i < len(p.in); i++ {
		switch c := p.in[i]; {
		case c == '\\' && i+1 < len(p.in):
			i++
			text.WriteByte(p.in[i])
		case c == '"':
			p.at = i + 1
			return text.String(), p.unboosted()
		default:
			text.WriteByte(c)
		}
	}
	return "", p.fail(p.at, "quotation mark is not closed")
}

// unboosted refuses what may follow a term in Lucene.
func (p *parser) unboosted() error {
	if !p.end() && (p.in[p.at] == '^' || p.in[p.at] == '~') {
		return p.fail(p.at, "boosts and fuzzy searches are not supported")
	}
	return nil
}

// pattern reads a word with wildcards.
func (p *parser) pattern() (Pattern, error) {
	var part strings.Builder
	var parts []string
	at, literal := p.at, 0
	for ; !p.end(); p.at++ {
		c := p.in[p.at]
		switch {
		case c == '\\':
			if p.at+1 == len(p.in) {
				return Pattern{}, p.fail(p.at, "nothing after the backslash")
			}
			p.at++
			part.WriteByte(p.in[p.at])
			literal++
		case c == '*':
			parts = append(parts, part.String())
			part.Reset()
		case c == '?':
			part.WriteString(Any)
		case isSpace(c) || strings.IndexByte(special, c) >= 0:
			if err := p.unboosted(); err != nil {
				return Pattern{}, err
			}
			return p.checked(at, append(parts, part.String()), literal)
		default:
			part.WriteByte(c)
			literal++
		}
	}
	return p.checked(at, append(parts, part.String()), literal)
}

// minLiteral is what a pattern that begins with a wildcard has besides.
const minLiteral = 3

func (p *parser) checked(at int, parts []string, literal int) (Pattern, error) {
	open := parts[0] == "" || strings.HasPrefix(parts[0], Any)
	switch star := len(parts) == 2 && parts[0] == "" && parts[1] == ""; {
	case len(parts)-1 > MaxWildcards:
		return Pattern{}, p.fail(at, "more than %d wildcards", MaxWildcards)
	case open && p.at > at && literal < minLiteral && !star:
		return Pattern{}, p.fail(at, "a leading wildcard needs %d characters after it", minLiteral)
	}
	return Pattern{Parts: parts}, nil
}

// compare reads >10, >=10, <10 and <=10.
func (p *parser) compare() (*Expr, error) {
	above := p.in[p.at] == '>'
	p.at++
	inclusive := !p.end() && p.in[p.at] == '='
	if inclusive {
		p.at++
	}
	at := p.at
	pattern, err := p.pattern()
	if err != nil {
		return nil, err
	}
	text, ok := pattern.Text()
	if !ok || text == "" {
		return nil, p.fail(at, "value to compare with expected")
	}
	bound := Bound{Value: text, Inclusive: inclusive}
	if above {
		return &Expr{Op: Range, Low: bound, High: Bound{Open: true}}, nil
	}
	return &Expr{Op: Range, Low: Bound{Open: true}, High: bound}, nil
}

// between reads [low TO high] with square or curly brackets.
func (p *parser) between() (*Expr, error) {
	at := p.at
	e := &Expr{Op: Range}
	e.Low.Inclusive = p.in[p.at] == '['
	p.at++
	if err := p.bound(&e.Low); err != nil {
		return nil, err
	}
	if !p.operator("TO", "") {
		return nil, p.fail(p.at, "TO expected")
	}
	if err := p.bound(&e.High); err != nil {
		return nil, err
	}
	if p.end() || p.in[p.at] != ']' && p.in[p.at] != '}' {
		return nil, p.fail(at, "range is not closed")
	}
	e.High.Inclusive = p.in[p.at] == ']'
	p.at++
	return e, p.unboosted()
}

func (p *parser) bound(b *Bound) (err error) {
	p.space()
	at := p.at
	if !p.end() && p.in[p.at] == '"' {
		b.Value, err = p.phrase()
		p.space()
		return err
	}
	end := strings.IndexAny(p.in[p.at:], " \t\n\v\f\r[]{}()\"")
	if end < 0 {
		end = len(p.in) - p.at
	}
	if end == 0 {
		return p.fail(at, "end of a range expected")
	}
	b.Value = p.in[p.at : p.at+end]
	b.Open = b.Value == "*"
	p.at += end
	p.space()
	return nil
}
