package login

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A speaker has all messages in one language.
//
// A message is a whole sentence. {name} is a slot, *…* is strong, and [words](name)
// is a link to the address of that name, or just the words when the page has none.
type speaker struct {
	lang     string
	messages map[string]string
}

// slotPattern finds slots, linkPattern links, markPattern either.
var (
	slotPattern = regexp.MustCompile(`\{([a-z_]+)\}`)
	linkPattern = regexp.MustCompile(`\[([^\]]*)\]\(([a-z_]+)\)`)
	markPattern = regexp.MustCompile(linkPattern.String() + "|" + slotPattern.String())
)

// Keys returns the keys of all messages, sorted.
func Keys() []string {
	messages, err := readTexts("en")
	if err != nil {
		panic("login: " + err.Error()) // the file is part of the program
	}
	return slices.Sorted(maps.Keys(messages))
}

func readTexts(lang string) (map[string]string, error) {
	data, err := files.ReadFile("texts/" + lang + ".json")
	if err != nil {
		return nil, err
	}
	var messages map[string]string
	if err := json.Unmarshal(data, &messages); err != nil {
		return nil, fmt.Errorf("texts/%s.json: %w", lang, err)
	}
	return messages, nil
}

// speakers reads the texts of the languages and replaces single ones.
func speakers(tags []string, replaced map[string]map[string]string) (map[string]*speaker, error) {
	all := make(map[string]*speaker)
	var errs []error
	for _, tag := range tags {
		messages, err := readTexts(tag)
		if err != nil {
			return nil, err
		}
		all[tag] = &speaker{lang: tag, messages: messages}
	}
	for _, tag := range slices.Sorted(maps.Keys(replaced)) {
		if all[tag] == nil {
			errs = append(errs, fmt.Errorf("texts: language %q is not offered", tag))
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(replaced[tag])) {
			errs = append(errs, all[tag].replace(key, replaced[tag][key]))
		}
	}
	return all, errors.Join(errs...)
}

func (s *speaker) replace(key, text string) error {
	old, ok := s.messages[key]
	switch {
	case !ok:
		return fmt.Errorf("texts: %s: there is no message %q", s.lang, key)
	case strings.TrimSpace(text) == "":
		return fmt.Errorf("texts: %s: message %q is empty", s.lang, key)
	}
	known := append(names(slotPattern, 1, old), "application", "tenant", "host")
	for _, slot := range names(slotPattern, 1, text) {
		if !slices.Contains(known, slot) {
			return fmt.Errorf("texts: %s: message %q has no slot {%s}", s.lang, key, slot)
		}
	}
	for _, link := range names(linkPattern, 2, text) {
		if !slices.Contains(names(linkPattern, 2, old), link) {
			return fmt.Errorf("texts: %s: message %q has no link (%s)", s.lang, key, link)
		}
	}
	s.messages[key] = text
	return nil
}

// names lists what a group of a pattern finds.
func names(pattern *regexp.Regexp, group int, text string) []string {
	var list []string
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		list = append(list, match[group])
	}
	return list
}

func (s *speaker) has(key string) bool { return s.messages[key] != "" }

// plain returns a message without marks, for where no markup is possible.
func (s *speaker) plain(key string, slots map[string]string) string {
	text := strings.ReplaceAll(linkPattern.ReplaceAllString(s.messages[key], "$1"), "*", "")
	return fill(text, slots, func(value string) string { return value })
}

// rich returns a message as HTML. The message, the values of its slots and the
// addresses of its links are escaped; the tags are those of this function.
func (s *speaker) rich(key string, slots, links map[string]string) template.HTML {
	text := template.HTMLEscapeString(s.messages[key])
	for i := 0; strings.Contains(text, "*"); i++ {
		text = strings.Replace(text, "*", [2]string{"<strong>", "</strong>"}[i%2], 1)
	}
	value := func(v string) string { return "<bdi>" + template.HTMLEscapeString(v) + "</bdi>" }
	// one pass: what is put in is never searched for marks
	text = markPattern.ReplaceAllStringFunc(text, func(mark string) string {
		m := linkPattern.FindStringSubmatch(mark)
		if m == nil {
			return fill(mark, slots, value)
		}
		words := fill(m[1], slots, value)
		if address := links[m[2]]; address != "" {
			return `<a href="` + template.HTMLEscapeString(address) + `"` + rel(address) + `>` + words + `</a>`
		}
		return words
	})
	return template.HTML(text) //nolint:gosec // the message, the values and the addresses are escaped above
}

// rel keeps what this page is from pages elsewhere.
func rel(address string) string {
	if strings.HasPrefix(address, "/") {
		return ""
	}
	return ` rel="noreferrer"`
}

// fill puts values into slots; a value is never searched for slots.
func fill(text string, slots map[string]string, write func(string) string) string {
	return slotPattern.ReplaceAllStringFunc(text, func(slot string) string {
		return write(slots[strings.Trim(slot, "{}")])
	})
}

// duration says a time in words, in its largest whole unit.
func (s *speaker) duration(d time.Duration) string {
	d = max(d, 0)
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if d >= unit.size && d%unit.size == 0 {
			return s.count(int(d/unit.size), unit.name)
		}
	}
	if d > 2*time.Minute {
		return s.count(int((d+time.Minute-1)/time.Minute), "minute")
	}
	return s.count(int((d+time.Second-1)/time.Second), "second")
}

// clock is a time of day: always in UTC, as nobody knows where the reader is, and says so.
const clock = "15:04\u00a0UTC"

// moment says a time with its date.
func (s *speaker) moment(t time.Time) string {
	t = t.UTC()
	day := strconv.Itoa(t.Day())
	if t.Day() == 1 && s.lang == "fr" {
		day = "1er"
	}
	return s.plain("unit.date", map[string]string{
		"day": day, "month": s.messages["unit.month."+strconv.Itoa(int(t.Month()))], "year": strconv.Itoa(t.Year()), "time": t.Format(clock),
	})
}

// count says how many; French has its singular for zero too.
func (s *speaker) count(n int, unit string) string {
	form := "other"
	if n == 1 || n == 0 && s.lang == "fr" {
		form = "one"
	}
	return strconv.Itoa(n) + "\u00a0" + s.messages["unit."+unit+"."+form]
}
