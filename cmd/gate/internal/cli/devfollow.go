package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/design"
)

// follow makes a new version after each change.
func (d *dev) follow(ctx context.Context) error {
	changes := make(chan []string)
	failed := make(chan error, 1)
	taken := make(chan struct{}, 1) // the watcher may have left: an interrupt can fall into a change
	go func() {
		for {
			names, err := d.watch.wait(ctx)
			if err != nil {
				failed <- err
				return
			}
			select {
			case changes <- names:
			case <-ctx.Done():
				return
			}
			select {
			case <-taken:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return err
		case <-d.gone():
			d.died()
		case names := <-changes:
			d.change(ctx, names)
			taken <- struct{}{}
		}
	}
}

// gone is closed when the service has ended by itself.
func (d *dev) gone() <-chan struct{} {
	if d.serving == nil {
		return nil
	}
	return d.serving.gone
}

func (d *dev) died() {
	err := &exitError{err: d.serving.err, lines: d.log.errors()}
	d.serving = nil
	d.problem(err, nil)
}

// change makes a new version, and tells on one line how that went.
func (d *dev) change(ctx context.Context, names []string) {
	if d.took > 0 && !slices.ContainsFunc(names, func(name string) bool { return !webFile(name) }) {
		d.web.follow(ctx, d) // the service is not made from these
		return
	}
	start, known := time.Now(), d.administrator()
	what := strings.Join(names, ", ")
	if len(names) > 3 {
		what = fmt.Sprintf("%s and %d more", names[0], len(names)-1)
	}
	old := d.p
	p, err := open(d.cmd.Dir)
	if err == nil {
		d.p = p
		if err = d.make(ctx, d.took == 0); err != nil {
			d.p = old
		}
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		d.problem(err, names)
		return
	}
	if d.took == 0 {
		d.ready(start)
		return
	}
	d.tellState(nil)
	if now := d.administrator(); now != known {
		d.tellAdministrator(now, true)
	}
	took := time.Since(start)
	event := map[string]any{"event": "change", "files": names, "status": "restarted", "url": d.url(), "ms": took.Milliseconds()}
	if len(d.news) > 0 {
		event["news"] = d.news
	}
	d.talk.event(event)
	d.talk.line("  " + d.talk.paint(dim, time.Now().Format(time.TimeOnly)) + "  " + pad(what, 14) + " restarted in " + short(took))
	for _, told := range d.news {
		d.talk.line("            " + plain(told))
	}
	d.issuerMoved(old)
}

// problem tells what is wrong with the newest version; the last good one is
// still there.
func (d *dev) problem(err error, names []string) {
	hint := ""
	if f, ok := errors.AsType[*fault](err); ok {
		hint = f.hint
	}
	place, message := "", err.Error()
	failure := map[string]any{"message": message, "since": time.Now().Format(time.TimeOnly)}
	if errs, ok := errors.AsType[*design.Errors](err); ok && len(errs.Problems) > 0 {
		first := errs.Problems[0]
		hint = cmp.Or(hint, first.Hint)
		place = fmt.Sprintf("%s:%d", filepath.Base(first.File), first.Line)
		message = first.Message
		if more := len(errs.Problems) - 1; more > 0 {
			message += ", and " + count(more, "problem", "problems") + " more: gate design check tells all"
		}
		failure["file"], failure["line"] = filepath.Base(first.File), first.Line
	}
	d.tellState(failure)
	d.talk.event(map[string]any{"event": "change", "files": names, "status": "failed", "message": err.Error(), "hint": hint})
	now := "  " + d.talk.paint(dim, time.Now().Format(time.TimeOnly)) + "  "
	if place != "" {
		d.talk.line(now + pad(place, 14) + " " + d.talk.paint(red, message))
	} else {
		d.talk.lines(now + d.talk.paint(red, strings.ReplaceAll(message, "\n", "\n            ")))
	}
	if hint != "" {
		d.talk.line("            " + hint)
	}
	if d.serving != nil {
		d.talk.line("            still serving the version of " + d.since.Format(time.TimeOnly))
	} else {
		d.talk.line("            nothing is served until a change starts")
	}
}
