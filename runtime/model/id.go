package model

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// IDKind says what identifiers look like and who makes them.
type IDKind uint8

// The kinds of identifiers.
const (
	UUID   IDKind = iota // RFC 9562 §5.7, version 7: sorts by time of creation
	CUID2                // 24 letters and digits, random
	ULID                 // 26 letters and digits: sorts by time of creation
	Serial               // a number, counted by the database
)

var idKindNames = [...]string{"uuid", "cuid2", "ulid", "serial"}

// String returns the name of the kind as a design spells it.
func (k IDKind) String() string {
	if int(k) < len(idKindNames) {
		return idKindNames[k]
	}
	return fmt.Sprintf("IDKind(%d)", k)
}

const (
	base36    = "0123456789abcdefghijklmnopqrstuvwxyz"
	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	// alphanumeric is spelt out, because lower-casing turns the sign for Kelvin
	// into an ASCII letter.
	alphanumeric = base36 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

	cuidSize = 24
	ulidSize = 26
	uuidSize = 36
)

// New returns a new identifier; for [Serial] it is empty, because the database
// makes those. now is the time in those that carry one.
func (k IDKind) New(now time.Time) string {
	switch k {
	case UUID:
		return newUUID(now)
	case CUID2:
		return newCUID2()
	case ULID:
		return newULID(now)
	default:
		return ""
	}
}

// Parse returns id in the one spelling under which rows are stored, and whether
// it is an identifier of this kind at all.
func (k IDKind) Parse(id string) (string, bool) {
	switch k {
	case UUID:
		id = strings.ToLower(id)
		return id, isUUID(id)
	case CUID2:
		return id, len(id) >= 2 && len(id) <= 32 && id[0] >= 'a' && id[0] <= 'z' && onlyOf(id, base36)
	case ULID:
		id = strings.ToUpper(id)
		return id, len(id) == ulidSize && id[0] <= '7' && onlyOf(id, crockford)
	default:
		n, err := strconv.ParseInt(id, 10, 64)
		return id, err == nil && n > 0 && strconv.FormatInt(n, 10) == id
	}
}

// newUUID fills the 12 bits behind the milliseconds with the fraction of the
// millisecond (RFC 9562 §6.2, method 3), so that ids of one process sort.
func newUUID(now time.Time) string {
	var u [16]byte
	_, _ = rand.Read(u[8:]) // never fails
	nanos := now.UnixNano()
	ms := nanos / int64(time.Millisecond)
	frac := nanos % int64(time.Millisecond) * 4096 / int64(time.Millisecond)
	binary.BigEndian.PutUint64(u[:8], uint64(ms)<<16|uint64(frac))
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80

	var text [uuidSize]byte
	hex.Encode(text[0:8], u[0:4])
	hex.Encode(text[9:13], u[4:6])
	hex.Encode(text[14:18], u[6:8])
	hex.Encode(text[19:23], u[8:10])
	hex.Encode(text[24:36], u[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

func isUUID(id string) bool {
	if len(id) != uuidSize {
		return false
	}
	for i := range len(id) {
		c := id[i]
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}

func newCUID2() string {
	var text [cuidSize]byte
	text[0] = letter(base36[10:])
	for i := 1; i < cuidSize; i++ {
		text[i] = letter(base36)
	}
	return string(text[:])
}

// letter returns one of the letters, each as likely as the others.
func letter(letters string) byte {
	var b [1]byte
	limit := 256 - 256%len(letters)
	for {
		_, _ = rand.Read(b[:]) // never fails
		if int(b[0]) < limit {
			return letters[int(b[0])%len(letters)]
		}
	}
}

func newULID(now time.Time) string {
	var text [ulidSize]byte
	ms := uint64(now.UnixMilli())
	for i := 9; i >= 0; i-- {
		text[i] = crockford[ms&31]
		ms >>= 5
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	for i, b := range random {
		text[10+i] = crockford[b&31]
	}
	return string(text[:])
}

func onlyOf(s, letters string) bool {
	for i := range len(s) {
		if strings.IndexByte(letters, s[i]) < 0 {
			return false
		}
	}
	return true
}
