package cli

import (
	"testing"
	"time"
)

func TestSinceTime(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("CET", 3600))
	for text, want := range map[string]string{
		"":     "0001-01-01T00:00:00Z",
		"90m":  "2026-11-21T10:30:00+01:00",
		"24h":  "2026-11-20T12:00:00+01:00",
		"7d":   "2026-11-14T12:00:00+01:00",
		"400d": "2025-10-17T12:00:00+01:00",

		"2026-11-20":                "2026-11-20T00:00:00+01:00",
		"2026-11-20T08:00:00Z":      "2026-11-20T08:00:00Z",
		"2026-11-20T08:00:00+05:30": "2026-11-20T08:00:00+05:30",
	} {
		if got, err := sinceTime(text, now); err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "-1h", "0s", "0d", "-7d", "7 d", "d", "99999d", "2026-13-01", "21.11.2026", "7"} {
		if got, err := sinceTime(text, now); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
