package pattern

import (
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// Sample returns a text that matches expr and has from least to most characters,
// where most 0 is no limit: another one for another n, as far as it knows more. It
// is false when it finds none, which does not mean that there is none.
func Sample(expr string, n, least, most int) (string, bool) {
	re, err := parse(expr)
	if err != nil {
		return "", false
	}
	whole, err := Compile(expr)
	if err != nil {
		return "", false
	}
	for _, times := range []int{1, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024} {
		s := sampler{n: n, times: times}
		s.write(re)
		text := s.out.String()
		if length := utf8.RuneCountInString(text); length >= least && (most == 0 || length <= most) && whole.MatchString(text) {
			return text, true
		}
	}
	return "", false
}

// sampler writes a text for an expression.
type sampler struct {
	out   strings.Builder
	n     int // what is left to choose by
	times int // that something is repeated which may be so for ever
}

// pick chooses one of some.
func (s *sampler) pick(of int) int {
	i := s.n % of
	s.n /= of
	return i
}

func (s *sampler) write(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			s.out.WriteRune(r)
		}
	case syntax.OpCharClass:
		s.out.WriteRune(s.oneOf(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		s.out.WriteRune(s.oneOf([]rune{'a', 'z'}))
	case syntax.OpAlternate:
		s.write(re.Sub[s.pick(len(re.Sub))])
	case syntax.OpStar:
		s.repeat(re.Sub[0], 0, -1)
	case syntax.OpPlus:
		s.repeat(re.Sub[0], 1, -1)
	case syntax.OpQuest:
		s.repeat(re.Sub[0], 0, 1)
	case syntax.OpRepeat:
		s.repeat(re.Sub[0], re.Min, re.Max)
	default: // a place in the text, or what is inside of a group
		for _, sub := range re.Sub {
			s.write(sub)
		}
	}
}

func (s *sampler) repeat(re *syntax.Regexp, least, most int) {
	times := max(least, s.times)
	if most >= 0 {
		times = min(times, most)
	}
	for range times {
		s.write(re)
	}
}

// oneOf chooses a character of a class, which is pairs of a first and a last one:
// letters and digits before all others.
func (s *sampler) oneOf(class []rune) rune {
	const usual = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	var known []rune
	for _, r := range usual {
		for i := 0; i+1 < len(class); i += 2 {
			if class[i] <= r && r <= class[i+1] {
				known = append(known, r)
			}
		}
	}
	if len(known) > 0 {
		return known[s.pick(len(known))]
	}
	for i := 0; i+1 < len(class); i += 2 {
		if first := max(class[i], ' '); first <= class[i+1] {
			return first + rune(s.pick(int(class[i+1]-first)+1)) //nolint:gosec // no more than the class has
		}
	}
	if len(class) > 0 {
		return class[0]
	}
	return 'x' // matches nothing: the class is empty
}
