package browser_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAdminGraphQL uses the pages of a service that has GraphQL alone.
func TestAdminGraphQL(t *testing.T) {
	variant(t)
	src, err := os.ReadFile("../testdata/larder.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := pages(t, dir, strings.Replace(string(src), "  client-ts: {}\n", "  client-ts: {}\n  admin: {}\n", 1), application)
	browser := installed(t)
	url := serve(t, program, "ADMIN_EMAIL=ada@larder.example")
	var admin map[string]string
	src, err = os.ReadFile(filepath.Join(dir, ".gate", "admin.json"))
	if err == nil {
		err = json.Unmarshal(src, &admin)
	}
	if err != nil {
		t.Fatal(err)
	}
	scenario(t, "admingraphql.mjs", facts{
		"chromium": browser, "profile": t.TempDir(), "url": url, "ada": facts{"email": admin["email"], "password": admin["password"]},
	}, "")
}
