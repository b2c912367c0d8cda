package gen

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
)

// lockFile pins what a service was generated with, and from what.
const lockFile = "gate.lock"

const lockFormat = 1

// development is the version of what was not released.
const development = "development"

// A Lock is what gate.lock says.
type Lock struct {
	Gate    string         // the version of gate that generated, or "development"
	Plugins []LockedPlugin // those that were on in gate.yaml, sorted by name
	Design  *design.Design // what the files follow from; nil with Unread

	// Unread is why this gate does not read the design, which another version wrote.
	Unread error
}

// A LockedPlugin is a plugin as it was when a service was generated.
type LockedPlugin struct {
	Name     string
	Version  string // that of gate for those that come with it
	Settings string // the hash of the settings as they were written
}

// A LockError says that gate.lock pins another version than this one. Nothing was
// generated.
type LockError struct {
	Pins []Pin
}

// A Pin is a version that gate.lock names, and the one that there is.
type Pin struct {
	Name       string // "gate", or that of a plugin
	Locked, Is string
}

// Error lists the versions.
func (e *LockError) Error() string {
	what := make([]string, len(e.Pins))
	for i, p := range e.Pins {
		what[i] = fmt.Sprintf("%s %s, and this is %s", p.Name, p.Locked, p.Is)
	}
	return lockFile + " pins " + strings.Join(what, "; ")
}

// lockText is the file.
type lockText struct {
	Format  int                   `json:"format"`
	Gate    string                `json:"gate"`
	Plugins map[string]lockedText `json:"plugins"`
	Design  json.RawMessage       `json:"design"`
}

type lockedText struct {
	Version  string `json:"version"`
	Settings string `json:"settings"`
}

// ReadLock reads the text of a gate.lock, see [State]. It is nil for no text. That the
// design is refused, as that of another version may be, is no error, see [Lock.Unread].
func ReadLock(text []byte) (*Lock, error) {
	t, err := parseLock(text)
	if t == nil || err != nil {
		return nil, err
	}
	l := &Lock{Gate: t.Gate}
	l.Design, l.Unread = design.Parse(lockFile, t.Design)
	for _, name := range slices.Sorted(maps.Keys(t.Plugins)) {
		l.Plugins = append(l.Plugins, LockedPlugin{name, t.Plugins[name].Version, t.Plugins[name].Settings})
	}
	return l, nil
}

func parseLock(text []byte) (*lockText, error) {
	if text == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	var t lockText
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	switch err := dec.Decode(&t); {
	case err != nil:
		return nil, fmt.Errorf("%s: %w%s: restore it from version control, or delete it and generate", lockFile, err, afterMerge(text, ", after a merge"))
	case t.Format != lockFormat:
		return nil, fmt.Errorf("%s: format %d, but this gate knows format %d", lockFile, t.Format, lockFormat)
	}
	return &t, nil
}

// lock refuses to generate with other versions than before, and adds the file.
func (b *Build) lock(opts Options, on []*active) error {
	now := lockText{
		Format: lockFormat, Gate: cmp.Or(opts.GateVersion, development),
		Plugins: map[string]lockedText{}, Design: b.Design.JSON(),
	}
	for _, a := range on {
		if a.place == nil {
			continue
		}
		settings, err := json.Marshal(written(&a.place.Settings))
		if err != nil {
			return err
		}
		now.Plugins[a.Name] = lockedText{cmp.Or(a.Version, now.Gate), "sha256:" + hash(settings)}
	}
	was, err := parseLock(opts.State.Lock)
	if err != nil {
		return err
	}
	if pins := was.against(&now); len(pins) > 0 && !opts.Upgrade {
		return &LockError{Pins: pins}
	}
	data, err := now.encode()
	if err != nil {
		return err
	}
	b.Add(File{Path: lockFile, Data: data, Owner: Merged})
	return nil
}

// written returns what somebody wrote, without its places.
func written(s *design.Setting) any {
	switch s.Kind {
	case design.KindList:
		list := []any{}
		for i := range s.Children {
			list = append(list, written(&s.Children[i]))
		}
		return list
	case design.KindMapping:
		m := map[string]any{}
		for i := range s.Children {
			m[s.Children[i].Key] = written(&s.Children[i])
		}
		return m
	}
	return s.Value
}

// against lists what one file pins and is something else in another. What comes
// with gate has its version.
func (t *lockText) against(now *lockText) []Pin {
	if t == nil {
		return nil
	}
	if t.Gate != now.Gate {
		return []Pin{{"gate", t.Gate, now.Gate}}
	}
	var pins []Pin
	for _, name := range slices.Sorted(maps.Keys(now.Plugins)) {
		if was, ok := t.Plugins[name]; ok && was.Version != now.Plugins[name].Version {
			pins = append(pins, Pin{"plugin " + name, was.Version, now.Plugins[name].Version})
		}
	}
	return pins
}

// encode prints the file: a line for each plugin, and for what is two levels deep
// in the design.
func (t *lockText) encode() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n\"format\": %d,\n\"gate\": %q,\n\"plugins\": {", t.Format, t.Gate)
	for i, name := range slices.Sorted(maps.Keys(t.Plugins)) {
		line, err := json.Marshal(t.Plugins[name])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n  %q: %s", name, line)
	}
	fmt.Fprintf(&b, "\n},\n\"design\": %s}\n", t.Design)
	return b.Bytes(), nil
}
