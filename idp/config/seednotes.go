package config

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/tenant"
)

// seedDocument is where the settings of the tenant keep what was added.
const seedDocument = "gate/seed"

func (p *planter) read() error {
	set, err := p.Tenant().Settings(p.ctx)
	if err != nil {
		return err
	}
	var list []string
	if raw := set.Documents[seedDocument]; len(raw) > 0 {
		if err := json.Unmarshal(raw, &list); err != nil {
			return err
		}
	}
	for _, name := range list {
		p.done[name] = true
	}
	return nil
}

func (p *planter) remember() error {
	if len(p.news) == 0 {
		return nil
	}
	return p.rewrite(func(list []string) []string { return append(list, p.news...) })
}

// begin remembers that something of several steps is being made, before the first
// of them, with an ID for it: one that was begun before by whoever did not come
// to the end has that of then.
func (p *planter) begin(name ...string) (id string, err error) {
	key := strings.Join(name, " ") + begun
	err = p.rewrite(func(list []string) []string {
		id = tenant.NewSubject()
		for _, item := range list {
			if was, ok := strings.CutPrefix(item, key); ok {
				id = was
			}
		}
		return append(list, key+id)
	})
	return id, err
}

// begun stands between the name of what was begun and its ID.
const begun = " begun "

// half reports whether something was begun, by this start or one before.
func (p *planter) half(name ...string) bool {
	key := strings.Join(name, " ") + begun
	for item := range p.done {
		if strings.HasPrefix(item, key) {
			return true
		}
	}
	return false
}

// rewrite changes what was ever added.
func (p *planter) rewrite(change func(list []string) []string) error {
	_, err := p.Tenant().UpdateSettings(p.ctx, func(set *tenant.Settings) error {
		var list []string
		if raw := set.Documents[seedDocument]; len(raw) > 0 {
			if err := json.Unmarshal(raw, &list); err != nil {
				return err
			}
		}
		list = change(list)
		slices.Sort(list)
		data, err := json.Marshal(slices.Compact(list))
		if err != nil {
			return err
		}
		if set.Documents == nil {
			set.Documents = map[string]json.RawMessage{}
		}
		set.Documents[seedDocument] = data
		return nil
	})
	return err
}

// note remembers that something was added.
func (p *planter) note(name ...string) {
	key := strings.Join(name, " ")
	if !p.done[key] {
		p.done[key] = true
		p.news = append(p.news, key)
	}
}

func (p *planter) was(name ...string) bool { return p.done[strings.Join(name, " ")] }

// fresh returns what of a list of something was never added to it, or all when it
// was made now. wanted is noted by [planter.noteAll] once it is there.
func (p *planter) fresh(made bool, wanted []string, name ...string) []string {
	var list []string
	for _, w := range wanted {
		if made || !p.was(append(slices.Clone(name), w)...) {
			list = append(list, w)
		}
	}
	return list
}

func (p *planter) noteAll(list []string, name ...string) {
	for _, w := range list {
		p.note(append(slices.Clone(name), w)...)
	}
}
