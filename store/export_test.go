package store

import "time"

// Split returns the statements of a script, for tests.
func Split(d Dialect, script string) (texts []string, lines []int, err error) {
	all, err := split(d, script)
	for _, st := range all {
		texts = append(texts, st.text)
		lines = append(lines, st.line)
	}
	return texts, lines, err
}

// NoticeMigrations has the log say after that time that a migration waits. It returns
// what undoes that.
func NoticeMigrations(after time.Duration) (undo func()) {
	before := migrationNotice
	migrationNotice = after
	return func() { migrationNotice = before }
}
