package sandbox

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dop251/goja"
)

// maxBytes bounds what one call of a native function allocates.
const maxBytes = 16 << 20

type native = func(goja.FunctionCall) goja.Value

// natives are what our own files may call, besides what the api needs. Code of
// actions cannot reach them.
func (m *machine) natives() map[string]native {
	return map[string]native{
		"start": m.hostStart, "setTimer": m.setTimer, "clearTimer": m.clearTimer,
		"utf8": m.utf8, "text": m.text, "encode": m.encode, "decode": m.decode,
		"hash": m.hash, "hmac": m.hmac, "random": m.random, "equal": m.equal,
		"sign": m.sign, "verify": m.verify, "jwkToPEM": m.jwkToPEM,
		"parseURL": m.parseURL, "parseIP": m.parseIP,
	}
}

// fail throws err as a JavaScript Error.
func (m *machine) fail(err error) {
	panic(m.newError(err))
}

func (m *machine) newError(err error) *goja.Object {
	e := m.vm.NewGoError(err)
	_ = e.Set("name", "Error") // not a name of Go's
	return e
}

// typeError throws a TypeError.
func (m *machine) typeError(message string) {
	panic(m.vm.NewTypeError(message))
}

// bytes are those of an ArrayBuffer, of a typed array, or of a string in UTF-8.
func (m *machine) bytes(v goja.Value) []byte {
	if o, ok := v.(*goja.Object); ok {
		switch x := o.Export().(type) {
		case goja.ArrayBuffer:
			return x.Bytes()
		case []byte:
			return x
		}
		m.typeError("bytes or a string are expected")
	}
	return []byte(v.String())
}

func (m *machine) buffer(b []byte) goja.Value { return m.vm.ToValue(m.vm.NewArrayBuffer(b)) }

// loadFile is load(name) → the exports of another of our files.
func (m *machine) loadFile(call goja.FunctionCall) goja.Value {
	v, err := m.builtin(call.Argument(0).String())
	if err != nil {
		panic(err)
	}
	return v
}

// hostCall is call(op, argument) → answer, both JSON.
func (m *machine) hostCall(call goja.FunctionCall) goja.Value {
	answer, err := m.host(m.ctx, call.Argument(0).String(), json.RawMessage(call.Argument(1).String()))
	if err != nil {
		m.fail(err)
	}
	return m.vm.ToValue(string(answer))
}

// hostStart is start(op, argument, done(error, answer)), which goes on meanwhile.
func (m *machine) hostStart(call goja.FunctionCall) goja.Value {
	op, arg := call.Argument(0).String(), json.RawMessage(call.Argument(1).String())
	done, ok := goja.AssertFunction(call.Argument(2))
	if !ok {
		m.typeError("a function is expected")
	}
	if err := m.loop.expect(); err != nil {
		m.fail(err)
	}
	go func() {
		answer, err := m.host(m.ctx, op, arg)
		m.loop.post(func() error {
			m.loop.arrived()
			failure := goja.Undefined()
			if err != nil {
				failure = m.vm.ToValue(err.Error())
			}
			_, err := done(goja.Undefined(), failure, m.vm.ToValue(string(answer)))
			return err
		})
	}()
	return goja.Undefined()
}

// recordCall is record(op, ...arguments).
func (m *machine) recordCall(call goja.FunctionCall) goja.Value {
	err := m.record(call.Argument(0).String(), call.Arguments[1:])
	if errors.Is(err, errLimit) {
		m.vm.Interrupt(errLimit)
	} else if err != nil {
		panic(err) // thrown by a toJSON of the code
	}
	return goja.Undefined()
}

// setTimer is setTimer(function, milliseconds, again) → number.
func (m *machine) setTimer(call goja.FunctionCall) goja.Value {
	fn, ok := goja.AssertFunction(call.Argument(0))
	if !ok {
		m.typeError("a timer needs a function")
	}
	// Far beyond the end of the action: a timer must not go off beside it, where a
	// script that waits for longer than it may would seem to have waited.
	ms := min(max(call.Argument(1).ToInteger(), 1), int64((m.job.Wall+time.Minute)/time.Millisecond))
	id, err := m.loop.after(time.Duration(ms)*time.Millisecond, call.Argument(2).ToBoolean(), func() error {
		_, err := fn(goja.Undefined())
		return err
	})
	if err != nil {
		m.fail(err)
	}
	return m.vm.ToValue(id)
}

func (m *machine) clearTimer(call goja.FunctionCall) goja.Value {
	m.loop.clear(int(call.Argument(0).ToInteger()))
	return goja.Undefined()
}

// utf8 is utf8(string) → ArrayBuffer.
func (m *machine) utf8(call goja.FunctionCall) goja.Value {
	return m.buffer([]byte(strings.ToValidUTF8(call.Argument(0).String(), "\uFFFD")))
}

// text is text(bytes, fatal) → string.
func (m *machine) text(call goja.FunctionCall) goja.Value {
	b := m.bytes(call.Argument(0))
	if utf8.Valid(b) {
		return m.vm.ToValue(string(b))
	}
	if call.Argument(1).ToBoolean() {
		m.typeError("the bytes are not UTF-8")
	}
	var s strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		s.WriteRune(r)
		b = b[n:]
	}
	return m.vm.ToValue(s.String())
}

// encode is encode(bytes, "base64" | "base64url" | "hex") → string.
func (m *machine) encode(call goja.FunctionCall) goja.Value {
	b := m.bytes(call.Argument(0))
	if len(b) > maxBytes {
		m.typeError("too many bytes")
	}
	switch call.Argument(1).String() {
	case "base64":
		return m.vm.ToValue(base64.StdEncoding.EncodeToString(b))
	case "base64url":
		return m.vm.ToValue(base64.RawURLEncoding.EncodeToString(b))
	default:
		return m.vm.ToValue(hex.EncodeToString(b))
	}
}

// decode is the reverse of encode. As in Node, base64 takes either alphabet with
// or without padding, and what is no digit is skipped or ends it.
func (m *machine) decode(call goja.FunctionCall) goja.Value {
	s := call.Argument(0).String()
	if call.Argument(1).String() == "hex" {
		end := 0
		for end+1 < len(s) && isHex(s[end]) && isHex(s[end+1]) {
			end += 2
		}
		b, err := hex.DecodeString(s[:end])
		if err != nil {
			m.fail(err)
		}
		return m.buffer(b)
	}
	s, _, _ = strings.Cut(s, "=")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '+':
			return '-'
		case r == '/':
			return '_'
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z':
			return r
		default:
			return -1
		}
	}, s)
	if len(s)%4 == 1 {
		s = s[:len(s)-1]
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		m.fail(err)
	}
	return m.buffer(b)
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
