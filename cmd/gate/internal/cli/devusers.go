package cli

import (
	"cmp"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// An account is one of seed.yaml whose password was made: what it logs in with, and
// the file of its password.
type account struct {
	Login string `json:"login"`
	File  string `json:"file"`

	name string // in seed.yaml
}

// accounts reads what the seeds wrote in this folder. Of two files that have the same
// account the later one is of the database that is there.
func (d *dev) accounts() []account {
	if !d.p.seeds() {
		return nil
	}
	dir := filepath.Join(d.cmd.Dir, ".gate")
	files, err := fs.Glob(os.DirFS(dir), "seed*.json")
	if err != nil {
		return nil
	}
	slices.SortFunc(files, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	found := map[string]account{}
	for _, name := range files {
		file := filepath.Join(dir, name)
		var list map[string]map[string]string
		data, err := os.ReadFile(file)
		if err != nil || json.Unmarshal(data, &list) != nil {
			continue
		}
		for name, fields := range list {
			a := account{Login: name, File: file, name: name}
			for _, field := range slices.Sorted(maps.Keys(fields)) {
				if field != "password" {
					a.Login = fields[field]
					break
				}
			}
			found[name] = a
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b account) int { return cmp.Compare(a.name, b.name) })
}

// tellAccounts names those of seed.yaml that can log in, some of many.
func (d *dev) tellAccounts(list []account) {
	const most = 5
	name := "Seeded"
	for _, a := range list[:min(most, len(list))] {
		d.talk.named(name, pad(plain(a.Login), 27)+pad(plain(a.name), 13)+"password in "+a.File)
		name = ""
	}
	if more := len(list) - most; more > 0 {
		d.talk.named("", "and "+count(more, "other", "others"))
	}
}
