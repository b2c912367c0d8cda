package jwe_test

import (
	"encoding/json"
	"os"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/gatewright/gate/jose/jwe"
)

// A vector is an example of RFC 7520 §5 or §6.
type vector struct {
	Section, Title, Alg, Enc, Plaintext, Token string
	Key                                        json.RawMessage
}

// RFC 7520 §5 and §6: what is supported is decrypted, and what is not is refused.
func TestVectors_RFC7520(t *testing.T) {
	data, err := os.ReadFile("testdata/rfc7520.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	supported := 0
	for _, v := range vectors {
		t.Run(v.Section+" "+v.Title, func(t *testing.T) {
			var jwk gojose.JSONWebKey
			if err := json.Unmarshal(v.Key, &jwk); err != nil { // §5.3 has a password
				jwk.Key = secret(32)
			}
			k := key(t, jwk.KeyID, jwk.Key)
			c, err := jwe.NewCodec(jwe.Config{Algorithm: jwe.Algorithm(v.Alg), Encryption: jwe.Encryption(v.Enc), Key: k})
			if err != nil {
				for _, alg := range algorithms {
					for _, enc := range encryptions {
						c, m := newCodec(t, alg, enc)
						if jwk.KeyID != "" {
							c = codec(t, jwe.Config{Algorithm: alg, Encryption: enc, Key: key(t, jwk.KeyID, m)})
						}
						refuse(t, c, v.Token)
					}
				}
				return
			}
			supported++
			if got, ok := c.Open(v.Token); !ok || string(got) != v.Plaintext {
				t.Errorf("Open() = %q, %t", got, ok)
			}
			refuse(t, c, v.Token) // no token is in it
		})
	}
	if len(vectors) != 10 || supported != 2 {
		t.Errorf("%d of %d are supported, want 2 of 10", supported, len(vectors))
	}
}

// RFC 7516 A.1 to A.3 and B: their algorithms are refused, their encryptions are
// ours.
func TestVectors_RFC7516(t *testing.T) {
	cek := []byte{
		4, 211, 31, 197, 84, 157, 252, 254, 11, 100, 157, 250, 63, 170, 106, 206, 107, 124, 212, 45, 111, 107, 9, 219,
		200, 177, 0, 240, 143, 156, 44, 207,
	}
	for _, tt := range []struct {
		name      string
		enc       jwe.Encryption
		cek       []byte
		plaintext string
		token     string
	}{
		{
			"A.1", jwe.A256GCM,
			[]byte{
				177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7, 110, 91, 112, 46, 34, 105,
				47, 130, 203, 46, 122, 234, 64, 252,
			},
			"The true sign of intelligence is not knowledge but imagination.",
			"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGeipsEdY3mx_etLbbWSrFr05kLzcSr4qKAq7YN7e9jwQRb23nfa6c9d-StnImGyFDbSv04uVuxIp5Zms1gNxKKK2Da14B8S4rzVRltdYwam_lDp5XnZAYpQdb76FdIKLaVmqgfwX7XWRxv2322i-vDxRfqNzo_tETKzpVLzfiwQyeyPGLBIO56YJ7eObdv0je81860ppamavo35UgoRdbYaBcoh9QcfylQr66oc6vFWXRcZ_ZT2LawVCWTIy3brGPi6UklfCpIMfIjf7iGdXKHzg.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A.XFBoMYUZodetZdvTiFvSkQ",
		},
		{
			"A.2 and B", jwe.A128CBCHS256, cek, "Live long and prosper.",
			"eyJhbGciOiJSU0ExXzUiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.UGhIOguC7IuEvf_NPVaXsGMoLOmwvc1GyqlIKOK1nN94nHPoltGRhWhw7Zx0-kFm1NJn8LE9XShH59_i8J0PH5ZZyNfGy2xGdULU7sHNF6Gp2vPLgNZ__deLKxGHZ7PcHALUzoOegEI-8E66jX2E4zyJKx-YxzZIItRzC5hlRirb6Y5Cl_p-ko3YvkkysZIFNPccxRU7qve1WYPxqbb2Yw8kZqa2rMWI5ng8OtvzlV7elprCbuPhcCdZ6XDP0_F8rkXds2vE4X-ncOIM8hAYHHi29NX0mcKiRaD0-D-ljQTP-cFPgwCp6X-nZZd9OHBv-B3oWh2TbqmScqXMR4gp_A.AxY8DCtDaGlsbGljb3RoZQ.KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.9hH0vgRfYgPnAHOd8stkvw",
		},
		{
			"A.3", jwe.A128CBCHS256, cek, "Live long and prosper.",
			"eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDTHzBC2IlrT1oOQ.AxY8DCtDaGlsbGljb3RoZQ.KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.U0m_YmjN04DJvceFICbCVQ",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := jwe.OpenWith(tt.enc, tt.cek, tt.token); !ok || string(got) != tt.plaintext {
				t.Errorf("OpenWith() = %q, %t", got, ok)
			}
			for _, alg := range algorithms {
				c, _ := newCodec(t, alg, tt.enc)
				refuse(t, c, tt.token)
			}
		})
	}
}

// RFC 7518 C: Alice and Bob agree.
func TestVectors_RFC7518C(t *testing.T) {
	var bob gojose.JSONWebKey
	if err := json.Unmarshal([]byte(`{"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",`+
		`"y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck","d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}`), &bob); err != nil {
		t.Fatal(err)
	}
	header := `{"alg":"ECDH-ES","enc":"A128GCM","apu":"QWxpY2U","apv":"Qm9i","epk":{"kty":"EC","crv":"P-256",` +
		`"x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0","y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"}}`
	got, ok := jwe.Agree(key(t, "", bob.Key), header, "A128GCM", 16)
	if want := "VqqN6vgjbSBcIijNcacQGg"; !ok || encode(string(got)) != want {
		t.Errorf("Agree() = %s, %t; want %s", encode(string(got)), ok, want)
	}
}
