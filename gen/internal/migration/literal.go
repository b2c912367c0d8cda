package migration

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/design"
)

// sqliteTime is how SQLite rows hold an instant.
const sqliteTime = "2006-01-02T15:04:05.000000Z"

// literal returns the value of a default as SQL for the column c, and whether it
// is a constant.
func literal(db design.Database, c *Column, v any) (sql string, constant bool, err error) {
	switch v := v.(type) {
	case string:
		if c.Kind == Decimal {
			sql, err = decimal(db, c, v)
			return sql, true, err
		}
		return instant(db, c, v)
	case bool:
		if db == design.SQLite {
			return map[bool]string{true: "1", false: "0"}[v], true, nil
		}
		return strconv.FormatBool(v), true, nil
	case int64:
		if c.Kind == Decimal {
			sql, err = decimal(db, c, strconv.FormatInt(v, 10))
			return sql, true, err
		}
		return strconv.FormatInt(v, 10), true, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			break
		}
		return strconv.FormatFloat(v, 'g', -1, 64), true, nil
	case []string:
		list, err := json.Marshal(v) // of names, which have nothing to escape
		return quote(string(list)), true, err
	}
	return "", false, fmt.Errorf("column %s: %v is no default for %s", c.Name, v, c.Kind)
}

func instant(db design.Database, c *Column, v string) (sql string, constant bool, err error) {
	switch {
	case c.Kind != Date && c.Kind != DateTime:
		return quote(v), true, nil
	case v != "now":
		if c.Kind == DateTime && db == design.SQLite {
			t, err := time.Parse(time.RFC3339Nano, v)
			if err != nil {
				return "", false, fmt.Errorf("column %s: default: %w", c.Name, err)
			}
			v = t.UTC().Format(sqliteTime)
		}
		return quote(v), true, nil
	case db == design.Postgres && c.Kind == Date:
		return "(now() AT TIME ZONE 'UTC')::date", false, nil
	case db == design.Postgres:
		return "now()", false, nil
	case c.Kind == Date:
		return "(date('now'))", false, nil
	}
	return "(strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))", false, nil
}

// decimal returns an exact literal, scaled to a whole number on SQLite.
func decimal(db design.Database, c *Column, v string) (string, error) {
	r, ok := new(big.Rat).SetString(v)
	if !ok || strings.ContainsAny(v, "/eEpPxX_") {
		return "", fmt.Errorf("column %s: %q is no decimal", c.Name, v)
	}
	if db == design.Postgres {
		return r.FloatString(c.Scale), nil
	}
	r.Mul(r, new(big.Rat).SetInt(power(c.Scale)))
	if !r.IsInt() {
		return "", fmt.Errorf("column %s: %q has more than %d decimals", c.Name, v, c.Scale)
	}
	return r.Num().String(), nil
}

func power(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// quote returns s as a string literal of standard SQL.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
