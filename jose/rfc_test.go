package jose_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/jose"
)

// RFC 7520 §4.1 to §4.4, and the inner token of §6.
func TestVectors_RFC7520(t *testing.T) {
	var vectors []struct {
		Section, Title, Payload, Token string
		Alg                            jose.Algorithm
		Reproducible                   bool
		Key                            json.RawMessage
	}
	if err := json.Unmarshal(must(os.ReadFile("testdata/rfc7520.json")), &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 5 {
		t.Fatalf("%d vectors, want 5", len(vectors))
	}
	for _, v := range vectors {
		t.Run(v.Section+" "+v.Title, func(t *testing.T) {
			k, err := jose.ParseJWK(v.Key, v.Alg)
			if err != nil {
				t.Fatal(err)
			}
			dot := strings.LastIndexByte(v.Token, '.')
			sig := fromBase64(t, v.Token[dot+1:])
			if !k.VerifySignature(v.Token[:dot], sig) || k.VerifySignature(v.Token[:dot]+"A", sig) {
				t.Error("the signature does not hold, or holds for another input")
			}
			if want := "." + encode(v.Payload); !strings.HasSuffix(v.Token[:dot], want) {
				t.Errorf("the payload of %s is not %s", v.Token, v.Payload)
			}
			if ours := must(k.SignRaw(v.Token[:dot])); v.Reproducible && string(ours) != string(sig) {
				t.Errorf("our signature is %x, want %x", ours, sig)
			}
			if again, err := jose.ParseJWK(must(k.MarshalPrivateJWK())); err != nil || !again.Equal(k) {
				t.Errorf("the key reads again as %v, %v", again, err)
			}
			set := keySet(t, k)
			refuse(t, verifier(t, set, func(c *jose.VerifierConfig) { c.Type = []string{"", "JWT"} }), v.Token, map[bool]error{
				true: jose.ErrIssuer, false: jose.ErrMalformed, // §4 signs a text
			}[strings.HasPrefix(v.Section, "6")])
		})
	}
}

// The keys of RFC 7517 A.
const (
	ecOf7517  = `{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"`
	rsaOf7517 = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB"`
	rsaSecret = `"d":"X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH-HLLKD9M7dx5oo7GURknchnrRweUkC7hT5fJLM0WbFAKNLWY2vv7B6NqXSzUvxT0_YSfqijwp3RTzlBaCxWp4doFk5N2o8Gy_nHNKroADIkJ46pRUohsXywbReAdYaMwFs9tv8d_cPVY3i07a3t8MN6TNwm0dSawm9v47UiCl3Sk5ZiG7xojPLu4sbg1U2jx4IBTNBznbJSzFHK66jT8bgkuqsk0GjskDJk19Z4qwjwbsnn4j2WBii3RL-Us2lGVkY8fkFzme1z0HbIkfz0Y6mqnOYtqc0X4jfcKoAC8Q","p":"83i-7IvMGXoMXCskv73TKr8637FiO7Z27zv8oj6pbWUQyLPQBQxtPVnwD20R-60eTDmD2ujnMt5PoqMrm8RfmNhVWDtjjMmCMjOpSXicFHj7XOuVIYQyqVWlWEh6dN36GVZYk93N8Bc9vY41xy8B9RzzOGVQzXvNEvn7O0nVbfs","q":"3dfOR9cuYq-0S-mkFLzgItgMEfFzB2q3hWehMuG0oCuqnb3vobLyumqjVZQO1dIrdwgTnCdpYzBcOfW5r370AFXjiWft_NGEiovonizhKpo9VVS78TzFgxkIdrecRezsZ-1kYd_s1qDbxtkDEgfAITAG9LUnADun4vIcb6yelxk","dp":"G4sPXkc6Ya9y8oJW9_ILj4xuppu0lzi_H7VTkS8xj5SdX3coE0oimYwxIi2emTAue0UOa5dpgFGyBJ4c8tQ2VF402XRugKDTP8akYhFo5tAA77Qe_NmtuYZc3C3m3I24G2GvR5sSDxUyAN2zq8Lfn9EUms6rY3Ob8YeiKkTiBj0","dq":"s9lAH9fggBsoFR8Oac2R_E2gw282rT2kGOAhvIllETE1efrA6huUUvMfBcMpn8lqeW6vzznYY5SSQF7pMdC_agI3nG8Ibp1BUb0JUiraRNqUfLhcQb_d9GF4Dh7e74WbRsobRonujTYN1xCaP6TO61jvWrX-L18txXw494Q_cgk","qi":"GyM_p6JrXySiz1toFgKbWV-JdI3jQ4ypu9rbMWx3rQJBfmt0FoYzgUIZEVFEcOqwemRN81zoDAaa-Bk0KWNGDjJHZDdDmFhW3AN7lI-puxk_mHZGJ11rxyR8O55XLSe3SPmRfKwZI6yU24ZxvQKFYItdldUKGzO6Ia6zTKhAVRU"`
	end7517   = `,"alg":"RS256","kid":"2011-04-29"}`
)

// RFC 7517 A.1 to A.3 (and RFC 7518 §6): keys for encryption are left out.
func TestVectors_RFC7517(t *testing.T) {
	keys, skipped, err := jose.ParsePublicJWKS([]byte(`{"keys":[` + ecOf7517 + `},` + rsaOf7517 + end7517 + `]}`))
	if err != nil || len(keys) != 1 || len(skipped) != 1 || keys[0].ID() != "2011-04-29" || keys[0].Algorithm() != jose.RS256 {
		t.Errorf("A.1 reads as %v, %v, %v", keys, skipped, err)
	}
	ecPrivate := ecOf7517 + `,"d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}`
	if k, err := jose.ParseJWK([]byte(ecPrivate)); err == nil {
		t.Errorf("A.2: a key for encryption reads as %v", k)
	}
	k, err := jose.ParseJWK([]byte(strings.Replace(ecPrivate, `"enc"`, `"sig"`, 1)))
	if err != nil || !k.CanSign() {
		t.Errorf("A.2, for signatures: %v, %v", k, err)
	}
	k, err = jose.ParseJWK([]byte(rsaOf7517 + "," + rsaSecret + end7517))
	if err != nil || !k.Equal(keys[0]) || !k.CanSign() {
		t.Fatalf("A.2 reads as %v, %v", k, err)
	}
	var ours, theirs map[string]string
	if err := json.Unmarshal(must(k.MarshalPrivateJWK()), &ours); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(rsaOf7517+","+rsaSecret+end7517), &theirs); err != nil {
		t.Fatal(err)
	}
	theirs["use"] = "sig"
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("A.2 is written as (-theirs +ours):\n%s", diff)
	}
	set := `{"keys":[{"kty":"oct","alg":"A128KW","k":"GawgguFyGrWKav7AX4VKUg"},` + a1JWK + `]}`
	if keys, err := jose.ParseJWKS([]byte(set)); err == nil {
		t.Errorf("A.3: a key for encryption is in %v", keys)
	}
	if keys, _, err := jose.ParsePublicJWKS([]byte(set), jose.HS256); err != nil || len(keys) > 0 {
		t.Errorf("A.3: a shared secret is public: %v, %v", keys, err)
	}
}

// RFC 7519 §3.1, §6.1, A.1 and A.2.
func TestVectors_RFC7519(t *testing.T) {
	k := must(jose.ParseJWK([]byte(a1JWK), jose.HS256))
	joe := func(c *jose.VerifierConfig) { c.Type, c.Issuer = []string{"", "JWT"}, "joe" }
	v := verifier(t, keySet(t, k), joe)
	// The token of §3.1 has no audience, which is all that is wrong with it.
	refuse(t, v, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."+joePayload+".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", jose.ErrAudience)
	refuse(t, v, "eyJhbGciOiJub25lIn0."+joePayload+".", jose.ErrAlgorithm)
	// A token in an encrypted one (A.1, A.2) is no signed token.
	refuse(t, v, "eyJhbGciOiJSU0ExXzUiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.e30.AxY8DCtDaGlsbGljb3RoZQ.e30.9hH0vgRfYgPnAHOd8stkvw", jose.ErrMalformed)
	c, err := jose.ParseClaims(string(fromBase64(t, joePayload)))
	if err != nil {
		t.Fatal(err)
	}
	if root, ok := c.Bool("http://example.com/is_root"); !root || !ok || c.Issuer != "joe" || c.Expiry.Unix() != 1300819380 {
		t.Errorf("claims = %+v", c)
	}
}

// RFC 8037 A.1, A.2 and A.6, A.7: keys for key agreement do not sign.
func TestVectors_RFC8037(t *testing.T) {
	private := must(jose.ParseJWK([]byte(edJWK)))
	public := must(jose.ParseJWK([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`)))
	if !private.Equal(public) || !private.CanSign() || public.CanSign() {
		t.Errorf("%v is not %v", private, public)
	}
	for _, doc := range []string{
		`{"kty":"OKP","crv":"X25519","kid":"Bob","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}`,
		`{"kty":"OKP","crv":"X448","kid":"Dave","x":"PreoKbDNIPW8_AtZm2_sz22kYnEHvbDU80W0MCfYuXL8PjT7QjKhPKcG3LV67D2uB73BxnvzNgk"}`,
		`{"kty":"OKP","crv":"Ed448","x":"PreoKbDNIPW8_AtZm2_sz22kYnEHvbDU80W0MCfYuXL8PjT7QjKhPKcG3LV67D2uB73BxnvzNgk"}`,
	} {
		if k, err := jose.ParseJWK([]byte(doc)); err == nil {
			t.Errorf("%s reads as %v", doc, k)
		}
	}
}
