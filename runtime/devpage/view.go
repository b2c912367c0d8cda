package devpage

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gatewright/gate/internal/pattern"
	"github.com/gatewright/gate/runtime/model"
)

// view is what the template prints.
type view struct {
	Service, Database            string
	Assets, Host, Login          string
	Issuer, Try                  string
	StartedIn, Generator, Design string
	AdminFile, Outbox            string
	Failure                      *Failure
	Admin                        *admin
	Provider                     *Provider
	Addresses                    []address
	Routes                       []routeView
	Commands                     []command
}

type (
	address struct {
		Name, Path, About string
	}
	routeView struct {
		Method, Path string
		Who          []who
	}
	// who is a part of a rule: words of the page, or the name of a role or
	// permission.
	who struct {
		Text string
		Name bool
	}
	command struct{ Title, Text string }
)

func (p *Page) view(r *http.Request) view {
	f, host, token := p.facts, r.Host, r.URL.Query().Get("token")
	v := view{
		Service: f.Service, Database: f.Database, Assets: Assets, Host: host, Login: f.Login, Issuer: f.Issuer, Try: f.Try, AdminFile: whole(f.AdminFile),
		Admin: p.readAdmin(token), Addresses: addresses(f), Outbox: p.outboxPath(token), Commands: p.commands(host),
	}
	for _, r := range f.Routes {
		v.Routes = append(v.Routes, routeView{r.Method, r.Path, everybody(r.Rules)})
	}
	var s State
	if readJSON(f.StateFile, &s) {
		v.StartedIn, v.Generator, v.Failure = s.StartedIn, s.Gate, s.Error
		v.Design = strings.TrimPrefix(s.Design, "gate.yaml")
		v.Provider = s.Provider
	}
	if v.Provider != nil && v.Provider.Role != "" {
		v.Commands = append(v.Commands, command{
			"Give somebody a role, in the folder of the service", "gate idp role assign " + v.Provider.Role + " you@example.com",
		})
	}
	return v
}

// whole returns the path of a file from the root on: whoever reads the page need not
// know where the service was started.
func whole(name string) string {
	if path, err := filepath.Abs(name); err == nil && name != "" {
		return path
	}
	return name
}

func addresses(f Facts) []address {
	var list []address
	if f.Docs {
		list = append(list,
			address{"REST reference", "/api/docs", "Every route, from the OpenAPI document"},
			address{"OpenAPI document", "/api/openapi.json", "The same for programs"})
	}
	if f.GraphQL != "" {
		list = append(list, address{"GraphQL", f.GraphQL, "A page to ask and to change rows, with the schema beside it; tools may read that, too"})
	}
	if f.Account != "" {
		list = append(list, address{"Account", f.Account, "Where people log in, sign up and look after their accounts"})
	}
	return append(list, address{"Health", "/health/ready", "200 while the database answers"})
}

// everybody puts a rule into words.
func everybody(rules []string) []who {
	if slices.Contains(rules, "public") {
		return []who{{Text: "everyone"}}
	}
	var list []who
	for _, word := range rules {
		switch word {
		case "signed-in", "owner", "nobody":
			list = append(list, who{Text: word})
		default:
			list = append(list, who{Text: word, Name: true})
		}
	}
	if list == nil {
		return []who{{Text: "nobody"}}
	}
	return list
}

// commands are to be pasted into a shell in the folder of the service.
func (p *Page) commands(host string) []command {
	var list []command
	if e := p.entity(func(e *model.Entity) bool { return slices.Contains(e.Allow.List, "public") }); e != nil {
		list = append(list, command{"Read the " + words(e.Plural) + ", as everyone may", "curl " + host + "/api/" + e.Path})
	}
	const bearer = `-H "Authorization: Bearer $TOKEN"`
	file := p.facts.AdminFile
	var credentials string
	switch {
	case p.facts.Issuer != "":
		list = append(list, command{"Keep the access token of a log-in", "TOKEN='paste it here'"})
		credentials = bearer
	case p.facts.Tokens:
		list = append(list, command{
			"Log in as the administrator, and keep the token",
			fmt.Sprintf(`TOKEN=$(curl -s %s/api/authentication --json "{\"strategy\":\"local\",$(tr -d '{}' < %s)}" | sed 's/.*"accessToken":"\([^"]*\)".*/\1/')`, host, file),
		})
		credentials = bearer
	case p.facts.Login != "":
		credentials = fmt.Sprintf(`-u "$(sed -n 's/.*: "\(.*\)".*/\1/p' %s | paste -sd: -)"`, file)
	}
	if credentials != "" {
		list = append(list, command{"Ask who you are", "curl " + host + "/api/me " + credentials})
	}
	e := p.entity(func(e *model.Entity) bool {
		return len(e.Allow.Create) > 0 && e.Name != p.facts.AuthEntity && !e.LogsIn
	})
	if e == nil {
		return list
	}
	if body, ok := example(e); ok {
		curl := "curl " + host + "/api/" + e.Path + " "
		if credentials != "" && !slices.Contains(e.Allow.Create, "public") {
			curl += credentials + " "
		}
		list = append(list, command{"Add to the " + words(e.Plural), curl + "--json '" + body + "'"})
	}
	return list
}

func (p *Page) entity(is func(*model.Entity) bool) *model.Entity {
	if i := slices.IndexFunc(p.facts.Entities, is); i >= 0 {
		return p.facts.Entities[i]
	}
	return nil
}

// words turns OrderItems into "order items".
func words(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// example returns a row that the entity takes, with what it requires; false if
// that needs another row.
func example(e *model.Entity) (string, bool) {
	var parts []string
	for i := range e.Fields {
		f := &e.Fields[i]
		if !f.Required || f.ReadOnly || f.HasDefault() || f.Name == e.Owner || f.Name == e.Tenant {
			continue
		}
		value, ok := exampleValue(f)
		if !ok {
			return "", false
		}
		name, err1 := json.Marshal(f.Name)
		text, err2 := json.Marshal(value)
		if err1 != nil || err2 != nil || strings.Contains(string(text), "'") {
			return "", false
		}
		parts = append(parts, string(name)+":"+string(text))
	}
	return "{" + strings.Join(parts, ",") + "}", true
}

func exampleValue(f *model.Field) (any, bool) {
	switch f.Type {
	case model.Text, model.LongText:
		if f.Pattern != "" {
			return pattern.Sample(f.Pattern, 0, f.MinLength, f.MaxLength)
		}
		text := "Figs and honey"
		if f.MaxLength > 0 && len(text) > f.MaxLength {
			text = text[:f.MaxLength]
		}
		return text, len(text) >= f.MinLength
	case model.Email:
		return "ada@kitchen.example", true
	case model.Username:
		return "ada", true
	case model.URL:
		return "https://kitchen.example/figs.jpg", true
	case model.Enum:
		return f.Values[0], true
	case model.MultiEnum:
		return f.Values[:1], true
	case model.GeoType:
		return model.Geo{Lat: 48.2082, Lng: 16.3738}, true
	case model.Integer, model.Float, model.DecimalType:
		if f.Min != "" && f.Min != "0" {
			return json.Number(f.Min), true
		}
		if f.Max != "" {
			return json.Number(f.Max), true
		}
		if f.Type == model.DecimalType && f.Scale >= 2 && f.Precision > f.Scale {
			return json.Number("7.50"), true
		}
		return 7, true
	case model.Boolean:
		return true, true
	case model.DateType:
		return cmp.Or(f.Min, f.Max, "2026-11-21"), true
	case model.DateTime:
		return cmp.Or(f.Min, f.Max, "2026-11-21T12:00:00Z"), true
	case model.JSON:
		return map[string]any{}, true
	}
	return nil, false
}
