package gate

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Credentials are what somebody presents: the name of a strategy and the
// fields it asked for. They hold secrets, so printing, logging or encoding
// them shows the strategy and nothing else. The zero value presents nothing.
type Credentials struct {
	// Strategy is the name of the strategy that is to judge.
	Strategy string
	// Fields are what was sent, as decoded from JSON: nothing here has been
	// checked, not even its type. Read them with [Credentials.Text].
	Fields map[string]any

	texts [2]textField // what a Parser found; see SetText
}

type textField struct{ name, value string }

// SetText sets a field to a string, for a [Parser] to report what it found. It
// keeps two fields without making a map, which would cost more than the rest
// of parsing. A field set so hides one of the same name in Fields.
func (c *Credentials) SetText(name, value string) {
	for i := range c.texts {
		if t := &c.texts[i]; t.name == "" || t.name == name {
			*t = textField{name, value}
			return
		}
	}
	if c.Fields == nil {
		c.Fields = make(map[string]any)
	}
	c.Fields[name] = value
}

// Text returns the field called name, or "" when there is none. A field that
// is not a string is refused with [ErrBadRequest]: an object or a list must
// never reach a query or a comparison.
func (c Credentials) Text(name string) (string, error) {
	for i := range c.texts {
		if c.texts[i].name == name && name != "" {
			return c.texts[i].value, nil
		}
	}
	v, ok := c.Fields[name]
	if !ok {
		return "", nil
	}
	s, ok := v.(string)
	if !ok {
		return "", &AuthError{Code: ErrBadRequest, Message: fmt.Sprintf("%q must be a string", name)}
	}
	return s, nil
}

// String returns a text that is safe to print.
func (c Credentials) String() string { return "credentials for " + fmt.Sprintf("%q", c.Strategy) }

// Format implements [fmt.Formatter]: every verb prints what [Credentials.String] returns.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue implements [slog.LogValuer] without the fields.
func (c Credentials) LogValue() slog.Value {
	return slog.GroupValue(slog.String("strategy", c.Strategy))
}

// MarshalJSON encodes the strategy without the fields.
func (c Credentials) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Strategy string `json:"strategy"`
	}{c.Strategy})
}
