package cli

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/typo"
)

type idpClientCmd struct {
	List   idpClientListCmd   `cmd:"" help:"List applications."`
	Show   idpClientShowCmd   `cmd:"" help:"Show an application, without its secret."`
	Create idpClientCreateCmd `cmd:"" help:"Make an application."`
	Update idpClientUpdateCmd `cmd:"" help:"Change an application."`
	Delete idpClientDeleteCmd `cmd:"" help:"Delete an application, with its tokens."`
	Secret idpSecretCmd       `cmd:"" help:"Show or change the secret of one."`
}

// Example is that of the most used of them.
func (idpClientCmd) Example() string { return idpClientUpdateCmd{}.Example() }

// client returns the client of this ID or name.
func (a *admin) client(name string) (*tenant.Client, error) {
	const hint = "gate idp client list shows those there are"
	all, err := a.Tenant().Clients.List(a.out)
	if err != nil {
		return nil, err
	}
	var found []*tenant.Client
	for _, c := range all {
		if c.ID == name {
			return c, nil
		}
		if c.Name == name {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, failf(hint, "there is no client %q", name)
	}
	ids := make([]string, len(found))
	for i, c := range found {
		ids[i] = c.ID
	}
	return nil, failf("name it by its ID: "+strings.Join(ids, ", "), "%d clients have the name %q", len(found), name)
}

type idpClientListCmd struct{}

// Example is what help ends with.
func (idpClientListCmd) Example() string { return "gate idp client list" }

// Run lists clients.
func (idpClientListCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		raw, err := a.Admin.All(out, "clients", "clients")
		if err != nil {
			return err
		}
		all, err := decodeAll[tenant.Client](raw)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, c := range all {
			rows = append(rows, []string{c.Name, c.ID, typeOf(c), strings.Join(c.Callbacks, " ")})
		}
		return a.print(raw, []string{"name", "id", "type", "callbacks"}, rows)
	})
}

func decodeAll[T any](raw []json.RawMessage) ([]*T, error) {
	list := make([]*T, len(raw))
	for i, r := range raw {
		list[i] = new(T)
		if err := json.Unmarshal(r, list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

type idpClientShowCmd struct {
	Client string `arg:"" help:"ID or name."`
}

// Example is what help ends with.
func (idpClientShowCmd) Example() string { return "gate idp client show Menu" }

// Run shows a client.
func (c *idpClientShowCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		cl, err := a.client(c.Client)
		if err != nil {
			return err
		}
		raw, err := a.get("clients/" + cl.ID)
		if err != nil {
			return err
		}
		lines := clientLines(cl)
		if cl.AppType != tenant.NonInteractive {
			ways, err := a.waysIn(cl)
			if err != nil {
				return err
			}
			lines = append(lines, [2]string{"log-in by", ways})
		}
		return a.show(raw, lines...)
	})
}

// waysIn names the connections that a client may use.
func (a *admin) waysIn(c *tenant.Client) (string, error) {
	all, err := a.Tenant().Connections.List(a.out)
	if err != nil {
		return "", err
	}
	var names []string
	for _, conn := range all {
		if slices.Contains(conn.EnabledClients, c.ID) || conn.DomainLevel && !c.FirstParty {
			names = append(names, conn.Name)
		}
	}
	if len(names) == 0 {
		return "nothing: gate idp connection enable CONNECTION " + c.ID, nil
	}
	return strings.Join(names, " "), nil
}

// typeOf is the type of a client as --type has it.
func typeOf(c *tenant.Client) string {
	switch c.AppType {
	case tenant.RegularWeb:
		return "web"
	case tenant.NonInteractive:
		return "machine"
	}
	return c.AppType
}

func clientLines(c *tenant.Client) [][2]string {
	return [][2]string{
		{"id", c.ID},
		{"name", c.Name},
		{"type", typeOf(c)},
		{"description", c.Description},
		{"first party", map[bool]string{true: "yes", false: "no: people are asked for consent"}[c.FirstParty]},
		{"authenticates", c.AuthMethod},
		{"grants", strings.Join(c.GrantTypes, " ")},
		{"callbacks", strings.Join(c.Callbacks, " ")},
		{"log-out URLs", strings.Join(c.LogoutURLs, " ")},
		{"web origins", strings.Join(c.WebOrigins, " ")},
	}
}

// clientLists are the flags for the lists of a client.
type clientLists struct {
	Callback  []string `placeholder:"URL" help:"Address that a log-in may return to; may be given more than once."`
	LogoutURL []string `name:"logout-url" placeholder:"URL" help:"Address that a log-out may return to; may be given more than once."`
	WebOrigin []string `placeholder:"ORIGIN" help:"Origin that its pages are served from; may be given more than once."`
	GrantType []string `placeholder:"GRANT" help:"Way that it gets tokens, such as authorization_code or password; may be given more than once."`
}

type clientList struct {
	name string
	add  []string
	of   []string
}

func (l clientLists) lists(c *tenant.Client) []clientList {
	return []clientList{
		{"callbacks", l.Callback, c.Callbacks},
		{"allowed_logout_urls", l.LogoutURL, c.LogoutURLs},
		{"web_origins", l.WebOrigin, c.WebOrigins},
		{"grant_types", l.GrantType, c.GrantTypes},
	}
}

// check refuses what nearly always is an address whose scheme was forgotten:
// localhost:3000 is well-formed, with a scheme that is called localhost. Private
// schemes of native applications (com.example.app:/cb) stay.
func (l clientLists) check() error {
	for flag, list := range map[string][]string{"--callback": l.Callback, "--logout-url": l.LogoutURL, "--web-origin": l.WebOrigin} {
		for _, text := range list {
			if host, _, _ := strings.Cut(text, "/"); hostPort.MatchString(host) {
				scheme := "https://"
				if thisMachine(host) {
					scheme = "http://"
				}
				return misused("did you mean "+scheme+text+"?", "%s %s has no scheme", flag, text)
			}
		}
	}
	return nil
}

// hostPort matches a host with a port, and no scheme before it.
var hostPort = regexp.MustCompile(`^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]+$`)

type idpClientCreateCmd struct {
	Name        string   `arg:"" help:"Name."`
	Type        string   `enum:"spa,native,web,machine" default:"spa" help:"spa (in a browser), native, web (on a server) or machine."`
	Description string   `placeholder:"TEXT" help:"What for."`
	API         string   `name:"api" placeholder:"API" help:"API that a machine gets tokens for; management is the Management API."`
	Scope       []string `placeholder:"SCOPE" help:"Scope of that API; may be given more than once, all unless said."`
	clientLists
}

// Example is what help ends with.
func (idpClientCreateCmd) Example() string {
	return "gate idp client create Menu --callback http://localhost:3000/auth-callback --web-origin http://localhost:3000"
}

// Run makes a client.
func (c *idpClientCreateCmd) Run(out *console, idp *idpCmd) error {
	if len(c.Scope) > 0 && c.API == "" {
		return misused("--api names it", "--scope is of an API, and none is named")
	}
	if err := c.check(); err != nil {
		return err
	}
	return idp.administer(out, func(a *admin) error {
		in := map[string]any{"name": c.Name, "app_type": map[string]string{
			"spa": tenant.SPA, "native": tenant.Native, "web": tenant.RegularWeb, "machine": tenant.NonInteractive,
		}[c.Type]}
		if c.Description != "" {
			in["description"] = c.Description
		}
		for _, l := range c.lists(new(tenant.Client)) {
			if len(l.add) > 0 {
				in[l.name] = l.add
			}
		}
		var api *tenant.API
		var err error
		if c.API != "" {
			if c.Type != "machine" {
				return misused("people's clients ask for an API when somebody logs in", "--api is for clients of the type machine")
			}
			if api, err = a.api(c.API); err != nil {
				return err
			}
			if err := defined(api, c.Scope); err != nil { // before there is a client that gets nothing
				return err
			}
		}
		if c.Type != "machine" { // so that people can log in to it
			if err := a.ensureDatabase(); err != nil {
				return err
			}
		}
		made := new(tenant.Client)
		if err := a.send(http.MethodPost, "clients", in, made); err != nil {
			return err
		}
		if c.Type == "machine" && api == nil && !a.json {
			out.talk.line("  " + out.talk.paint(yellow, "!") + " " + plain(made.Name) + " gets tokens for no API yet: --api says for which one when it is made")
		}
		if api != nil {
			if err := a.allow(made.ID, api, c.Scope); err != nil {
				return err
			}
		}
		if c.Type != "machine" {
			if err := a.enableEverywhere(made.ID); err != nil {
				return err
			}
		}
		return a.showSecret(made.ID, made.AuthMethod != tenant.AuthNone, true)
	})
}

// defined refuses scopes that an API does not have.
func defined(api *tenant.API, scopes []string) error {
	for _, name := range scopes {
		if api.Defines(name) {
			continue
		}
		var names []string
		for _, s := range api.Scopes {
			names = append(names, s.Value)
		}
		hint := "gate idp api update " + api.Identifier + " --scope " + name + " adds it"
		switch meant := typo.Nearest(name, names); {
		case name == "*":
			hint = "without --scope it is all of them"
		case meant != "":
			hint = "did you mean " + meant + "? gate idp api show " + api.Identifier + " lists them"
		case api.System:
			hint = "gate idp api show " + config.ManagementAPI + " lists them"
		}
		return failf(plain(hint), "the API %s has no scope %q", api.Identifier, name)
	}
	return nil
}

// allow lets a client get tokens for an API, with these scopes or all.
func (a *admin) allow(id string, api *tenant.API, scopes []string) error {
	if len(scopes) == 0 {
		scopes = []string{}
		for _, s := range api.Scopes {
			scopes = append(scopes, s.Value)
		}
	}
	return a.send(http.MethodPost, "client-grants", map[string]any{"client_id": id, "audience": api.Identifier, "scope": scopes}, nil)
}

// enableEverywhere lets a client use the connections that keep passwords, as it
// does in Auth0's dashboard.
func (a *admin) enableEverywhere(id string) error {
	all, err := a.Tenant().Connections.List(a.out)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Strategy != tenant.Database {
			continue
		}
		if err := a.send(http.MethodPatch, "connections/"+c.ID+"/clients", []any{map[string]any{"client_id": id, "status": true}}, nil); err != nil {
			return err
		}
	}
	return nil
}

// showSecret shows a client with its secret: which is what was asked for, or it
// was made just now.
func (a *admin) showSecret(id string, has, made bool) error {
	c, err := a.Tenant().Clients.Get(a.out, id)
	if err != nil {
		return err
	}
	raw, err := a.get("clients/" + id)
	if err != nil {
		return err
	}
	lines := clientLines(c)
	if !has {
		return a.show(raw, lines...)
	}
	if !made {
		a.Tenant().Record(a.out, tenant.Log{Type: "mgmt_api_read", Description: "secret of the client " + id + " shown by gate idp", ClientID: id})
	}
	var o map[string]json.RawMessage
	if err := json.Unmarshal(raw, &o); err != nil {
		return err
	}
	if o["client_secret"], err = json.Marshal(c.Secret); err != nil {
		return err
	}
	return a.show(o, append(lines[:1:1], append([][2]string{{"secret", c.Secret}}, lines[1:]...)...)...)
}

type idpClientUpdateCmd struct {
	Client      string   `arg:"" help:"ID or name."`
	Name        *string  `placeholder:"NAME" help:"Another name."`
	Description *string  `placeholder:"TEXT" help:"Another description."`
	ThirdParty  *bool    `negatable:"" help:"It is somebody else's: people are asked whether it may have what it asks for."`
	Remove      []string `placeholder:"VALUE" help:"Take this address, origin or grant from its lists; may be given more than once."`
	clientLists
}

// Example is what help ends with.
func (idpClientUpdateCmd) Example() string {
	return "gate idp client update Menu --callback https://menu.example.com/auth-callback"
}

// Help says that lists are added to.
func (idpClientUpdateCmd) Help() string {
	return "What is given is added to the lists; --remove takes from them."
}

// Run changes a client.
func (c *idpClientUpdateCmd) Run(out *console, idp *idpCmd) error {
	if err := c.check(); err != nil {
		return err
	}
	return idp.administer(out, func(a *admin) error {
		cl, err := a.client(c.Client)
		if err != nil {
			return err
		}
		in := map[string]any{}
		for name, value := range map[string]*string{"name": c.Name, "description": c.Description} {
			if value != nil {
				in[name] = *value
			}
		}
		if c.ThirdParty != nil && *c.ThirdParty == cl.FirstParty {
			in["is_first_party"] = !*c.ThirdParty
		}
		left := slices.Clone(c.Remove)
		for _, l := range c.lists(cl) {
			next := slices.DeleteFunc(slices.Clone(l.of), func(s string) bool { return slices.Contains(c.Remove, s) })
			left = slices.DeleteFunc(left, func(s string) bool { return slices.Contains(l.of, s) })
			for _, s := range l.add {
				if !slices.Contains(next, s) {
					next = append(next, s)
				}
			}
			if !slices.Equal(next, l.of) {
				in[l.name] = next
			}
		}
		if len(left) > 0 {
			return failf("gate idp client show "+cl.ID, "the client has no %q in its lists", left[0])
		}
		if len(in) == 0 {
			a.done("nothing to change in %s", cl.Name)
			return nil
		}
		if err := a.send(http.MethodPatch, "clients/"+cl.ID, in, nil); err != nil {
			return err
		}
		a.done("changed %s", cl.Name)
		return nil
	})
}

type idpClientDeleteCmd struct {
	Client string `arg:"" help:"ID or name."`
	Yes    bool   `help:"Do not ask."`
}

// Example is what help ends with.
func (idpClientDeleteCmd) Example() string { return "gate idp client delete Menu" }

// Run deletes a client.
func (c *idpClientDeleteCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		cl, err := a.client(c.Client)
		if err != nil {
			return err
		}
		if err := out.confirm(c.Yes, "delete the client %s (%s)", cl.Name, cl.ID); err != nil {
			return err
		}
		if err := a.send(http.MethodDelete, "clients/"+cl.ID, nil, nil); err != nil {
			return err
		}
		a.done("deleted %s", cl.Name)
		return nil
	})
}

type idpSecretCmd struct {
	Show   idpSecretShowCmd   `cmd:"" help:"Show the secret of an application."`
	Rotate idpSecretRotateCmd `cmd:"" help:"Make another secret; the one before ends now."`
}

// Example is what help ends with.
func (idpSecretCmd) Example() string { return idpSecretShowCmd{}.Example() }

type idpSecretShowCmd struct {
	Client string `arg:"" help:"ID or name."`
}

// Example is what help ends with.
func (idpSecretShowCmd) Example() string { return "gate idp client secret show Cron" }

// Run shows a secret.
func (c *idpSecretShowCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		cl, err := a.confidential(c.Client)
		if err != nil {
			return err
		}
		return a.showSecret(cl.ID, true, false)
	})
}

func (a *admin) confidential(name string) (*tenant.Client, error) {
	cl, err := a.client(name)
	if err == nil && cl.AuthMethod == tenant.AuthNone {
		return nil, failf("what runs in a browser or on a device cannot keep one", "the client %s has no secret", cl.Name)
	}
	return cl, err
}

type idpSecretRotateCmd struct {
	Client string `arg:"" help:"ID or name."`
	Yes    bool   `help:"Do not ask."`
}

// Example is what help ends with.
func (idpSecretRotateCmd) Example() string { return "gate idp client secret rotate Cron" }

// Run changes a secret.
func (c *idpSecretRotateCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		cl, err := a.confidential(c.Client)
		if err != nil {
			return err
		}
		if err := out.confirm(c.Yes, "end the secret of %s", cl.Name); err != nil {
			return err
		}
		if err := a.send(http.MethodPost, "clients/"+cl.ID+"/rotate-secret", nil, nil); err != nil {
			return err
		}
		return a.showSecret(cl.ID, true, true)
	})
}
