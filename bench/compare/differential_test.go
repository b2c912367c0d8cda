package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/jose"
)

// materials are the keys that the fuzzer's tokens are signed with.
var materials = sync.OnceValue(func() map[jose.Algorithm]*material {
	all := make(map[jose.Algorithm]*material)
	for _, alg := range algorithms() {
		m, err := newMaterial(alg, "k")
		if err != nil {
			panic(err)
		}
		all[alg] = m
	}
	return all
})

// A judge is how the three libraries see tokens of one algorithm.
type judge struct {
	m                    *material
	ours, golang, gojose verifier
}

func newJudge(tb testing.TB, alg jose.Algorithm) *judge {
	tb.Helper()
	m := materials()[alg]
	j := &judge{m: m}
	for _, v := range []struct {
		to   *verifier
		make func(*material) (verifier, error)
	}{
		{&j.ours, func(m *material) (verifier, error) { return newOurs(m, -1) }}, {&j.golang, newGolang}, {&j.gojose, newGoJose},
	} {
		var err error
		if *v.to, err = v.make(m); err != nil {
			tb.Fatal(err)
		}
	}
	return j
}

// check has all three judge a token: what ours accepts, both others accept.
func (j *judge) check(t *testing.T, token string) (accepted bool) {
	t.Helper()
	if j.ours(t.Context(), token) != nil {
		return false
	}
	if err := j.golang(t.Context(), token); err != nil {
		t.Errorf("%s: ours accepts %q, golang-jwt does not: %v", j.m.alg, token, err)
	}
	if err := j.gojose(t.Context(), token); err != nil && !bringsKey(token) {
		t.Errorf("%s: ours accepts %q, go-jose does not: %v", j.m.alg, token, err)
	}
	return true
}

// bringsKey reports whether a token has a key in its header. We read past it, and
// so does golang-jwt; go-jose reads it, and refuses what it does not like.
func bringsKey(token string) bool {
	head, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return false
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return false
	}
	return members["jwk"] != nil || members["x5c"] != nil
}

// signed returns a token with these parts and a signature that holds.
func (j *judge) signed(tb testing.TB, header, claims []byte) string {
	tb.Helper()
	enc := base64.RawURLEncoding.EncodeToString
	return j.sign(tb, enc(header)+"."+enc(claims))
}

// sign makes the signature with another library, which signs whatever it gets.
func (j *judge) sign(tb testing.TB, input string) string {
	tb.Helper()
	sig, err := signRaw(j.m, input)
	if err != nil {
		tb.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func goodHeader(alg jose.Algorithm) string {
	return fmt.Sprintf(`{"alg":%q,"typ":"at+jwt","kid":"k"}`, alg)
}

func goodClaims() string {
	now := time.Now().Unix()
	return fmt.Sprintf(`{"iss":%q,"aud":%q,"sub":"7","iat":%d,"exp":%d,"jti":"x","roles":["a"]}`, issuer, audience, now, now+3600)
}

// A mutation replaces the first old of a part by new.
type mutation struct{ old, new string }

// mutations are the seeds: what is known to be read in two ways.
func mutations() (header, claims []mutation) {
	header = []mutation{
		{"", ""},
		{`"alg":`, `"ALG":"none","alg":`},
		{`"alg":`, `"alg":"none","alg":`},
		{`"typ"`, `"crit":["exp"],"typ"`},
		{`"typ"`, `"crit":[],"typ"`},
		{`"typ"`, `"b64":false,"typ"`},
		{`"k"}`, `"k"}{}`},
		{`"k"}`, `"k"} `},
		{`{`, ` {`},
		{`at+jwt`, `JWT`},
		{`at+jwt`, `application/AT+JWT`},
		{`"k"`, `7`},
		{`"k"`, `""`},
		{`"k"`, `null`},
		{`"k"`, `"\u006b"`},
		{`"kid":"k"`, `"zip":"DEF"`},
		{`,"kid":"k"`, `,"jwk":{"kty":"oct","k":"AA"}`},
		{`"kid"`, `"x\ud800":1,"kid"`},
		{`"kid"`, "\"x\xff\":1,\"kid\""},
	}
	claims = []mutation{
		{"", ""},
		{`"exp":`, `"EXP":1,"exp":`},
		{`"exp":`, `"exp":1,"exp":`},
		{`"exp":1`, `"exp":-1`},
		{`"exp":1`, `"exp":1e400`},
		{`"exp":1`, `"exp":"1`},
		{`"exp":`, `"x":`},
		{`"exp":`, `"exp":null,"x":`},
		{`"exp":1`, `"exp":0.1e1`},
		{`"iat":1`, `"iat":9`},
		{`"iat":`, `"iat":null,"x":`},
		{`"iat":`, `"nbf":9999999999,"iat":`},
		{`"iat":`, `"nbf":1.5,"iat":`},
		{`"iat":`, `"nbf":1e3,"iat":`},
		{`"aud":"https://api.test"`, `"aud":[]`},
		{`"aud":"https://api.test"`, `"aud":["x","https://api.test"]`},
		{`"aud":"https://api.test"`, `"aud":["https://api.test",7]`},
		{`"aud":"https://api.test"`, `"aud":{"0":"https://api.test"}`},
		{`"aud":"`, `"aud":null,"x":"`},
		{`"iss":"https://issuer.test/"`, `"iss":["https://issuer.test/","x"]`},
		{`issuer.test/`, `issuer.test`},
		{`issuer.test`, `issuer.tes\u0074`},
		{`"iss"`, `"\u0069ss"`},
		{`}`, `}{}`},
		{`}`, `}x`},
		{`"7"`, `7`},
		{`"7"`, "\"\xff\""},
		{`"7"`, `"\ud800"`},
		{`"7"`, `"\u0000"`},
		{`"7"`, `null`},
		{`["a"]`, strings.Repeat("[", 20) + strings.Repeat("]", 20)},
		{`["a"]`, `1e999`},
		{`["a"]`, `01`},
		{`["a"]`, `[1,]`},
		{`"jti":"x"`, `"jti":7`},
		{`"jti":"x"`, `"Sub":"8"`},
	}
	return header, claims
}

// Seeds for the spelling of the whole token.
func spellings() []mutation {
	return []mutation{
		{"", ""}, {".", ".."}, {".", ".\n"}, {".", "\r\n."}, {"_", "/"}, {"-", "+"}, {"e", "e="}, {"e", "\n"}, {".", ""}, {"A", "B"},
	}
}

// TestDifferential judges the seeds, so that they are judged without a fuzzer
// too, and counts what was accepted, so that it is not nothing.
func TestDifferential(t *testing.T) {
	headers, claims := mutations()
	for _, alg := range algorithms() {
		j := newJudge(t, alg)
		accepted, judged := 0, 0
		try := func(token string) {
			judged++
			if j.check(t, token) {
				accepted++
			}
		}
		for _, h := range headers {
			try(j.signed(t, []byte(strings.Replace(goodHeader(alg), h.old, h.new, 1)), []byte(goodClaims())))
		}
		for _, c := range claims {
			try(j.signed(t, []byte(goodHeader(alg)), []byte(strings.Replace(goodClaims(), c.old, c.new, 1))))
		}
		token := j.signed(t, []byte(goodHeader(alg)), []byte(goodClaims()))
		for _, s := range spellings() {
			try(strings.Replace(token, s.old, s.new, 1))
			dot := strings.LastIndexByte(token, '.')
			try(token[:dot] + strings.Replace(token[dot:], s.old, s.new, 1))
		}
		for bit := range 8 * len(token) {
			b := []byte(token)
			b[bit/8] ^= 1 << (bit % 8)
			try(string(b))
		}
		if accepted < 10 || accepted > judged/10 {
			t.Errorf("%s: %d of %d tokens are accepted", alg, accepted, judged)
		}
		t.Logf("%s: %d of %d tokens are accepted", alg, accepted, judged)
	}
}

// FuzzDifferential changes header, claims and signature of good tokens, and signs
// them anew or not: whatever ours accepts, golang-jwt and go-jose accept too.
func FuzzDifferential(f *testing.F) {
	headers, claims := mutations()
	for which, alg := range algorithms() {
		for _, h := range headers {
			f.Add(uint8(which), true, []byte(strings.Replace(goodHeader(alg), h.old, h.new, 1)), []byte(goodClaims()), 0, byte(0))
		}
		for _, c := range claims {
			f.Add(uint8(which), true, []byte(goodHeader(alg)), []byte(strings.Replace(goodClaims(), c.old, c.new, 1)), 0, byte(0))
		}
		f.Add(uint8(which), false, []byte(goodHeader(alg)), []byte(goodClaims()), 5, byte(1))
	}
	f.Fuzz(func(t *testing.T, which uint8, sign bool, header, claims []byte, at int, flip byte) {
		alg := algorithms()[int(which)%len(algorithms())]
		j := newJudge(t, alg)
		claims = bytes.ReplaceAll(claims, []byte("NOW"), fmt.Append(nil, time.Now().Unix()))
		token := []byte(j.signed(t, header, claims))
		if !sign { // spoil it
			token[((at%len(token))+len(token))%len(token)] ^= flip
			if flip == 0 || j.ours(t.Context(), string(token)) != nil {
				return
			}
			if !bytes.ContainsRune(token, '.') {
				t.Errorf("a token without dots is accepted")
			}
		}
		j.check(t, string(token))
	})
}
