package gen

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
)

// gomod holds copies of this module's go.mod and go.sum, for each database the
// list of modules whose packages a service builds, and for some plugins what
// comes on top of it. They are what makes a
// complete go.mod and go.sum possible without asking anybody; TestModuleLists
// compares them with the real ones, and with -update rewrites them.
//
//go:embed gomod
var gomod embed.FS

// ours marks the replace line of a development build.
const ours = "// development build of gate"

// module adds go.mod and go.sum: what the service needs, and what the user wrote.
func (b *Build) module(opts Options) error {
	parent, needed, err := moduleLists(append([]string{string(b.Design.Service.Database)}, b.Modules...)...)
	if err != nil {
		return err
	}
	sums := map[string]string{}
	own, err := gomod.ReadFile("gomod/gate.sum")
	if err != nil {
		return err
	}
	sumsOf(own, sums)
	sumsOf(opts.State.GoSum, sums)
	required, err := b.requirements(sums)
	if err != nil {
		return err
	}
	mod, err := mergeMod(b.Design.Service.Module, opts, parent, needed, required, b.Ignore)
	if err != nil {
		return err
	}
	sum, err := mergeSum(opts, needed, b.required)
	if err != nil {
		return err
	}
	b.Add(File{Path: "go.mod", Data: mod, Owner: Merged})
	b.Add(File{Path: "go.sum", Data: sum, Owner: Merged})
	return nil
}

// GoVersion returns the version of Go that the service needs at least, such as
// 1.26: for files that name a compiler.
func (b *Build) GoVersion() (string, error) {
	parent, _, err := moduleLists()
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(semver.MajorMinor("v"+parent.Go.Version), "v"), nil
}

// moduleLists returns the go.mod of this module, and the paths of the modules
// that are on the lists of those names.
func moduleLists(names ...string) (*modfile.File, []string, error) {
	src, err := gomod.ReadFile("gomod/gate.mod")
	if err != nil {
		return nil, nil, err
	}
	parent, err := modfile.Parse("gate.mod", src, nil)
	if err != nil {
		return nil, nil, err
	}
	var needed []string
	for _, name := range names {
		list, err := gomod.ReadFile("gomod/" + name + ".txt")
		if err != nil {
			return nil, nil, err
		}
		needed = append(needed, strings.Fields(string(list))...)
	}
	return parent, needed, nil
}

func mergeMod(path string, opts Options, parent *modfile.File, needed []string, required []requirement, ignore []string) ([]byte, error) {
	f, err := modfile.Parse("go.mod", opts.State.GoMod, nil)
	if err != nil {
		return nil, err
	}
	if err := f.AddModuleStmt(path); err != nil {
		return nil, err
	}
	if f.Go == nil || semver.Compare("v"+f.Go.Version, "v"+parent.Go.Version) < 0 {
		if err := f.AddGoStmt(parent.Go.Version); err != nil {
			return nil, err
		}
	}
	version := cmp.Or(opts.GateVersion, "v0.0.0")
	if opts.GateVersion == "" && opts.Replace == "" {
		return nil, errors.New("a development build of gate cannot tell which version the service needs: name a checkout to replace it with")
	}
	want := map[string]requirement{}
	for _, r := range parent.Require {
		if slices.Contains(needed, r.Mod.Path) {
			want[r.Mod.Path] = requirement{Module: Module{Path: r.Mod.Path, Version: r.Mod.Version, Indirect: true}}
		}
	}
	raise(want, parent, required)
	var require []*modfile.Require
	for _, r := range f.Require {
		if w, ok := want[r.Mod.Path]; ok {
			if semver.Compare(w.Version, r.Mod.Version) > 0 {
				r.Mod.Version = w.Version
			}
			r.Indirect = r.Indirect && w.Indirect
		}
		delete(want, r.Mod.Path)
		if r.Mod.Path == modulePath {
			continue
		}
		require = append(require, r)
	}
	require = append(require, &modfile.Require{Mod: module.Version{Path: modulePath, Version: version}})
	for _, path := range slices.Sorted(maps.Keys(want)) {
		require = append(require, &modfile.Require{Mod: module.Version{Path: path, Version: want[path].Version}, Indirect: want[path].Indirect})
	}
	f.SetRequireSeparateIndirect(require)
	for _, dir := range ignore {
		if err := f.AddIgnore(dir); err != nil {
			return nil, err
		}
	}
	if err := replaceGate(f, opts.Replace); err != nil { // behind them, also the next time
		return nil, err
	}
	f.Cleanup()
	f.SortBlocks()
	return modfile.Format(f.Syntax), nil
}

// replaceGate points the module to a checkout, or removes the line that an
// earlier development build wrote. A line of the user's own stays.
func replaceGate(f *modfile.File, checkout string) error {
	for _, r := range f.Replace {
		if r.Old.Path != modulePath || !isOurs(r.Syntax) {
			continue
		}
		if err := f.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			return err
		}
	}
	if checkout == "" || slices.ContainsFunc(f.Replace, func(r *modfile.Replace) bool { return r.Old.Path == modulePath }) {
		return nil
	}
	if !strings.HasPrefix(checkout, "../") && checkout != ".." && !strings.HasPrefix(checkout, "/") && !strings.Contains(checkout, ":") {
		return fmt.Errorf("%q is no path that a replace line can name: it starts with ../ or is absolute", checkout)
	}
	if err := f.AddReplace(modulePath, "", checkout, ""); err != nil {
		return err
	}
	line := f.Replace[len(f.Replace)-1].Syntax
	line.Suffix = append(line.Suffix, modfile.Comment{Token: ours, Suffix: true})
	return nil
}

func isOurs(line *modfile.Line) bool {
	return line != nil && slices.ContainsFunc(line.Suffix, func(c modfile.Comment) bool { return c.Token == ours })
}

// mergeSum returns the checksums that the service needs: of the modules that it
// builds, and of the go.mod of every module that the go command may look at.
func mergeSum(opts Options, needed []string, required []requirement) ([]byte, error) {
	lines := map[string]bool{}
	for _, r := range required {
		needed = append(needed, r.Path)
		for _, line := range r.lines() {
			lines[line[0]+" "+line[1]] = true
		}
	}
	for line := range strings.Lines(string(opts.State.GoSum)) {
		lines[strings.TrimSpace(line)] = true
	}
	sums, err := gomod.ReadFile("gomod/gate.sum")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(sums)) {
		f := strings.Fields(line)
		if len(f) == 3 && (strings.HasSuffix(f[1], "/go.mod") || slices.Contains(needed, f[0])) {
			lines[strings.Join(f, " ")] = true
		}
	}
	if opts.GateVersion != "" && opts.Replace == "" && opts.GateSum != "" {
		mod, err := gomod.ReadFile("gomod/gate.mod")
		if err != nil {
			return nil, err
		}
		h, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(string(mod))), nil
		})
		if err != nil {
			return nil, err
		}
		lines[fmt.Sprintf("%s %s %s", modulePath, opts.GateVersion, opts.GateSum)] = true
		lines[fmt.Sprintf("%s %s/go.mod %s", modulePath, opts.GateVersion, h)] = true
	}
	delete(lines, "")
	sorted := slices.SortedFunc(maps.Keys(lines), compareSums)
	return []byte(strings.Join(sorted, "\n") + "\n"), nil
}

// compareSums orders the lines of a go.sum as the go command does.
func compareSums(a, b string) int {
	pathA, restA, _ := strings.Cut(a, " ")
	pathB, restB, _ := strings.Cut(b, " ")
	versionA, _, _ := strings.Cut(restA, " ")
	versionB, _, _ := strings.Cut(restB, " ")
	bareA, _ := strings.CutSuffix(versionA, "/go.mod")
	bareB, _ := strings.CutSuffix(versionB, "/go.mod")
	return cmp.Or(strings.Compare(pathA, pathB), semver.Compare(bareA, bareB), strings.Compare(a, b))
}
