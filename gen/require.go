package gen

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// A Module is a Go module in go.mod of the service.
type Module struct {
	Path    string // golang.org/x/text
	Version string // v0.43.0: one version, and no query

	// What go.sum says of it: h1:… of its files, and of its go.mod. A module none of
	// whose packages is built needs the second alone.
	Sum, GoModSum string

	Indirect bool // no file of the service imports it, another module does
}

// Require adds modules to the go.mod and go.sum of the service: those that code of the
// plugin imports, and those that these need, as nothing asks the network. Of several
// versions, those of other plugins, of gate and of the user among them, the highest is
// taken, as the go command does it; other majors have other paths. Two plugins that
// mean something else by one version are refused.
func (b *Build) Require(modules ...Module) {
	for _, m := range modules {
		b.required = append(b.required, requirement{m, b.plugin})
	}
}

// A requirement is a module that a plugin needs.
type requirement struct {
	Module

	plugin string
}

// requirements returns the modules of plugins, each path once with its highest version,
// and the lines of go.sum for all versions that were asked for.
func (b *Build) requirements(sums map[string]string) ([]requirement, error) {
	var list []requirement
	from := map[string]string{} // who says so
	for _, r := range b.required {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("plugin %s requires %s %s: %w", r.plugin, r.Path, r.Version, err)
		}
		for _, line := range r.lines() {
			key, sum := line[0], line[1]
			if was, ok := sums[key]; ok && was != sum {
				who := "go.sum of the service, or gate,"
				if from[key] != "" {
					who = "plugin " + from[key]
				}
				return nil, fmt.Errorf("plugin %s requires %s with the sum %s, and %s says %s: one of them means another module", r.plugin, key, sum, who, was)
			}
			sums[key], from[key] = sum, r.plugin
		}
		i := slices.IndexFunc(list, func(o requirement) bool { return o.Path == r.Path })
		if i < 0 {
			list = append(list, r)
			continue
		}
		if semver.Compare(r.Version, list[i].Version) > 0 {
			list[i].Version = r.Version
		}
		list[i].Indirect = list[i].Indirect && r.Indirect
	}
	return list, nil
}

// lines are those of go.sum: path and version, and the sum.
func (r *requirement) lines() [][2]string {
	of := r.Path + " " + r.Version
	list := [][2]string{{of + "/go.mod", r.GoModSum}}
	if r.Sum != "" {
		list = append(list, [2]string{of, r.Sum})
	}
	return list
}

// check refuses what is no module that go.mod can name.
func (r *requirement) check() error {
	if r.Path == modulePath {
		return errors.New("the service has that at the version of gate")
	}
	if err := module.Check(r.Path, r.Version); err != nil {
		return err
	}
	if module.CanonicalVersion(r.Version) != r.Version {
		return errors.New("the version is not whole, as v1.2.3")
	}
	if r.Sum == "" && !r.Indirect {
		return errors.New("it has no sum, which go.sum names for what is built")
	}
	for _, line := range r.lines() {
		code, ok := strings.CutPrefix(line[1], "h1:")
		if raw, err := base64.StdEncoding.DecodeString(code); !ok || err != nil || len(raw) != sha256.Size {
			return fmt.Errorf("%q is no sum as go.sum has it, h1: and 44 letters", line[1])
		}
	}
	return nil
}

// sumsOf returns the lines of a go.sum by path and version.
func sumsOf(text []byte, sums map[string]string) {
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 {
			sums[f[0]+" "+f[1]] = f[2]
		}
	}
}

// raise puts the modules of plugins among those that the service needs, none below what
// gate itself is built with.
func raise(want map[string]requirement, parent *modfile.File, required []requirement) {
	for _, r := range required {
		for _, own := range parent.Require {
			if own.Mod.Path == r.Path && semver.Compare(own.Mod.Version, r.Version) > 0 {
				r.Version = own.Mod.Version
			}
		}
		want[r.Path] = r
	}
}
