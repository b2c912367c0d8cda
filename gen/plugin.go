package gen

import "github.com/gatewright/gate/design"

// A Plugin adds one ability to a service. It is a description; the work is done
// by the [Part] that New makes for each generation.
//
// The order in which plugins contribute is solved from Requires, not configured.
type Plugin struct {
	Name    string // as in gate.yaml
	Summary string // one line for people, lower case, no full stop
	Version string // v1.2.3; empty is that of gate, with which the plugin comes

	// Base plugins are part of every service and are not named in gate.yaml.
	Base bool

	// When says whether a base plugin is part of the service; nil means always. It
	// is for what other sections than "plugins" turn on, such as an API.
	When func(*design.Design) bool

	// Requires names plugins that have to be on as well and contribute earlier.
	Requires []string

	// Conflicts names plugins that cannot be on at the same time.
	Conflicts []string

	// Provides says what the plugin is to others, and Needs what some other
	// plugin has to provide, whatever the order of the two. Empty is nothing.
	Provides, Needs string

	// Routes are the first path elements below /api at which the plugin answers:
	// no entity can have one of them.
	Routes []string

	// Reads are paths of files that the user writes beside gate.yaml and that the
	// plugin reads, such as seed.yaml: see [Build.Input].
	Reads []string

	// New makes the plugin ready for one generation.
	New func() Part
}

// A Part is a plugin at work, for one generation of one service. Its settings
// are read first, then Validate is called, then Contribute.
type Part interface {
	// Settings returns a pointer to the struct that takes the settings, with the
	// defaults in it, or nil when there are none to make. What the tags of its
	// fields say is also what editors are told:
	//
	//	Entity    string        `yaml:"entity" doc:"Who signs in." required:"true"`
	//	Algorithm string        `yaml:"algorithm" doc:"How tokens are signed." enum:"HS256,ES256"`
	//	ExpiresIn time.Duration `yaml:"expiresIn" doc:"Life of a token." min:"1m" max:"24h"`
	//
	// All three conditions are enforced, and a placeholder such as CHANGE_ME is
	// refused in every text.
	Settings() any

	// Validate checks what the settings alone cannot say. p is the plugin's place
	// in gate.yaml, nil for base plugins. The error is a [*design.Errors].
	Validate(d *design.Design, p *design.Plugin) error

	// Contribute adds to the service.
	Contribute(b *Build) error
}

// An Extender is a [Part] that adds entities of its own, and fields of others, to the
// design. Everything holds for them that holds for those of the user: they are read
// and checked alike, with the plugin in the place of the file; they are in the API,
// in migrations and in who may do what; and the Validate and Contribute of every
// plugin see them. They cannot change or take away anything of the user's, see
// [design.Design.With].
type Extender interface {
	// Extend returns what the plugin adds, as [design.Addition] describes it. It is
	// called after the settings were read, with the design of the user alone.
	Extend(d *design.Design) ([]byte, error)
}
