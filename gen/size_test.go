package gen_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// sizeLimit is the most bytes that the stripped restaurant may have, without the pages
// that npm builds. What an unused part of the runtime weighs shows here: an HTTP client
// is half a megabyte.
const sizeLimit = 14_900_000

func TestExample_size(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	bin := filepath.Join(t.TempDir(), "restaurant")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", bin, ".")
	cmd.Dir = filepath.Join("..", "examples", "restaurant")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	info, err := os.Stat(bin)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the stripped binary has %.1f MB", float64(info.Size())/1e6)
	if info.Size() > sizeLimit {
		t.Errorf("the stripped binary of examples/restaurant has %d bytes, want at most %d: go tool nm -size -sort size says of what", info.Size(), sizeLimit)
	}
}
