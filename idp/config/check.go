package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatewright/gate/design"
)

// Check reads a file and tells all that is wrong with it at once: what [Load]
// refuses, and the files that [Config.Missing] does not find. The variables are
// those of the seed that are not set. There is a configuration when there is no
// error.
func Check(file string) (c *Config, variables []string, err error) {
	src, err := os.ReadFile(file) //nolint:gosec // the path is the operator's choice
	if err != nil {
		return nil, nil, err
	}
	k := read(file, src, os.LookupEnv)
	variables = k.missing()
	if err := k.errs.Err(); err != nil {
		return nil, variables, err
	}
	return k.Config, variables, nil
}

// A checker collects what is wrong with a file.
type checker struct {
	*Config
	errs   *design.Errors
	broken []string          // paths of what could not be read, or was meant by a key that nobody knows
	docs   map[string]string // what the keys are for
}

// read reads and checks a file. What can be read is checked, too, when another
// part cannot.
func read(file string, src []byte, lookup func(name string) (string, bool)) *checker {
	c := &Config{file: file, dir: filepath.Dir(file), lookup: lookup, at: map[string]design.Position{}}
	k := &checker{Config: c, errs: new(design.Errors), docs: map[string]string{}}
	root := readYAML(file, src, k.errs)
	if root == nil {
		if len(k.errs.Problems) == 0 {
			k.errs.Add(design.Position{File: file, Line: 1, Column: 1}, "", "the file is empty", "a provider needs an issuer")
		}
		return k
	}
	d := &decoder{errs: k.errs, at: c.at, docs: k.docs}
	d.value(root, "", reflect.ValueOf(c).Elem())
	k.broken = d.broken
	c.environment()
	if k.sound("") {
		k.issuer()
		k.addresses()
		k.database()
		k.tls()
		k.mail()
		k.looks()
		k.seed()
	}
	return k
}

// environment takes what the environment says in place of the file.
func (c *Config) environment() {
	for _, v := range []struct {
		name, path string
		into       *string
	}{
		{EnvDatabase, "database", &c.Database}, {EnvMailURL, "mail.url", &c.Mail.URL}, {EnvMailFrom, "mail.from", &c.Mail.From},
	} {
		if value := c.variable(v.name); value != "" {
			*v.into = value
			c.at[v.path] = design.Position{File: v.name} // with no line
		}
	}
}

// inFile reports whether a value comes from the file.
func (c *Config) inFile(path string) bool { return c.at[path].Line > 0 }

// problem tells what is wrong with the value at a path, by its name, and what to
// do about it: what the key is for, where the hint says nothing else. Of a value
// that could not be read that has been told.
func (c *checker) problem(path, hint, format string, args ...any) {
	if !c.sound(path) {
		return
	}
	message := fmt.Sprintf(format, args...)
	if !strings.Contains(message, keyOf(path)) {
		message = path + ": " + message
	}
	if hint == "" {
		hint = docOf(c.docs, path)
	}
	c.errs.Add(c.place(path), path, message, hint)
}

// place returns where a value stands, or what it would stand in.
func (c *checker) place(path string) design.Position {
	for at := path; ; at = above(at) {
		if found, ok := c.at[at]; ok {
			return found
		}
		if at == "" {
			return design.Position{File: c.file}
		}
	}
}

// sound reports whether the value at a path, all that is in it and what it is in
// could be read; the whole file is sound if it is a mapping.
func (c *checker) sound(path string) bool {
	return !slices.ContainsFunc(c.broken, func(b string) bool { return path != "" && within(b, path) || within(path, b) })
}

// within reports whether a path is that of a value or of something in it.
func within(path, of string) bool {
	rest, ok := strings.CutPrefix(path, of)
	return ok && (rest == "" || of == "" || rest[0] == '.' || rest[0] == '[')
}

// above returns the path of what a value is in.
func above(path string) string {
	cut := strings.LastIndexByte(path, '.')
	switch {
	case strings.HasSuffix(path, `"]`):
		cut = strings.LastIndex(path, `["`)
	case strings.HasSuffix(path, "]"):
		cut = strings.LastIndexByte(path, '[')
	}
	return path[:max(0, cut)]
}

// keyOf returns the key that a value is under, without its place in a list.
func keyOf(path string) string {
	for strings.HasSuffix(path, "]") && !strings.HasSuffix(path, `"]`) {
		path = above(path)
	}
	return strings.TrimPrefix(strings.TrimPrefix(path, above(path)), ".")
}

// docOf returns what the key is for that a value is under, as a hint.
func docOf(docs map[string]string, path string) string {
	for strings.HasSuffix(path, "]") {
		path = above(path)
	}
	if docs[path] == "" {
		path = above(path) // of a mapping whose keys are the operator's
	}
	doc := strings.TrimSuffix(docs[path], ".")
	if doc == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(doc)
	if second, _ := utf8.DecodeRuneInString(doc[size:]); unicode.IsUpper(second) {
		return doc // PEM, SQLite
	}
	return string(unicode.ToLower(first)) + doc[size:]
}
