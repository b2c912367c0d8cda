package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"sync"
)

// A macKey computes HMACs with one secret. Hashes that have swallowed the secret
// are kept, so that the next one need not.
type macKey struct {
	states sync.Pool // of *macState
}

type macState struct {
	hash hash.Hash
	sum  [sha512.Size]byte
}

// newMACKey keeps secret, which nobody changes.
func newMACKey(h crypto.Hash, secret []byte) *macKey {
	return &macKey{states: sync.Pool{New: func() any {
		return &macState{hash: hmac.New(h.New, secret)}
	}}}
}

// state returns a state with the HMAC of input in sum.
func (m *macKey) state(input []byte) (st *macState, sum []byte) {
	st = m.states.Get().(*macState) //nolint:forcetypeassert // the pool holds nothing else
	st.hash.Reset()
	st.hash.Write(input)
	return st, st.hash.Sum(st.sum[:0])
}

func (m *macKey) verify(input, sig []byte) bool {
	st, sum := m.state(input)
	ok := subtle.ConstantTimeCompare(sum, sig) == 1
	m.states.Put(st)
	return ok
}

func (m *macKey) sign(input []byte) []byte {
	st, sum := m.state(input)
	sig := append([]byte(nil), sum...)
	m.states.Put(st)
	return sig
}

// digest appends the hash of input to dst.
func digest(dst []byte, h crypto.Hash, input []byte) []byte {
	switch h {
	case crypto.SHA256:
		sum := sha256.Sum256(input)
		return append(dst, sum[:]...)
	case crypto.SHA384:
		sum := sha512.Sum384(input)
		return append(dst, sum[:]...)
	default:
		sum := sha512.Sum512(input)
		return append(dst, sum[:]...)
	}
}

// verify reports whether sig is the signature of input.
func (k *Key) verify(input, sig []byte) bool {
	if k.mac != nil {
		return k.mac.verify(input, sig)
	}
	if public, ok := k.public.(ed25519.PublicKey); ok {
		return ed25519.Verify(public, input, sig) // of 64 bytes exactly
	}
	var buf [sha512.Size]byte
	sum := digest(buf[:0], k.scheme.hash, input)
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		if k.scheme.family == familyPSS {
			return rsa.VerifyPSS(public, k.scheme.hash, sum, sig, pssOptions(k.scheme.hash)) == nil
		}
		return rsa.VerifyPKCS1v15(public, k.scheme.hash, sum, sig) == nil
	case *ecdsa.PublicKey:
		der, ok := derSignature(sig, coordinateSize(public))
		return ok && ecdsa.VerifyASN1(public, sum, der)
	default:
		return false
	}
}

// sign returns the signature of input.
func (k *Key) sign(input []byte) ([]byte, error) {
	if k.mac != nil {
		return k.mac.sign(input), nil
	}
	if k.private == nil {
		return nil, errors.New("the key can only verify")
	}
	switch k.scheme.family {
	case familyEd25519:
		return k.private(rand.Reader, input, crypto.Hash(0))
	case familyPSS:
		return k.private(rand.Reader, digest(nil, k.scheme.hash, input), pssOptions(k.scheme.hash))
	case familyRSA:
		return k.private(rand.Reader, digest(nil, k.scheme.hash, input), k.scheme.hash)
	default:
		der, err := k.private(rand.Reader, digest(nil, k.scheme.hash, input), k.scheme.hash)
		if err != nil {
			return nil, err
		}
		public, _ := k.public.(*ecdsa.PublicKey)
		return rawSignature(der, coordinateSize(public))
	}
}

// pssOptions are those of RFC 7518 §3.5: the salt is as long as the hash.
func pssOptions(h crypto.Hash) *rsa.PSSOptions {
	return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}
}

// coordinateSize returns the size of one number of the key's curve, in bytes.
func coordinateSize(public *ecdsa.PublicKey) int {
	return (public.Curve.Params().BitSize + 7) / 8
}

// derSignature turns a signature of two numbers of exactly size bytes each
// (RFC 7518 §3.4) into what crypto/ecdsa takes; that refuses numbers out of
// range.
func derSignature(sig []byte, size int) ([]byte, bool) {
	if len(sig) != 2*size {
		return nil, false
	}
	body := make([]byte, 3, 2*size+12)
	body = appendInteger(body, sig[:size])
	body = appendInteger(body, sig[size:])
	n := byte(len(body) - 3) //nolint:gosec // at most 2*(2+1+66)
	if n < 0x80 {
		body[1], body[2] = 0x30, n
		return body[1:], true
	}
	body[0], body[1], body[2] = 0x30, 0x81, n
	return body, true
}

// appendInteger appends an unsigned number as a DER integer of less than 128
// bytes.
func appendInteger(b, number []byte) []byte {
	for len(number) > 1 && number[0] == 0 {
		number = number[1:]
	}
	sign := number[0] >> 7                      // a leading one would make it negative
	b = append(b, 0x02, byte(len(number))+sign) //nolint:gosec // at most 66
	if sign == 1 {
		b = append(b, 0)
	}
	return append(b, number...)
}

// rawSignature is the inverse of derSignature.
func rawSignature(der []byte, size int) ([]byte, error) {
	var sig struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &sig); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("the signer's ECDSA signature is not ASN.1: %w", err)
	}
	if sig.R.Sign() <= 0 || sig.S.Sign() <= 0 || sig.R.BitLen() > 8*size || sig.S.BitLen() > 8*size {
		return nil, errors.New("the signer's ECDSA signature is out of range")
	}
	raw := make([]byte, 2*size)
	sig.R.FillBytes(raw[:size])
	sig.S.FillBytes(raw[size:])
	return raw, nil
}

func newInt(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
