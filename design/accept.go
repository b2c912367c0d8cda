package design

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The names of warnings: what "accept" of an entity, or of the whole service,
// acknowledges. Not all of them are found by this package.
const (
	WarnOpen           = "open-to-everybody"      // insecureOpenToEveryone is on
	WarnNobody         = "nobody-may"             // an entity that no rule opens
	WarnNeedsAuth      = "needs-authentication"   // a rule that holds for nobody while authentication is off
	WarnNeedlessRule   = "needless-rule"          // rules beside public
	WarnPublicAccounts = "public-accounts"        // everybody may read or change accounts
	WarnPublicWrites   = "public-writes"          // everybody may change or delete rows
	WarnShowsEmail     = "shows-email"            // everybody sees an address
	WarnShowsSecret    = "shows-secret"           // everybody sees what is called like a password
	WarnBlindUpdate    = "update-wider-than-view" // rows may be changed by whom get does not show them to
	WarnBlindDelete    = "delete-wider-than-view" // the same of deleting
	WarnOpenAccounts   = "open-accounts"          // strangers make accounts that only an issuer lets in to
	WarnOutsideTenants = "outside-tenants"        // rows without a tenant that point to rows that have one
	WarnSignedIn       = "signed-in-strangers"    // signed-in is also who logs in as a row of another entity
	WarnDefaultUser    = "powerful-default-user"  // whoever signs up may change the accounts of others
	WarnUnasked        = "unasked-permission"     // a permission that no rule asks for, and that is near one that a rule does
)

func warningNames() []string {
	return []string{
		WarnOpen, WarnNobody, WarnNeedsAuth, WarnNeedlessRule, WarnPublicAccounts, WarnPublicWrites,
		WarnShowsEmail, WarnShowsSecret, WarnBlindUpdate, WarnBlindDelete, WarnOutsideTenants, WarnOpenAccounts, WarnSignedIn, WarnDefaultUser,
		WarnUnasked,
	}
}

// An Acceptance is the name of a warning in the file: whoever wrote it knows of
// the danger and means it.
type Acceptance struct {
	Name string
	Pos  Position
}

func acceptKey() key {
	return key{name: "accept", doc: "Warnings that are known and meant, by their names.", schema: object{
		"type": "array", "uniqueItems": true, "items": enumOf(warningNames()...),
	}}
}

func (l *loader) accept(n *node, path string) []Acceptance {
	if n == nil {
		return nil
	}
	path += ".accept"
	var accepted []Acceptance
	for i, item := range l.list(n, path) {
		at := path + "[" + strconv.Itoa(i) + "]"
		name, ok := l.text(item, at, maxName)
		switch {
		case !ok:
		case !slices.Contains(warningNames(), name):
			hint := ""
			near := l.didYouMean(name, warningNames())
			if near == "" {
				hint = "there are " + strings.Join(warningNames(), ", ")
			}
			l.errs.Add(item.pos, at, fmt.Sprintf("unknown warning %s%s", quote(name), near), hint)
		case slices.ContainsFunc(accepted, func(a Acceptance) bool { return a.Name == name }):
			l.errs.Add(item.pos, at, fmt.Sprintf("warning %s is accepted twice", quote(name)), "")
		default:
			accepted = append(accepted, Acceptance{name, item.pos})
		}
	}
	return accepted
}

// Unaccepted returns those of the warnings that the file does not accept, and a
// warning for each acceptance that none of them needed; list has to hold all that
// there are. An entity accepts what is about it, the service what is about
// anything. While auth-core is there and turned off no acceptance is needless,
// since rules that hold for nobody then are in nobody's way. The result is in the
// order of the file.
func (d *Design) Unaccepted(list []Problem) []Problem {
	used := map[Acceptance]bool{}
	var left []Problem
	for _, p := range list {
		accepted := false
		for _, a := range d.accepting(p.Path) {
			if p.Name != "" && a.Name == p.Name {
				used[a], accepted = true, true
			}
		}
		if !accepted {
			left = append(left, p)
		}
	}
	if d.Plugin(AuthCore) == nil || d.Authentication() {
		w := &warner{d: d, list: left}
		w.needless(used, d.Service.Accept, "service", "the service")
		for _, e := range d.Entities {
			w.needless(used, e.Accept, "entities."+e.Name, e.Name)
		}
		left = w.list
	}
	sortProblems(left)
	return left
}

// accepting lists what is accepted for a path such as entities.Item.allow.
func (d *Design) accepting(path string) []Acceptance {
	accepted := d.Service.Accept
	if rest, ok := strings.CutPrefix(path, "entities."); ok {
		name, _, _ := strings.Cut(rest, ".")
		if e := d.Entity(name); e != nil {
			accepted = slices.Concat(e.Accept, accepted)
		}
	}
	return accepted
}

func (w *warner) needless(used map[Acceptance]bool, accepted []Acceptance, path, what string) {
	for _, a := range accepted {
		if !used[a] {
			w.add("", a.Pos, path+".accept", fmt.Sprintf("%s accepts %s, and there is no such warning", what, quote(a.Name)), "remove it")
		}
	}
}
