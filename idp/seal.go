package idp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gatewright/gate/internal/seal"
)

// A box seals what travels through a browser and comes back.
type box struct{ *seal.Box }

// close seals v for one use, which open has to name too.
func (b *box) close(use string, v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b.Seal(data, use)), nil
}

var errSealed = errors.New("not sealed by us for this use")

func (b *box) open(use, text string, v any) error {
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return errSealed
	}
	if data, err = b.Open(data, use); err != nil {
		return errSealed
	}
	return json.Unmarshal(data, v)
}

// csrf returns the token of forms in a browser.
func (p *Provider) csrf(browser string) string {
	mac := hmac.New(sha256.New, p.csrfKey)
	mac.Write([]byte(browser))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
