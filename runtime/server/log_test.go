package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/runtime/server"
)

// TestOPS10_log: what must not reach the log does not, by its name, by its type
// or by its look.
func TestOPS10_log(t *testing.T) {
	const canary = "canary0123456789"
	for _, tt := range []struct {
		name string
		attr slog.Attr
	}{
		{"Authorization", slog.String("Authorization", canary)}, //nolint:sloglint // as it is spelt on the wire
		{"authorization in a group", slog.Group("header", slog.String("authorization", canary))},
		{"cookie", slog.Any("cookie", []string{canary})},
		{"Set-Cookie", slog.String("Set-Cookie", canary)}, //nolint:sloglint // as above
		{"password", slog.String("password", canary)},
		{"new password", slog.String("new_password", canary)},
		{"accessToken", slog.String("accessToken", canary)}, //nolint:sloglint // as above
		{"refresh_token", slog.String("refresh_token", canary)},
		{"AUTH_SECRET", slog.String("AUTH_SECRET", canary)},     //nolint:sloglint // as above
		{"client secret", slog.String("client-secret", canary)}, //nolint:sloglint // as above
		{"api key", slog.String("api_key", canary)},
		{"database URL", slog.String("database_url", canary)},
		{"password hash", slog.String("password_hash", canary)},
		{"secret type", slog.Any("value", secret.String(canary))},
		{"bearer in a text", slog.String("err", "sent Bearer "+canary+" and more")},
		{"basic in a text", slog.String("err", "basic "+canary)},
		{"JWT in a text", slog.String("err", "bad token eyJ"+canary+".eyJ"+canary+"."+canary)},
		{"JWT in an error", slog.Any("err", errors.New("eyJ"+canary+".eyJ"+canary+"."+canary))},
		{"URL with a password", slog.Any("err", errors.New("dial postgres://app:"+canary+"@db:5432/app: refused"))},
		{"hash in a text", slog.String("err", "$argon2id$v=19$m=19456,t=2,p=1$"+canary)},
		{"bcrypt in a text", slog.String("err", "$2b$12$"+canary)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			log := server.NewLogger(&b, slog.LevelInfo)
			log.LogAttrs(t.Context(), slog.LevelInfo, "test", tt.attr)
			log.With(tt.attr).InfoContext(t.Context(), "test")
			if strings.Contains(b.String(), canary) {
				t.Errorf("logged: %s", b.String())
			}
		})
	}
}

func TestOPS11_longText(t *testing.T) {
	var b bytes.Buffer
	log := server.NewLogger(&b, slog.LevelInfo)
	log.InfoContext(t.Context(), "test", "text", strings.Repeat("é", 5000), "err", errors.New(strings.Repeat("x", 5000)))
	var line map[string]string
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"text", "err"} {
		if n := len(line[name]); n > 1<<10+3 || n < 1000 || strings.ContainsRune(line[name], 0xFFFD) {
			t.Errorf("%s has %d bytes: %q", name, n, line[name][n-10:])
		}
	}
}

// TestOPS10_cut: where a text is cut nothing stays of a secret that stood there.
func TestOPS10_cut(t *testing.T) {
	const canary = "canary0123456789"
	for _, url := range []string{"postgres://app:" + canary + "@db:5432/app", "https://app:" + canary + "@db/"} {
		for before := 1<<10 - 64; before < 1<<10+16; before++ {
			var b bytes.Buffer
			server.NewLogger(&b, slog.LevelInfo).InfoContext(t.Context(), "test", "err", strings.Repeat("x", before)+" "+url)
			if strings.Contains(b.String(), canary[:4]) {
				t.Fatalf("logged: %s", b.String())
			}
		}
	}
}

func TestLog_keepsTheRest(t *testing.T) {
	var b bytes.Buffer
	server.NewLogger(&b, slog.LevelInfo).InfoContext(t.Context(), "login refused", "strategy", "local", "status", 401, "basic", "a basic idea")
	for _, want := range []string{`"msg":"login refused"`, `"strategy":"local"`, `"status":401`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is not in %s", want, b.String())
		}
	}
}

// TestOPS10_paths: what somebody put into a path by mistake is not logged.
func TestOPS10_paths(t *testing.T) {
	var out bytes.Buffer
	log := server.NewLogger(&out, slog.LevelInfo)
	secret := "DoxZLwDCWjXKiuTAr--Wkmv0Tgzbo8kg5UMarJR0hQw"
	key := "gk_test_bb3m3dlpjtfx57hp_thnJdrFByJDZZBxsv9yQlRCt49S7MUzyEkWeTG5Lwu04WVd2j"
	log.InfoContext(t.Context(), "request", "path", "/api/items/"+secret+"/x", "other", "the key "+key)
	log.InfoContext(t.Context(), "request", "path", "/api/users/01a1feba-5aa9-7420-9f0b-ee7e3abfd67e")
	if text := out.String(); strings.Contains(text, secret) || strings.Contains(text, key) ||
		!strings.Contains(text, "/api/items/[redacted]/x") || !strings.Contains(text, "01a1feba-5aa9-7420-9f0b-ee7e3abfd67e") {
		t.Errorf("log:\n%s", text)
	}
}
