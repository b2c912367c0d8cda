package tenant

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The formats of [ExportOptions].
const (
	JSONLines = "json" // one JSON object a line
	CSV       = "csv"
)

// ExportOptions say what [Store.ExportUsers] writes. The zero value means every
// user with the usual fields, as JSON.
type ExportOptions struct {
	// Connection is the name of the connection of the first identity; empty
	// means all.
	Connection string
	// Fields are what is written of each user; empty means everything in JSON,
	// and the fields of the profile in CSV.
	Fields []ExportField
	// Format is JSONLines or CSV; empty means JSONLines.
	Format string
	// Hashes adds password_hash, and gate_unproven where it may be that of a
	// stranger, as [Store.ImportUsers] reads them, to JSON without Fields.
	Hashes bool
	// Limit is the most users; zero means all.
	Limit int
}

// An ExportField is one field of an export.
type ExportField struct {
	// Name is the path of a member: email, user_metadata.plan,
	// identities[0].connection.
	Name string `json:"name"`
	// As is the name it is written under; empty means Name.
	As string `json:"export_as,omitempty"`
}

// exportBatch is how many users are in memory at a time.
const exportBatch = 500

// ExportUsers writes users to w, the oldest first. Users who are created or
// changed meanwhile are written as they are when their turn comes. Texts in CSV
// that a spreadsheet would take for a formula begin with an apostrophe.
func (s *Store) ExportUsers(ctx context.Context, w io.Writer, opts ExportOptions) error {
	out, err := newUserWriter(w, opts)
	if err != nil {
		return err
	}
	left := opts.Limit
	err = s.eachUser(ctx, opts.Connection, func(u *User) error {
		if opts.Limit > 0 {
			if left == 0 {
				return errEnough
			}
			left--
		}
		return out.user(u)
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return out.end()
}

const errEnough Error = "enough users"

// eachUser calls fn with each user of a connection, the oldest first.
func (s *Store) eachUser(ctx context.Context, connection string, fn func(*User) error) error {
	var created int64
	var id string
	for {
		list, err := s.users(ctx, "SELECT "+userColumns+` FROM idp_users u WHERE (u.created_at, u.id) > ($1, $2)
			AND ($3 = '' OR u.connection = $3) ORDER BY u.created_at, u.id LIMIT $4`, created, id, connection, exportBatch)
		if err != nil {
			return err
		}
		for _, u := range list {
			if err := fn(u); err != nil {
				return err
			}
		}
		if len(list) < exportBatch {
			return nil
		}
		last := list[len(list)-1]
		created, id = millis(last.CreatedAt), last.ID
	}
}

// A userWriter writes users in one of the formats.
type userWriter struct {
	opts ExportOptions
	json *json.Encoder
	csv  *csv.Writer
}

// csvFields are the fields of CSV when none are named.
//
//nolint:gochecknoglobals // constant
var csvFields = []string{
	"user_id", "email", "email_verified", "username", "name", "nickname", "given_name", "family_name", "picture",
	"identities[0].connection", "blocked", "created_at", "updated_at", "last_login", "logins_count",
}

func newUserWriter(w io.Writer, opts ExportOptions) (*userWriter, error) {
	out := &userWriter{opts: opts}
	switch opts.Format {
	case "", JSONLines:
		out.json = json.NewEncoder(w)
		out.json.SetEscapeHTML(false)
		return out, nil
	case CSV:
		out.csv = csv.NewWriter(w)
	default:
		return nil, fmt.Errorf("tenant: unknown format %q of an export", opts.Format)
	}
	if len(opts.Fields) == 0 {
		for _, name := range csvFields {
			out.opts.Fields = append(out.opts.Fields, ExportField{Name: name})
		}
	}
	head := make([]string, len(out.opts.Fields))
	for i, f := range out.opts.Fields {
		head[i] = inert(f.name())
	}
	return out, out.csv.Write(head)
}

func (f ExportField) name() string {
	if f.As != "" {
		return f.As
	}
	return f.Name
}

func (out *userWriter) user(u *User) error {
	if out.json != nil && len(out.opts.Fields) == 0 {
		return out.json.Encode(whole(u, out.opts.Hashes))
	}
	data, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("encode user: %w", err)
	}
	var doc any
	if err := json.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("encode user: %w", err)
	}
	if out.csv != nil {
		record := make([]string, len(out.opts.Fields))
		for i, f := range out.opts.Fields {
			record[i] = cell(valueAt(doc, f.Name))
		}
		return out.csv.Write(record)
	}
	object := map[string]any{}
	for _, f := range out.opts.Fields {
		if value := valueAt(doc, f.Name); value != nil {
			object[f.name()] = value
		}
	}
	return out.json.Encode(object)
}

// whole returns a user as JSON is written without a choice of fields.
func whole(u *User, hashes bool) *User {
	if !hashes {
		return u
	}
	for _, id := range u.Identities {
		if id.PasswordHash != "" {
			if u.Extra == nil {
				u.Extra = Extra{}
			}
			u.Extra["password_hash"], _ = json.Marshal(id.PasswordHash) // a string always encodes
			if delete(u.Extra, unprovenMember); id.Unproven != "" {
				u.Extra[unprovenMember], _ = json.Marshal(id.Unproven)
			}
			break
		}
	}
	return u
}

func (out *userWriter) end() error {
	if out.csv == nil {
		return nil
	}
	out.csv.Flush()
	return out.csv.Error()
}

// valueAt returns the value at a path such as identities[0].connection, nil
// when there is none.
func valueAt(doc any, path string) any {
	path = strings.ReplaceAll(strings.ReplaceAll(path, "[", "."), "]", "")
	for segment := range strings.SplitSeq(path, ".") {
		switch value := doc.(type) {
		case map[string]any:
			doc = value[segment]
		case []any:
			i, err := strconv.Atoi(segment)
			if err != nil || i < 0 || i >= len(value) {
				return nil
			}
			doc = value[i]
		default:
			return nil
		}
	}
	return doc
}

// cell returns a value as the text of a cell.
func cell(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return inert(value)
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(value)
	}
	data, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return inert(string(data))
}

// inert keeps a spreadsheet from reading a text as a formula, also where it
// reads full-width signs as such: at the beginning, and behind what ends a cell
// or a row where semicolons or tabs do and the quotes around a cell with commas
// mean nothing.
func inert(text string) string {
	var b strings.Builder
	begins := true
	for i, r := range text {
		if begins && (strings.ContainsRune("=+-@|%＝＋－＠", r) || i == 0 && strings.ContainsRune("\t\r\n\x00", r)) {
			b.WriteByte('\'')
		}
		b.WriteRune(r)
		begins = strings.ContainsRune(";\t\r\n", r)
	}
	return b.String()
}
