package design

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/internal/typo"
)

// maxNear is how many words are compared to find what somebody meant by permissions
// that no rule asks for, whatever a hostile file lists.
const maxNear = 20_000

// unasked warns of permissions that no rule asks for and that look like a mistake: one
// of their words is near one that a rule asks for, or names an entity as it was called
// before. Any other may be for the code of the service. held is where they stand.
func (w *warner) unasked(held map[*Role][]*node) {
	if w.d.Service.InsecureOpenToEveryone { // and the rules are not those of the file
		return
	}
	asked := w.d.asked()
	verbs, nouns := map[string]bool{"*": true}, map[string]bool{"*": true}
	for _, verb := range Actions() {
		verbs[verb] = true
	}
	former := map[string]*Entity{}
	for _, e := range w.d.Entities {
		nouns[kebab(e.Plural)], nouns[kebab(e.Route)] = true, true
		if e.RenamedFrom != "" {
			former[strings.ReplaceAll(e.FormerTables()[0], "_", "-")] = e
		}
	}
	for _, p := range asked {
		verb, noun, _ := strings.Cut(p, ":")
		verbs[verb], nouns[noun] = true, true
	}
	compared := 0
	for _, r := range w.d.Roles {
		for i, p := range r.Permissions {
			verb, noun, _ := strings.Cut(p, ":")
			if p == "*" || verbs[verb] && nouns[noun] {
				continue
			}
			near, why := "", ""
			if e := former[noun]; e != nil && !nouns[noun] {
				near, why = verb+":"+kebab(e.Route), fmt.Sprintf(", and %s is %s now", e.RenamedFrom, e.Name)
			} else if compared += len(asked); compared <= maxNear {
				near = typo.Nearest(p, like(p, asked))
			}
			if near != "" {
				w.add(WarnUnasked, held[r][i].pos, "roles."+r.Name+".permissions["+strconv.Itoa(i)+"]",
					fmt.Sprintf("no rule asks for permission %s%s, did you mean %s?", quote(p), why, quote(near)),
					"if your own code asks for it, write in service: accept: ["+WarnUnasked+"]")
			}
		}
	}
}

// AccountPermissions are the settings of auth-core that ask for a permission: by which
// somebody looks after the accounts of others.
func AccountPermissions() []string { return []string{"sessions", "keys", "audit"} }

// asked lists the permissions that rules ask for, sorted, each once.
func (d *Design) asked() []string {
	var all []string
	add := func(rules []Rule) {
		for _, r := range rules {
			if r.Kind == HasPermission {
				all = append(all, r.Name)
			}
		}
	}
	for _, e := range d.Entities {
		for _, action := range Actions() {
			add(e.Allow.Rules(action))
		}
		for _, f := range e.Fields {
			for _, action := range []string{"view", "create", "update"} {
				add(f.Access.Rules(action))
			}
		}
	}
	for _, a := range d.Actions {
		add(a.Allow)
	}
	if core := d.Plugin(AuthCore); core != nil && core.Enabled {
		for _, name := range AccountPermissions() {
			if s := core.Setting(name); s != nil {
				permission, _ := s.Value.(string)
				all = append(all, permission)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// like returns the permissions with the wildcards of one.
func like(p string, asked []string) []string {
	if !strings.Contains(p, "*") {
		return asked
	}
	var list []string
	for _, other := range asked {
		verb, noun, _ := strings.Cut(other, ":")
		if strings.HasPrefix(p, "*") {
			verb = "*"
		} else {
			noun = "*"
		}
		list = append(list, verb+":"+noun)
	}
	return list
}
