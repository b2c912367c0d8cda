package login

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// maxLocales bounds what is parsed of a header or a parameter.
const maxLocales = 256

// known are the languages that have texts, English first.
func known() []string { return []string{"en", "de", "fr"} }

type languages struct {
	tags    []string
	matcher language.Matcher
}

func newLanguages(tags []string) (*languages, error) {
	if tags == nil {
		tags = known()
	}
	if len(tags) == 0 {
		return nil, errors.New("languages: at least one is needed")
	}
	parsed := make([]language.Tag, 0, len(tags))
	for i, tag := range tags {
		if !slices.Contains(known(), tag) {
			return nil, fmt.Errorf("languages: there are no texts in %q, only in %s", tag, strings.Join(known(), ", "))
		}
		if slices.Contains(tags[:i], tag) {
			return nil, fmt.Errorf("languages: %q is there twice", tag)
		}
		parsed = append(parsed, language.Make(tag))
	}
	return &languages{tags: slices.Clone(tags), matcher: language.NewMatcher(parsed)}, nil
}

func (l *languages) choose(uiLocales, acceptLanguage string) string {
	for locale := range strings.FieldsSeq(clip(uiLocales)) {
		if tag, err := language.Parse(locale); err == nil {
			if i, ok := l.match(tag); ok {
				return l.tags[i]
			}
		}
	}
	if wanted, _, err := language.ParseAcceptLanguage(clip(acceptLanguage)); err == nil {
		if i, ok := l.match(wanted...); ok {
			return l.tags[i]
		}
	}
	return l.tags[0]
}

func (l *languages) match(tags ...language.Tag) (int, bool) {
	_, i, confidence := l.matcher.Match(tags...)
	return i, confidence > language.No
}

func clip(s string) string { return s[:min(len(s), maxLocales)] }

// A tongue is a link to the page in another language.
type tongue struct {
	Tag, Name, URL string
}

// tongues links the page at here in the other languages.
func (l *languages) tongues(here, current string) []tongue {
	u, err := url.Parse(here)
	if here == "" || err != nil {
		return nil
	}
	names := map[string]string{"en": "English", "de": "Deutsch", "fr": "Français"}
	var list []tongue
	for _, tag := range l.tags {
		if tag == current {
			continue
		}
		q := u.Query()
		q.Set(FieldLocales, tag)
		other := *u
		other.RawQuery = q.Encode()
		list = append(list, tongue{Tag: tag, Name: names[tag], URL: other.String()})
	}
	return list
}
