package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"golang.org/x/mod/module"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

// designFile is the name of the design in the folder of a service.
const designFile = "gate.yaml"

// A project is the folder of a service, and the design in it.
type project struct {
	dir    string
	design *design.Design

	upgrade bool // whatever gate.lock pins
}

// open reads the design in dir, and checks it with the plugins.
func open(dir string) (*project, error) {
	path := filepath.Join(dir, designFile)
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, failf("name the folder that holds gate.yaml", "%s is not a folder", dir)
	}
	d, err := design.Load(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, failf("gate new starts a service; gate dev DIR takes the folder of one", "%s: there is no such file", path)
	}
	if err != nil {
		return nil, err
	}
	if d, err = gen.Extend(d, standard.Plugins()...); err != nil {
		return nil, err
	}
	return &project{dir: dir, design: d}, nil
}

// options are what a generation knows besides the design.
func (p *project) options(allow []string) (opts gen.Options, err error) {
	state, err := gen.ReadState(p.dir, p.design.Service.Database, standard.Plugins()...)
	if err != nil {
		return opts, err
	}
	opts = gen.Options{State: state, AllowDestructive: allow}
	if v := version(); v != development {
		opts.GateVersion, opts.GateSum = v, sum()
		return opts, nil
	}
	source := cmp.Or(sourceAt(callerDir()), sourceAt(p.dir))
	if source == "" {
		return opts, failf("build it without -trimpath (GOFLAGS says that, too), or install a release: go install github.com/gatewright/gate/cmd/gate@latest",
			"this gate is a development build with -trimpath: it does not know where its source is, which the service needs")
	}
	opts.Replace, err = gen.FindReplace(p.dir, source)
	return opts, err
}

// generate brings the folder to the design.
func (p *project) generate(allow []string, how gen.ApplyOptions) (*gen.Report, error) {
	opts, err := p.options(allow)
	if err != nil {
		return nil, err
	}
	opts.Upgrade = p.upgrade || how.Check // which tells of gate.lock as of any file
	files, err := gen.Generate(p.design, opts, standard.Plugins()...)
	if lost, ok := errors.AsType[*gen.DestructiveError](err); ok {
		names := make([]string, len(lost.Changes))
		for i, c := range lost.Changes {
			names[i] = "--allow-destructive=" + c.Name
		}
		return nil, &fault{err: err, hint: "nothing was written; if that is meant: " + strings.Join(names, " ")}
	}
	if lock, ok := errors.AsType[*gen.LockError](err); ok {
		return nil, &fault{err: err, hint: lockHint(lock)}
	}
	if err != nil {
		return nil, err
	}
	report, err := gen.Apply(p.dir, files, how)
	if _, ok := errors.AsType[*gen.EditedError](err); ok {
		return nil, &fault{err: err, hint: "nothing was written; move your lines to a file of yours, or --force to lose them"}
	}
	if _, ok := errors.AsType[*gen.MoveError](err); ok {
		return nil, &fault{err: err, hint: moveHint}
	}
	return report, err
}

const moveHint = "nothing was written; give one of the two files another name, or put them together, and generate again"

// lockHint says how to go on.
func lockHint(e *gen.LockError) string {
	pin := e.Pins[0]
	hint := "nothing was written; gate diff shows what would change, and gate generate --upgrade goes to " + pin.Is
	if pin.Name == "gate" && pin.Locked != development {
		hint += "; the other one: go install github.com/gatewright/gate/cmd/gate@" + pin.Locked
	}
	return hint
}

// summary is what the design holds, in words.
func (p *project) summary() string {
	return fmt.Sprintf("%s, %s, %s", designFile, count(len(p.design.Entities), "entity", "entities"), count(len(p.design.Roles), "role", "roles"))
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// stateDir is where all development state lives; git ignores it.
func (p *project) stateDir() string { return filepath.Join(p.dir, ".gate") }

// version is the version of this command: v0.1.0, or "development".
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" && v != "(devel)" && !strings.Contains(v, "+") && !module.IsPseudoVersion(v) {
			return v
		}
	}
	return development
}

// sum is the hash of the module that this command was built from, for go.sum.
func sum() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Sum
	}
	return ""
}

const development = "development"

// callerDir is where this command was compiled, "" if it was with -trimpath.
func callerDir() string {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		return ""
	}
	return filepath.Dir(file)
}

// sourceAt returns the checkout of gate that dir lies in, "" if there is none. The
// services that a development build generates use it, and not a release.
func sourceAt(dir string) string {
	if dir == "" {
		return ""
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for ; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module github.com/gatewright/gate\n") {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}
