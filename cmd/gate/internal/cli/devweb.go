package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	adminpages "github.com/gatewright/gate/gen/plugin/admin"
)

// A devWeb builds the pages of the plugin admin beside the service, which does not wait
// for them, and again when what they are made from changes. Its zero value builds nothing.
type devWeb struct {
	dir  string // of the service
	path string // of the pages
	talk *talk

	mu      sync.Mutex
	stop    context.CancelFunc // of the build under way
	done    chan struct{}      // closed when that has ended
	built   string             // what it was last made from
	missing string             // why there is none, as it was told last
}

// webSources are the folders of a service from which the pages are made.
var webSources = []string{"admin", "client"}

// webFile reports whether the pages are made from the file at a path of the service.
func webFile(name string) bool {
	first, rest, ok := strings.Cut(filepath.ToSlash(name), "/")
	return ok && slices.Contains(webSources, first) && !strings.HasSuffix(rest, ".go") && !strings.HasPrefix(rest, "dist/")
}

// follow builds the pages of the design, unless they are there already.
func (w *devWeb) follow(ctx context.Context, d *dev) {
	path, on := adminpages.PathOf(d.p.design)
	if !on || !d.cmd.Admin {
		w.end()
		return
	}
	if w.talk == nil || w.path != path {
		w.end() // which reads them
		w.dir, w.path, w.talk = d.p.dir, path, d.talk
	}
	made, err := w.sources()
	if err != nil {
		w.leftOut(err)
		return
	}
	w.mu.Lock()
	same := made == w.built
	w.built = made
	w.mu.Unlock()
	if same {
		return
	}
	w.end()
	if w.current(made) {
		w.talk.step("admin").done("cached")
		return
	}
	ctx, stop := context.WithCancel(ctx)
	w.mu.Lock()
	w.stop, w.done = stop, make(chan struct{})
	w.mu.Unlock()
	go func(done chan struct{}) {
		defer close(done)
		s := w.talk.step("admin")
		err := w.build(ctx, s, made)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			w.leftOut(err)
		default:
			w.mu.Lock()
			w.missing = ""
			w.mu.Unlock()
			s.done("built")
		}
	}(w.done)
}

// end stops a build that is under way.
func (w *devWeb) end() {
	w.mu.Lock()
	stop, done := w.stop, w.done
	w.stop = nil
	w.mu.Unlock()
	if stop != nil {
		stop()
		<-done
	}
}

// leftOut says once why there are no pages.
func (w *devWeb) leftOut(err error) {
	w.mu.Lock()
	told := err.Error() == w.missing
	w.missing = err.Error()
	w.mu.Unlock()
	if told {
		return
	}
	w.talk.event(map[string]any{"event": "step", "step": "admin", "status": "left out", "detail": err.Error()})
	first, more, _ := strings.Cut(err.Error(), "\n")
	w.talk.line("  " + w.talk.paint(yellow, "!") + " " + pad("admin", detailColumn-nameColumn) + "left out: " + first)
	for line := range strings.Lines(more) {
		w.talk.line(strings.Repeat(" ", detailColumn) + strings.TrimRight(line, "\n"))
	}
}

// sources is a hash of everything that the pages are made from.
func (w *devWeb) sources() (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, w.path)
	for _, folder := range webSources {
		root := filepath.Join(w.dir, folder)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir():
				if d.Name() == "node_modules" || d.Name() == "dist" || path != root && strings.HasPrefix(d.Name(), ".") {
					return filepath.SkipDir
				}
				return nil
			case !d.Type().IsRegular() || strings.HasSuffix(path, ".go"):
				return nil
			}
			data, err := os.ReadFile(path)
			fmt.Fprintf(h, "%s %d\n", path, len(data))
			_, _ = h.Write(data)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// out is the folder where the service looks for the pages.
func (w *devWeb) out() string {
	return filepath.Join(w.dir, ".gate", "web", filepath.FromSlash(strings.TrimPrefix(w.path, "/")))
}

// stamp is the file that says what the pages in [devWeb.out] were made from.
const stamp = ".made-from"

// current reports whether the pages are there.
func (w *devWeb) current(made string) bool {
	data, err := os.ReadFile(filepath.Join(w.out(), stamp))
	return err == nil && string(data) == made
}

// build installs what is missing and builds the pages, beside those that are there until
// they are whole.
func (w *devWeb) build(ctx context.Context, s *step, made string) error {
	if err := node(ctx); err != nil {
		return err
	}
	if err := w.install(ctx, s); err != nil {
		return err
	}
	next, err := filepath.Abs(w.out() + ".next")
	if err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(next), 0o755), os.RemoveAll(next)); err != nil {
		return err
	}
	s.progress("npm run build")
	if err := w.npm(ctx, "run", "build", "--", "--outDir", next, "--emptyOutDir"); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(next, stamp), []byte(made), 0o600); err != nil {
		return err
	}
	if err := os.RemoveAll(w.out()); err != nil {
		return err
	}
	return os.Rename(next, w.out())
}

// install brings node_modules to what package-lock.json says.
func (w *devWeb) install(ctx context.Context, s *step) error {
	lock, err := os.ReadFile(filepath.Join(w.dir, "admin", "package-lock.json"))
	if err != nil {
		return err
	}
	want := fmt.Sprintf("%x", sha256.Sum256(lock))
	installed := filepath.Join(w.dir, "admin", "node_modules", ".gate-lock")
	if have, err := os.ReadFile(installed); err == nil && string(have) == want {
		return nil
	}
	s.progress("npm ci")
	if err := w.npm(ctx, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"); err != nil {
		return err
	}
	return os.WriteFile(installed, []byte(want), 0o600)
}

// npm runs npm in the folder of the pages. What it said is part of the error.
func (w *devWeb) npm(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "npm", args...)
	cmd.Dir = filepath.Join(w.dir, "admin")
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { kill(cmd.Process); return nil }
	cmd.WaitDelay = time.Second
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("npm %s: %w\n%s", strings.Join(args[:min(len(args), 2)], " "), err, lastLines(said.String(), 8))
}

// lastLines are the last lines of what a program said that say anything.
func lastLines(text string, n int) string {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool {
		return strings.TrimSpace(l) == "" || strings.HasPrefix(l, "npm warn") || strings.HasPrefix(l, "> ")
	})
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// The oldest Node.js that builds the pages.
const nodeMajor, nodeMinor = 20, 19

// node reports why there is no Node.js that builds the pages.
func node(ctx context.Context) error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed", program)
		}
	}
	out, err := exec.CommandContext(ctx, "node", "--version").Output()
	if err != nil {
		return fmt.Errorf("node --version: %w", err)
	}
	parts := strings.SplitN(strings.TrimPrefix(strings.TrimSpace(string(out)), "v"), ".", 3)
	if len(parts) == 3 {
		major, _ := strconv.Atoi(parts[0])
		minor, _ := strconv.Atoi(parts[1])
		if major > nodeMajor || major == nodeMajor && minor >= nodeMinor {
			return nil
		}
	}
	return fmt.Errorf("it needs Node.js %d.%d or newer, and this is %s", nodeMajor, nodeMinor, strings.TrimSpace(string(out)))
}
