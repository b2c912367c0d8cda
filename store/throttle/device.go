package throttle

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"time"
)

const (
	// deviceCookie has the prefix that keeps other hosts from setting it.
	deviceCookie = "__Host-gate-device"
	deviceLife   = 180 * 24 * time.Hour
	deviceID     = 16
	deviceSize   = deviceID + 8 + sha256.Size
)

// devices makes and checks device tokens: an identifier by chance, when the
// token ends, and a signature of both and of the account. The account itself is
// not in the token.
type devices struct{ key []byte }

// IssueDevice returns a new device token for account, by the name that
// [Throttle.Begin] has for it, and when it ends: in 180 days. It is for a
// browser in which the account has just logged in; [SetDeviceCookie] gives it
// to the browser. It is good for nothing but a budget of attempts.
func (t *Throttle) IssueDevice(account string) (token string, expires time.Time) {
	expires = t.now().Add(deviceLife)
	b := make([]byte, deviceID, deviceSize)
	_, _ = rand.Read(b) // never fails
	b = binary.BigEndian.AppendUint64(b, uint64(expires.UnixMilli()))
	b = append(b, t.devices.sign(b, account)...)
	return base64.RawURLEncoding.EncodeToString(b), expires
}

func (d devices) sign(head []byte, account string) []byte {
	mac := hmac.New(sha256.New, d.key)
	mac.Write(head) // of a fixed length, so nothing runs together
	mac.Write([]byte(account))
	return mac.Sum(nil)
}

// check returns the identifier of a token that was issued for account and has
// not ended.
func (d devices) check(token, account string, now time.Time) (id string, ok bool) {
	if len(token) != base64.RawURLEncoding.EncodedLen(deviceSize) {
		return "", false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return "", false
	}
	head, signature := b[:deviceID+8], b[deviceID+8:]
	if !hmac.Equal(signature, d.sign(head, account)) {
		return "", false
	}
	expires := time.UnixMilli(int64(binary.BigEndian.Uint64(head[deviceID:]))) //nolint:gosec // signed by us
	return string(head[:deviceID]), now.Before(expires)
}

type deviceKey struct{}

// ContextWithDevice returns a context that carries a device token as it came
// from a browser, for [Throttle.Begin] to judge. One that is forged, has ended
// or belongs to another account is as good as none.
func ContextWithDevice(ctx context.Context, token string) context.Context {
	return context.WithValue(ctx, deviceKey{}, token)
}

// Knows reports whether the device token in ctx is a good one of account.
func (t *Throttle) Knows(ctx context.Context, account string) bool {
	_, ok := t.devices.check(deviceFromContext(ctx), account, t.now())
	return ok
}

func deviceFromContext(ctx context.Context) string {
	token, _ := ctx.Value(deviceKey{}).(string)
	return token
}

// DeviceCookie returns the device token that r carries, empty when there is
// none. Nothing of it has been checked.
func DeviceCookie(r *http.Request) string {
	c, err := r.Cookie(deviceCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// SetDeviceCookie gives a device token to the browser, in a cookie that scripts
// and other hosts do not see. The response must not be one that caches keep.
func SetDeviceCookie(w http.ResponseWriter, token string, expires time.Time) {
	http.SetCookie(w, &http.Cookie{
		Name: deviceCookie, Value: token, Path: "/", Expires: expires,
		HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
	})
}
