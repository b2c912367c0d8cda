package crud

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// Bounds of cursors, in bytes.
const (
	maxPosition   = 4 << 10 // what rows are sorted by
	maxCursor     = 6 << 10
	cursorVersion = 1
	cursorSalt    = 16
)

// SealCursors says which key the cursors of pages are sealed with, of 32 bytes;
// without it they are by one that no other process has. Processes that serve the
// same rows need the same key. Call it before the first request.
func (r *engine) SealCursors(key []byte) { r.cursors = sealer{slices.Clone(key)} }

// sealer seals positions. A cursor has the values that rows are sorted by at the end
// of a page: nobody but the one who got it can use it, and only for the question that
// it is of.
type sealer struct{ key []byte }

func newSealer() sealer {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it never fails
	return sealer{key}
}

// aead returns the cipher of one cursor. Its key is used once, as it is made of the
// salt and of the context, so that the nonce is always the same.
func (s sealer) aead(salt, context []byte) (cipher.AEAD, error) {
	digest := sha256.Sum256(context)
	key, err := hkdf.Key(sha256.New, s.key, salt, "gatewright: cursor "+string(digest[:]), 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal makes a cursor that opens in that context alone.
func (s sealer) seal(context, position []byte) (string, error) {
	out := make([]byte, 1+cursorSalt, 1+cursorSalt+len(position)+16)
	out[0] = cursorVersion
	_, _ = rand.Read(out[1:]) // it never fails
	aead, err := s.aead(out[1:], context)
	if err != nil {
		return "", err
	}
	out = aead.Seal(out, make([]byte, aead.NonceSize()), position, nil) //nolint:gosec // the key seals nothing else
	return base64.RawURLEncoding.EncodeToString(out), nil
}

// open returns the position of a cursor that was made in that context.
func (s sealer) open(context []byte, text string) ([]byte, bool) {
	if len(text) > maxCursor {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < 1+cursorSalt || raw[0] != cursorVersion {
		return nil, false
	}
	aead, err := s.aead(raw[1:1+cursorSalt], context)
	if err != nil {
		return nil, false
	}
	position, err := aead.Open(nil, make([]byte, aead.NonceSize()), raw[1+cursorSalt:], nil)
	return position, err == nil
}

// A turn is a page by cursor on its way.
type turn struct {
	context []byte
	total   int64 // as the page has it that was asked first; -1: not known
}

// turn finds out where a page by cursor begins. The context of its cursors is who
// asks, in which tenant, for what, and of which row when rows of that alone are meant.
func (r *engine) turn(c caller, plan *query.Plan, of string) (turn, error) {
	t := turn{total: -1}
	who := c.subject()
	if c.system {
		who = "\x00system" // which is nobody's subject
	}
	for _, word := range []string{who, r.rules.policy.Tenant(c.principal), of} {
		t.context = append(strconv.AppendInt(t.context, int64(len(word)), 10), ':')
		t.context = append(t.context, word...)
	}
	t.context = plan.AppendShape(t.context)
	if plan.Cursor.Text == "" {
		return t, nil
	}
	position, ok := r.cursors.open(t.context, plan.Cursor.Text)
	var values []json.RawMessage
	if !ok || json.Unmarshal(position, &values) != nil || len(values) == 0 || json.Unmarshal(values[0], &t.total) != nil || plan.From(values[1:]) != nil {
		return t, badRequest(model.Problems{{
			Code:    model.CodeFormat,
			Message: "the cursor is none of this list, with these conditions and this order, for you: begin without it",
		}})
	}
	return t, nil
}

// cut takes off the row that tells that there are more, and puts those of a page that
// ends at a cursor into their order.
func cut(plan *query.Plan, data []record) (_ []record, more bool) {
	if plan.Cursor == nil {
		return data, false
	}
	if more = len(data) > plan.Limit; more {
		data = data[:plan.Limit]
	}
	if plan.Backward() {
		slices.Reverse(data)
	}
	return data, more
}

// turned tells where the pages before and behind a page are.
func (r *engine) turned(t turn, plan *query.Plan, rows *Rows, data []record, more bool) error {
	rows.Paged = true
	if len(data) == 0 {
		return nil
	}
	next, previous := more, plan.Begun()
	if plan.Backward() {
		next, previous = previous, next
	}
	total := rows.Total
	if plan.NoTotal {
		total = t.total
	}
	var err error
	if next {
		if rows.Next, err = r.cursorAt(t, plan, data[len(data)-1], total); err != nil {
			return err
		}
	}
	if previous {
		rows.Previous, err = r.cursorAt(t, plan, data[0], total)
	}
	return err
}

// cursorAt makes the cursor of a row.
func (r *engine) cursorAt(t turn, plan *query.Plan, row record, total int64) (string, error) {
	position := strconv.AppendInt([]byte{'['}, total, 10)
	for _, f := range plan.Position() {
		field, p := r.field(row, f)
		position = field.AppendJSON(append(position, ','), p)
	}
	if position = append(position, ']'); len(position) > maxPosition {
		return "", badRequest(model.Problems{{
			Code:    model.CodeTooLong,
			Message: "a value that the rows are sorted by is too long for a cursor: sort by a shorter field, or page by number",
		}})
	}
	return r.cursors.seal(t.context, position)
}
