package cli

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// An unapplied is a migration that this run has written, and that the database
// may not have applied yet.
type unapplied struct {
	name     string // 0002_add_notes_done.sql
	database design.Database
	before   gen.State // without it
}

// generate brings the folder to the design, tells what became of the user's files,
// which no later generation knows, and remembers a migration that came with it.
func (d *dev) generate(s *step) error {
	db := d.p.design.Service.Database
	before, err := gen.ReadState(d.p.dir, db)
	if err != nil {
		return err
	}
	report, err := d.p.generate(d.cmd.AllowDestructive, gen.ApplyOptions{Force: d.cmd.Force})
	if err != nil {
		return err
	}
	for _, name := range report.Created {
		if path.Dir(name) == path.Join("migrations", string(db)) && path.Ext(name) == ".sql" && !strings.HasSuffix(name, ".down.sql") {
			d.unapplied = append(d.unapplied, unapplied{path.Base(name), db, before})
		}
	}
	s.done(generated(report))
	followed(d.talk, report)
	ours := slices.Concat(report.Created, report.Updated, report.Removed, report.Edited, report.Carried)
	for _, m := range report.Moved {
		ours = append(ours, m.From, m.To)
	}
	return d.watch.accept(ours...) // what we wrote is no change
}

// takeBack removes the migration that the database refused, and those after it,
// when this run wrote them: otherwise no gate.yaml would lead out of there. Each
// runs in a transaction, so that nothing of them is in the database.
func (d *dev) takeBack(refused error) error {
	text := refused.Error()
	i := slices.IndexFunc(d.unapplied, func(u unapplied) bool {
		at := "migrate app: " + u.name + ":"
		return strings.Contains(text, at) && !strings.Contains(text, at+" commit:") // of which nobody knows how it ended
	})
	if i < 0 {
		return refused
	}
	first, names := d.unapplied[i], []string(nil)
	for _, u := range d.unapplied[i:] {
		if u.database == first.database {
			names = append(names, u.name)
		}
	}
	if err := gen.TakeBack(d.p.dir, first.database, first.before, names...); err != nil {
		return errors.Join(refused, fmt.Errorf("taking the migration back: %w", err))
	}
	for _, name := range names {
		d.watch.forget(path.Join("migrations", string(first.database), name))
	}
	d.unapplied = d.unapplied[:i]
	return &fault{err: refused, hint: "the migration was taken back: change gate.yaml, or the rows and start gate dev again"}
}
