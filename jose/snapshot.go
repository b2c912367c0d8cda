package jose

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
)

// few is how many keys are looked through faster than a map is asked.
const few = 8

// A slot is a key in a set.
type slot struct {
	kid   string
	key   *Key
	until int64 // when a retired key is over, in milliseconds since 1970; else 0
	state KeyState
}

func (e slot) signing() bool { return e.state == KeySigning }

// find returns the slot of the key named kid, nil when there is none.
func find(list []slot, kid string) *slot {
	for i := range list {
		if list[i].kid == kid {
			return &list[i]
		}
	}
	return nil
}

// A snapshot is what a set is at one moment; it does not change. Retired keys
// stay in it after their time, until the next change.
type snapshot struct {
	list    []slot           // in the order in which they were added
	byID    map[string]*slot // only when there are many
	signing *Key
	public  document
}

// nothing is what an empty set is.
var nothing = newSnapshot(nil)

func newSnapshot(list []slot) *snapshot {
	n := &snapshot{list: list, public: newDocument(list)}
	if i := slices.IndexFunc(list, slot.signing); i >= 0 {
		n.signing = list[i].key
	}
	if len(list) > few {
		n.byID = make(map[string]*slot, len(list))
		for i := range list {
			n.byID[list[i].kid] = &list[i]
		}
	}
	return n
}

func (n *snapshot) find(kid string) *slot {
	if n.byID != nil {
		return n.byID[kid]
	}
	return find(n.list, kid)
}

// alive returns the keys whose time has not come. The list is not the caller's
// own.
func (n *snapshot) alive(s *KeySet) []slot {
	over := func(e slot) bool { return s.over(&e) }
	if !slices.ContainsFunc(n.list, over) {
		return n.list
	}
	return slices.DeleteFunc(slices.Clone(n.list), over)
}

// A document is a JWKS and its tag (RFC 9110 §8.8.3).
type document struct {
	body []byte
	etag string
}

func newDocument(list []slot) document {
	body := []byte(`{"keys":[`)
	for _, e := range list {
		if e.key.Symmetric() {
			continue
		}
		if body[len(body)-1] != '[' {
			body = append(body, ',')
		}
		body = e.key.appendPublic(body)
	}
	body = append(body, `]}`...)
	sum := sha256.Sum256(body)
	return document{body, `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`}
}
