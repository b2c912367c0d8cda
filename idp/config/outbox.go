package config

import (
	"errors"
	"os"
)

// ErrNoMail is returned by [Config.Open] when nothing says how letters are sent.
var ErrNoMail = errors.New("nothing says how letters are sent")

// hasOutbox reports whether a provider in development that was told nothing of
// letters has put some into its folder here: commands put theirs beside them.
func (c *Config) hasOutbox() bool {
	if c.Mail.URL != "" || !c.Local() {
		return false
	}
	at, err := os.Stat(c.path("outbox"))
	return err == nil && at.IsDir()
}
