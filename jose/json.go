package jose

import (
	"math"
	"strconv"

	"github.com/gatewright/gate/internal/strictjson"
)

// maxDepth is how deep objects and arrays may be nested.
const maxDepth = 16

// A syntaxError is what is wrong with a value that is JSON. It quotes nothing of
// it.
type syntaxError string

func (e syntaxError) Error() string { return string(e) }

const (
	errCase   syntaxError = "JSON member in another case"
	errNumber syntaxError = "JSON number out of range"
	errType   syntaxError = "JSON member of the wrong type"
)

// A reader reads one JSON text; see parseObject.
type reader = strictjson.Reader

// parseObject reads text, which is one object and nothing else. It calls member
// for each name, and member reads the value. All JSON of this package is read
// here: numbers fit a float64, and strings share memory with the text.
func parseObject(text string, member func(r *reader, name string) error) error {
	return strictjson.ReadObject(text, strictjson.Limits{Depth: maxDepth, Float64: true}, member)
}

// textValue reads a value that has to be a string.
func textValue(r *reader) (string, error) {
	if r.Peek() != '"' {
		return "", errType
	}
	return r.String()
}

// maxSeconds is the latest NumericDate: what a float64 counts exactly.
const maxSeconds = 1 << 53

// numericDate reads a NumericDate (RFC 7519 §2): seconds since 1970, of which
// there may be a fraction.
func numericDate(r *reader) (seconds int64, nanoseconds int64, err error) {
	if c := r.Peek(); c < '0' || c > '9' {
		return 0, 0, errType
	}
	n, err := r.Number()
	if err != nil {
		return 0, 0, err
	}
	if s, err := strconv.ParseInt(n, 10, 64); err == nil {
		if s > maxSeconds {
			return 0, 0, errNumber
		}
		return s, 0, nil
	}
	f, err := strconv.ParseFloat(n, 64)
	if err != nil || f > maxSeconds {
		return 0, 0, errNumber
	}
	whole, fraction := math.Modf(f)
	return int64(whole), int64(fraction * 1e9), nil
}
