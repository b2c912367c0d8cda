package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/gatewright/gate/gen"
)

// seedPlugin is the plugin by which a service has first rows.
const seedPlugin = "seed"

type seedCmd struct {
	Dir string `arg:"" default:"." help:"Folder of the service, with its gate.yaml and seed.yaml."`
}

func (seedCmd) Help() string {
	return "Makes the rows of seed.yaml that were never made, and what app/seed.go adds, in the database that gate dev uses: " +
		"DATABASE_URL in the environment or in .env of the folder, else a file in .gate. What was made is printed, one JSON object " +
		"a line. gate dev does the same by itself, unless the database holds rows that no seed made. In production the program " +
		"of the service has the command seed."
}

func (seedCmd) Example() string { return "gate seed examples/restaurant" }

// Run generates, builds and seeds.
func (c *seedCmd) Run(out *console) error {
	p, err := open(c.Dir)
	if err != nil {
		return err
	}
	if !p.seeds() {
		return failf("gate plugin add seed", "the plugin seed is not on in %s", p.design.File)
	}
	s := out.talk.step("generate")
	report, err := p.generate(nil, gen.ApplyOptions{})
	if err != nil {
		return err
	}
	s.done(generated(report))
	if err := p.prepare(); err != nil {
		return err
	}
	bin, err := p.program("-seed")
	if err != nil {
		return err
	}
	s = out.talk.step("build")
	detail, err := p.compile(out, bin, s)
	if err != nil {
		return err
	}
	s.done(detail)
	s = out.talk.step("seed")
	// The address is not listened on: it says that nobody else can reach this.
	answer, err := p.seed(out, bin, append(os.Environ(), "ADDR=127.0.0.1:0", "GATE_DEV="+strings.ToLower(rand.Text())), nil)
	if err != nil {
		return err
	}
	s.done(answer.words())
	_, err = out.stdout.Write(answer.lines)
	return err
}

// seeds reports whether the service has first rows.
func (p *project) seeds() bool {
	place := p.design.Plugin(seedPlugin)
	return place != nil && place.Enabled
}

// watches names the files beside the code that make a new version of the service.
func (p *project) watches() string {
	if p.seeds() {
		return designFile + ", seed.yaml"
	}
	return designFile
}

// seed makes the first rows of a service that has them.
func (d *dev) seed(ctx context.Context, bin string, step func(string) *step) error {
	if !d.p.seeds() {
		return nil
	}
	s := step("seed")
	answer, err := d.p.seed(ctx, bin, d.environment(), d.log, "--if-unused")
	if err != nil {
		return err
	}
	s.done(answer.words())
	if answer.made > 0 {
		d.news = append(d.news, "seed: "+answer.words())
	}
	return nil
}

// seeded is what the command seed of a service answers.
type seeded struct {
	lines     []byte
	made      int
	passwords string // the file of those that were made
	unchanged string // why nothing was done
}

func (s *seeded) words() string {
	switch {
	case s.unchanged != "":
		return "nothing: " + s.unchanged
	case s.made == 0:
		return "nothing new"
	case s.passwords != "":
		return fmt.Sprintf("%s, passwords in %s", count(s.made, "row", "rows"), s.passwords)
	}
	return count(s.made, "row", "rows")
}

// seed runs the command seed of the service's program.
func (p *project) seed(ctx context.Context, bin string, env []string, log *serviceLog, args ...string) (*seeded, error) {
	cmd := exec.CommandContext(ctx, bin, append([]string{"seed"}, args...)...)
	cmd.Dir, cmd.Env = p.dir, env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, failf("nothing of it was made", "%s", seedProblem(p.design.Service.Name, stderr.String(), err))
	}
	if log != nil {
		for line := range strings.Lines(stderr.String()) {
			log.add(strings.TrimRight(line, "\n"))
		}
	}
	s := &seeded{lines: stdout.Bytes()}
	for line := range strings.Lines(stdout.String()) {
		var said struct{ Name, Passwords, Unchanged string }
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			return nil, errors.New("the service answered to seed: " + line)
		}
		if said.Name != "" {
			s.made++
		}
		s.passwords, s.unchanged = s.passwords+said.Passwords, s.unchanged+said.Unchanged
	}
	return s, nil
}

// seedProblem returns what a service says went wrong: words after its name, else
// the last lines of its log.
func seedProblem(service, stderr string, err error) string {
	words, after := "", false
	var log []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimRight(line, "\n")
		if rest, ok := strings.CutPrefix(line, service+": "); ok {
			words, after = rest, true
			continue
		}
		if text, level := readable(line); after {
			words += "\n" + line
		} else if level >= levelError {
			log = append(log, text)
		}
	}
	switch {
	case words != "":
		return words
	case len(log) > 0:
		return strings.Join(log, "\n")
	}
	return "seed: " + err.Error()
}
