package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long nothing may change before a change counts: editors write a
// file in several steps.
const settle = 100 * time.Millisecond

// skipped are folders whose content does not make the service.
var skipped = []string{".git", ".gate", "node_modules", "testdata", "vendor"}

// watched says whether a change of that file, at a path of the service, means a new
// version of it or of its pages.
func watched(name string) bool {
	switch base := filepath.Base(name); {
	case strings.HasPrefix(base, ".#"), strings.HasSuffix(base, "~"): // of an editor
		return false
	case strings.HasSuffix(base, "_test.go"):
		return false
	case base == "gate.yaml", base == "seed.yaml", base == "go.mod", base == "go.sum", base == ".env":
		return true
	default:
		return slices.Contains([]string{".go", ".sql", ".graphql"}, filepath.Ext(base)) || webFile(name)
	}
}

// A watcher tells which files of a folder have changed since it was last asked.
// It compares contents: a file that was touched, or written by us, is no change.
type watcher struct {
	dir    string
	events *fsnotify.Watcher
	seen   map[string][sha256.Size]byte
}

func newWatcher(dir string) (*watcher, error) {
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	w := &watcher{dir: dir, events: events}
	w.seen, err = w.read()
	return w, err
}

func (w *watcher) close() { _ = w.events.Close() }

// accept takes files that we wrote or removed for known, as they are now, and no
// others: somebody may save one while we write.
func (w *watcher) accept(names ...string) error {
	now, err := w.read()
	if err != nil {
		return err
	}
	for _, name := range names {
		path := filepath.Join(w.dir, filepath.FromSlash(name))
		if hash, ok := now[path]; ok {
			w.seen[path] = hash
		} else {
			delete(w.seen, path)
		}
	}
	return nil
}

// forget takes a file that we removed for known to be gone.
func (w *watcher) forget(name string) { delete(w.seen, filepath.Join(w.dir, filepath.FromSlash(name))) }

// read returns the hashes of all watched files, and watches new folders.
func (w *watcher) read() (map[string][sha256.Size]byte, error) {
	seen := map[string][sha256.Size]byte{}
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			if os.IsNotExist(err) {
				return nil // gone while we looked
			}
			return err
		case d.IsDir():
			if path != w.dir && (slices.Contains(skipped, d.Name()) || strings.HasPrefix(d.Name(), ".")) {
				return filepath.SkipDir
			}
			return w.events.Add(path)
		case watched(w.below(path)) && d.Type().IsRegular():
			if data, err := os.ReadFile(path); err == nil {
				seen[path] = sha256.Sum256(data)
			}
		}
		return nil
	})
	return seen, err
}

// below is a path as it is in the folder.
func (w *watcher) below(path string) string {
	if rel, err := filepath.Rel(w.dir, path); err == nil {
		return rel
	}
	return path
}

// wait blocks until files differ from those that were accepted, and names them
// relative to the folder, sorted. It accepts them. It looks before it waits: in a
// folder that is new nobody tells of the first files.
func (w *watcher) wait(ctx context.Context) ([]string, error) {
	for {
		w.quiet(ctx)
		now, err := w.read()
		if err != nil {
			return nil, err
		}
		if changed := w.changed(now); len(changed) > 0 {
			w.seen = now
			return changed, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case err := <-w.events.Errors:
			if !errors.Is(err, fsnotify.ErrEventOverflow) { // which says: look yourself
				return nil, err
			}
		case <-w.events.Events:
		}
	}
}

// quiet returns when nothing has happened for a moment.
func (w *watcher) quiet(ctx context.Context) {
	for timer := time.NewTimer(settle); ; timer.Reset(settle) {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-w.events.Events:
		}
	}
}

func (w *watcher) changed(now map[string][sha256.Size]byte) []string {
	var names []string
	for path, hash := range now {
		if old, ok := w.seen[path]; !ok || old != hash {
			names = append(names, path)
		}
	}
	for path := range w.seen {
		if _, ok := now[path]; !ok {
			names = append(names, path)
		}
	}
	for i, path := range names {
		if rel, err := filepath.Rel(w.dir, path); err == nil {
			names[i] = filepath.ToSlash(rel)
		}
	}
	slices.Sort(names)
	return names
}
