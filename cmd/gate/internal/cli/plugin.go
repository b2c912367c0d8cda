package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

type pluginCmd struct {
	List    pluginListCmd    `cmd:"" help:"List the plugins there are, and which are on."`
	Add     pluginAddCmd     `cmd:"" help:"Add a plugin to gate.yaml, or set its settings."`
	Remove  pluginRemoveCmd  `cmd:"" help:"Remove a plugin and its settings from gate.yaml."`
	Enable  pluginEnableCmd  `cmd:"" help:"Turn a plugin on again."`
	Disable pluginDisableCmd `cmd:"" help:"Turn a plugin off and keep its settings."`
}

// Example is of the most used of them.
func (pluginCmd) Example() string { return "gate plugin list -C examples/restaurant" }

// in is the folder that the plugin commands work on.
type in struct {
	Dir string `short:"C" default:"." placeholder:"DIR" help:"Folder of the service, with its gate.yaml."`
}

type pluginListCmd struct {
	in
}

func (pluginListCmd) Example() string { return "gate plugin list -C examples/restaurant" }

// Run lists the plugins.
func (c *pluginListCmd) Run(out *console) error {
	var d *design.Design
	p, err := open(c.Dir)
	switch {
	case err == nil:
		d = p.design
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	for _, plugin := range standard.Plugins() {
		if plugin.Base {
			continue
		}
		state := "off"
		if d != nil {
			if used := d.Plugin(plugin.Name); used != nil && used.Enabled {
				state = "on"
			} else if used != nil {
				state = "disabled"
			}
		}
		if _, err := fmt.Fprintf(out.stdout, "%-12s %-9s %s\n", plugin.Name, state, plugin.Summary); err != nil {
			return err
		}
	}
	return nil
}

type pluginAddCmd struct {
	in
	Name     string   `arg:"" help:"Name of the plugin."`
	Settings []string `arg:"" optional:"" help:"Settings, as KEY=VALUE."`
}

func (pluginAddCmd) Help() string {
	return "Comments and the order of gate.yaml stay as they are."
}

func (pluginAddCmd) Example() string {
	return "gate plugin add auth-basic realm=Kitchen -C examples/restaurant"
}

// Run adds the plugin.
func (c *pluginAddCmd) Run(out *console) error {
	if err := known(c.Name); err != nil {
		return err
	}
	settings := make([]design.Setting, len(c.Settings))
	for i, s := range c.Settings {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return failf("write it as expiresIn=1h", "%s: not KEY=VALUE", s)
		}
		settings[i] = setting(key, value)
	}
	return c.edit(out, c.Name, func(src []byte) ([]byte, error) { return design.SetPlugin(src, c.Name, settings...) })
}

type pluginRemoveCmd struct {
	in
	Name string `arg:"" help:"Name of the plugin."`
}

func (pluginRemoveCmd) Example() string {
	return "gate plugin remove auth-basic -C examples/restaurant"
}

// Run removes the plugin.
func (c *pluginRemoveCmd) Run(out *console) error {
	return c.edit(out, c.Name, func(src []byte) ([]byte, error) { return design.RemovePlugin(src, c.Name) })
}

type pluginEnableCmd struct {
	in
	Name string `arg:"" help:"Name of the plugin."`
}

func (pluginEnableCmd) Example() string { return "gate plugin enable auth-jwt -C examples/restaurant" }

// Run turns the plugin on.
func (c *pluginEnableCmd) Run(out *console) error {
	return c.edit(out, c.Name, func(src []byte) ([]byte, error) { return design.EnablePlugin(src, c.Name, true) })
}

type pluginDisableCmd struct {
	in
	Name string `arg:"" help:"Name of the plugin."`
}

func (pluginDisableCmd) Example() string {
	return "gate plugin disable auth-basic -C examples/restaurant"
}

// Run turns the plugin off.
func (c *pluginDisableCmd) Run(out *console) error {
	return c.edit(out, c.Name, func(src []byte) ([]byte, error) { return design.EnablePlugin(src, c.Name, false) })
}

// known refuses a plugin that nobody has heard of.
func known(name string) error {
	var names []string
	for _, p := range standard.Plugins() {
		if p.Name == name && !p.Base {
			return nil
		}
		if !p.Base {
			names = append(names, p.Name)
		}
	}
	return failf("there are "+strings.Join(names, ", "), "there is no plugin %q", name)
}

// edit changes gate.yaml. What does not load any more is not written. What loads
// and is not complete is written and told: two plugins that need each other can
// only be added one after the other.
func (c *in) edit(out *console, name string, change func([]byte) ([]byte, error)) error {
	path := filepath.Join(c.Dir, designFile)
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	src, err := change(old)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	d, err := design.Parse(path, src)
	if err != nil {
		return failf("nothing was written", "%w", err)
	}
	checked := gen.Check(d, standard.Plugins()...)
	if wrong := settingsOf(name, checked); wrong != nil {
		return failf("nothing was written", "%w", wrong)
	}
	if err := replaceFile(path, src); err != nil {
		return err
	}
	if checked != nil {
		out.talk.error(checked, "gate.yaml was changed, but is not complete yet")
		return errReported
	}
	out.talk.line("  " + out.talk.paint(green, "✓") + " " + path + "; gate generate brings the code up to date")
	return nil
}

// settingsOf returns the problems that are about the settings of a plugin.
func settingsOf(name string, err error) error {
	errs, ok := errors.AsType[*design.Errors](err)
	if !ok {
		return nil
	}
	var own design.Errors
	for _, p := range errs.Problems {
		if strings.HasPrefix(p.Path, "plugins."+name+".") {
			own.Problems = append(own.Problems, p)
		}
	}
	return own.Err()
}

// replaceFile writes the file at once or not at all, and keeps its mode.
func replaceFile(path string, data []byte) error {
	mode := os.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".gate-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(mode), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// setting reads a value as YAML would: true, 25 and 0.5 are not text.
func setting(key, value string) design.Setting {
	s := design.Setting{Key: key, Kind: design.KindString, Value: value}
	if b, err := strconv.ParseBool(value); err == nil && (value == "true" || value == "false") {
		s.Kind, s.Value = design.KindBool, b
	} else if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		s.Kind, s.Value = design.KindInteger, n
	} else if f, err := strconv.ParseFloat(value, 64); err == nil {
		s.Kind, s.Value = design.KindFloat, f
	}
	return s
}
