package realtime

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
)

// eventIDs makes identifiers of the places of events in their order. A place counts
// everybody's changes, so it is sealed, with a key of this process: clients cannot tell
// how much lies between two of them, nor whether two are the same place.
type eventIDs struct{ seal cipher.AEAD }

func newEventIDs() (eventIDs, error) {
	key := make([]byte, 16)
	_, _ = rand.Read(key) // never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		return eventIDs{}, err
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	return eventIDs{seal}, err
}

// id returns another identifier of the place with each call.
func (e eventIDs) id(seq uint64) string {
	place := binary.BigEndian.AppendUint64(nil, seq)
	return base64.RawURLEncoding.EncodeToString(e.seal.Seal(nil, nil, place, nil)) //nolint:gosec // it makes the nonce itself
}

// parse returns the place in an identifier of this process.
func (e eventIDs) parse(id string) (seq uint64, ok bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		return 0, false
	}
	place, err := e.seal.Open(nil, nil, sealed, nil)
	if err != nil {
		return 0, false
	}
	return binary.BigEndian.Uint64(place), true
}
