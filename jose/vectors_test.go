package jose_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/gatewright/gate/jose"
)

// The payload of RFC 7515 appendices A.1 to A.3.
const joePayload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

const (
	a1JWK = `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`
	a2JWK = `{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}`
	a3JWK = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`
	a4JWK = `{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2","d":"AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg6Y6rUrPAxerEzgdRhajnu0ferB0d53vM9mE15j2C"}`
	edJWK = `{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
)

func TestVectors(t *testing.T) {
	tests := []struct {
		name          string
		jwk           string
		alg           jose.Algorithm
		token         string
		deterministic bool // the same input has the same signature, so ours is the RFC's
	}{
		{
			"RFC 7515 A.1", a1JWK, jose.HS256,
			"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + joePayload + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", true,
		},
		{
			"RFC 7515 A.2", a2JWK, jose.RS256,
			"eyJhbGciOiJSUzI1NiJ9." + joePayload + ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw", false,
		},
		{
			"RFC 7515 A.3", a3JWK, jose.ES256,
			"eyJhbGciOiJFUzI1NiJ9." + joePayload + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q", false,
		},
		{
			"RFC 7515 A.4", a4JWK, jose.ES512,
			"eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn", false,
		},
		{
			"RFC 8037 A.4", edJWK, jose.EdDSA,
			"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg", true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, err := jose.ParseJWK([]byte(tt.jwk), tt.alg)
			if err != nil {
				t.Fatal(err)
			}
			dot := strings.LastIndexByte(tt.token, '.')
			sig, err := base64.RawURLEncoding.DecodeString(tt.token[dot+1:])
			if err != nil {
				t.Fatal(err)
			}
			if k.VerifySignature(tt.token[:dot]+"A", sig) {
				t.Error("the signature holds for another input")
			}
			if !k.VerifySignature(tt.token[:dot], sig) {
				t.Error("the signature does not hold")
			}
			if !k.CanSign() {
				return
			}
			ours, err := k.SignRaw(tt.token[:dot])
			if err != nil {
				t.Fatal(err)
			}
			if !k.VerifySignature(tt.token[:dot], ours) {
				t.Error("our own signature does not hold")
			}
			if tt.deterministic && string(ours) != string(sig) {
				t.Errorf("signature = %x, want %x", ours, sig)
			}
		})
	}
}

// The token of A.1 is genuine, so what is wrong with it is something else.
func TestVectors_reason(t *testing.T) {
	k, err := jose.ParseJWK([]byte(a1JWK), jose.HS256)
	if err != nil {
		t.Fatal(err)
	}
	token := "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + joePayload + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	refuse(t, verifier(t, keySet(t, k), nil), token, jose.ErrType)
	refuse(t, verifier(t, keySet(t, k), func(c *jose.VerifierConfig) { c.Type = []string{"jwt"} }), token, jose.ErrIssuer)
	refuse(t, verifier(t, keySet(t, k), func(c *jose.VerifierConfig) {
		c.Type, c.Issuer = []string{"JWT"}, "joe"
	}), token, jose.ErrAudience)
}

// RFC 7638 §3.1 and RFC 8037 A.3.
func TestThumbprint(t *testing.T) {
	k, err := jose.ParseJWK([]byte(edJWK))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := k.Thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"; got != want {
		t.Errorf("Thumbprint() = %s, want %s", got, want)
	}
	k, err = jose.ParseJWK([]byte(`{"kty":"RSA","alg":"RS256","kid":"2011-04-29","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := k.Thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; got != want {
		t.Errorf("Thumbprint() = %s, want %s", got, want)
	}
}
