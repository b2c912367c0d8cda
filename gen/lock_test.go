package gen_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/permissions"
	"github.com/gatewright/gate/gen/standard"
)

const lockedShop = `gate: 1 # of which comments do not count
service: {name: shop, module: example.com/shop}
plugins: {auth-core: {entity: User}, auth-jwt: {expiresIn: 15m}, realtime: {enabled: false}, mine: {deep: {list: [1, 2.5]}}}
entities:
  Item: {fields: {price: {type: decimal, precision: 18, scale: 4, required: true, min: +0.5, default: 12345678901234.5000}, rate: {type: float, default: .5}}, allow: {view: public}}
  User: {fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}}
`

// versioned is a plugin of somebody else's.
func versioned(version string) gen.Plugin {
	return gen.Plugin{Name: "mine", Version: version, New: func() gen.Part { return settled{} }}
}

type settled struct{}

func (settled) Settings() any {
	return &struct {
		Deep design.Setting `yaml:"deep"`
	}{}
}

func (settled) Validate(*design.Design, *design.Plugin) error { return nil }
func (settled) Contribute(*gen.Build) error                   { return nil }

func lockOf(t *testing.T, src string, opts gen.Options, version string) []byte {
	t.Helper()
	files, err := gen.Generate(parse(t, src), opts, append(standard.Plugins(), versioned(version))...)
	if err != nil {
		t.Fatal(err)
	}
	text, ok := files.Get("gate.lock")
	if !ok {
		t.Fatal("no gate.lock")
	}
	return text
}

// TestLock reads back what a service was generated with: versions, settings and a
// design in which everybody may do the same.
func TestLock(t *testing.T) {
	text := lockOf(t, lockedShop, gen.Options{Replace: "/gate"}, "v1.0.0")
	lock, err := gen.ReadLock(text)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range lock.Plugins {
		names = append(names, p.Name+" "+p.Version)
	}
	if want := []string{"auth-core development", "auth-jwt development", "mine v1.0.0"}; lock.Gate != "development" || !cmp.Equal(names, want) {
		t.Errorf("gate %s, plugins %v", lock.Gate, names)
	}
	before, err := permissions.Of(lock.Design)
	if err != nil {
		t.Fatal(err)
	}
	after, err := permissions.Of(parse(t, lockedShop))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(after, before); diff != "" {
		t.Error(diff)
	}
	if def := lock.Design.Entity("Item").Field("price").Default; def != "12345678901234.5000" {
		t.Errorf("the default is %v", def)
	}
	again := gen.Options{Replace: "/gate", State: gen.State{Lock: text}}
	if !bytes.Equal(lockOf(t, strings.Replace(lockedShop, "# of which comments do not count", "", 1), again, "v1.0.0"), text) {
		t.Error("another text for the same design")
	}
	other := lockOf(t, strings.Replace(lockedShop, "2.5]", "2.6]", 1), again, "v1.0.0")
	changed, err := gen.ReadLock(other)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range changed.Plugins {
		if same := p == lock.Plugins[i]; same != (p.Name != "mine") {
			t.Errorf("%s with other settings of mine: same %t", p.Name, same)
		}
	}
}

// TestOtherVersions: what gate.lock pins is not left without being told to.
func TestOtherVersions(t *testing.T) {
	released := func(version string) gen.Options { return gen.Options{GateVersion: version, GateSum: "h1:x"} }
	for name, tt := range map[string]struct {
		was, is         gen.Options
		wasMine, isMine string
		want            string
	}{
		"another gate":   {released("v0.1.0"), released("v0.2.0"), "v1.0.0", "v1.0.0", "gate.lock pins gate v0.1.0, and this is v0.2.0"},
		"an older gate":  {released("v0.2.0"), released("v0.1.0"), "v1.0.0", "v1.0.0", "gate.lock pins gate v0.2.0, and this is v0.1.0"},
		"development":    {released("v0.2.0"), gen.Options{Replace: "/gate"}, "v1.0.0", "v1.0.0", "gate.lock pins gate v0.2.0, and this is development"},
		"another plugin": {released("v0.1.0"), released("v0.1.0"), "v1.0.0", "v1.1.0", "gate.lock pins plugin mine v1.0.0, and this is v1.1.0"},
		"the same":       {released("v0.1.0"), released("v0.1.0"), "v1.0.0", "v1.0.0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tt.is.State.Lock = lockOf(t, lockedShop, tt.was, tt.wasMine)
			plugins := append(standard.Plugins(), versioned(tt.isMine))
			_, err := gen.Generate(parse(t, lockedShop), tt.is, plugins...)
			locked, ok := errors.AsType[*gen.LockError](err)
			if ok != (tt.want != "") || ok && locked.Error() != tt.want {
				t.Errorf("got %v", err)
			}
			tt.is.Upgrade = true
			if _, err := gen.Generate(parse(t, lockedShop), tt.is, plugins...); err != nil {
				t.Errorf("told to: %v", err)
			}
		})
	}
}

// TestBrokenLocks: a file that cannot be read is never taken for none.
func TestBrokenLocks(t *testing.T) {
	for _, text := range []string{"", "{", "<<<<<<< HEAD\n{}", `{"format": 2}`, `{"format": 1, "gate": "v0.1.0", "more": 1}`} {
		if _, err := gen.ReadLock([]byte(text)); err == nil || !strings.Contains(err.Error(), "gate.lock") {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := gen.Generate(parse(t, lockedShop), gen.Options{Replace: "/gate", State: gen.State{Lock: []byte(text)}}, append(standard.Plugins(), versioned(""))...); err == nil {
			t.Errorf("%q: generated", text)
		}
	}
	if l, err := gen.ReadLock(nil); l != nil || err != nil {
		t.Errorf("none: %v, %v", l, err)
	}
}
