package cli

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"

	"github.com/gatewright/gate/auth0"
	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/tenant"
)

// madeUp is what was made up for the provider of this folder, as it is kept in
// .gate: for whoever starts gate dev without a terminal.
type madeUp struct {
	Admin         string `json:"admin"`
	Password      string `json:"password"`
	MachineID     string `json:"machine_client_id"`
	MachineSecret string `json:"machine_client_secret"`
	// What was asked for last: what the provider has of it is nobody's change.
	Service    string `json:"service,omitempty"`
	ClientName string `json:"web_client_name,omitempty"`
	Action     string `json:"action_sha256,omitempty"`
}

// readMadeUp reads what is kept; what is not ours is written anew.
func readMadeUp(file string) (kept madeUp) {
	if data, err := os.ReadFile(file); err == nil {
		_ = json.Unmarshal(data, &kept)
	}
	return kept
}

// read takes what is worth telling from the report of the seed.
func (p *devProvider) read(report config.Report, ask request) {
	if s, ok := report.Find(config.KindClient, ask.SPA.Name); ok {
		p.client = s.ID
	}
	if s, ok := report.Find(config.KindClient, devMachine); ok {
		p.machine, p.secret = s.ID, cmp.Or(s.Secret.Reveal(), p.secret)
	}
	p.admin = devAdmin
	if s, ok := report.Find(config.KindUser, devAdmin); ok {
		p.password = cmp.Or(s.Secret.Reveal(), p.password)
	}
}

// keep writes what the next start has to know.
func (p *devProvider) keep(ask request) error {
	p.kept = madeUp{
		Admin: p.admin, MachineID: p.machine,
		Password: cmp.Or(p.password, p.kept.Password), MachineSecret: cmp.Or(p.secret, p.kept.MachineSecret),
		Service: ask.service, ClientName: ask.SPA.Name, Action: codeSum(ask.Action.Code),
	}
	data, err := json.MarshalIndent(p.kept, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(p.file, append(data, '\n'), 0o600)
}

func codeSum(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}

// rename gives the pages and the single-page client the names that the design has
// now, unless somebody gave them others.
func (p *devProvider) rename(ctx context.Context, ask request) error {
	set, err := p.in.Tenant().Settings(ctx)
	if err != nil {
		return err
	}
	if is := set.FriendlyName; is != ask.service && (is == "" || is == p.kept.Service) {
		if err := p.in.Admin.Do(ctx, http.MethodPatch, "tenants/settings", map[string]any{"friendly_name": ask.service}, nil); err != nil {
			return err
		}
	}
	client, err := p.in.Tenant().Clients.Get(ctx, p.client)
	if err != nil || client.Name == ask.SPA.Name || client.Name != p.kept.ClientName {
		return err
	}
	return p.in.Admin.Do(ctx, http.MethodPatch, "clients/"+p.client, map[string]any{"name": ask.SPA.Name}, nil)
}

// redeploy gives the action the code that the design asks for now where it runs that
// of before. One with code of a person's own stays, and what is to be done then is
// returned.
func (p *devProvider) redeploy(ctx context.Context, want *auth0.Action) (string, error) {
	p.in.Tenant().Actions.Renew() // gate idp action deploy is another process
	act, err := p.in.Tenant().Actions.ByName(ctx, want.Name)
	if errors.Is(err, tenant.ErrNotFound) { // somebody deleted it
		return "", nil
	}
	if err != nil {
		return "", err
	}
	runs := func(sum string) bool {
		return act.Deployed != nil && codeSum(act.Code) == sum && codeSum(act.Deployed.Code) == sum
	}
	switch sum := codeSum(want.Code); {
	case runs(sum) || p.kept.Action == sum:
		return "", nil
	case runs(p.kept.Action):
		err := p.in.Admin.Do(ctx, http.MethodPatch, actionPath(act, ""), map[string]any{"code": want.Code, "deploy": true}, nil)
		return "the action " + act.Name + " was deployed anew, as gate.yaml asks for it now", err
	}
	file := filepath.Join(filepath.Dir(p.file), "action.js")
	if err := os.WriteFile(file, []byte(want.Code), 0o600); err != nil {
		return "", err
	}
	return "the action " + act.Name + " has code of its own, which stays; that of gate.yaml takes, in the folder of the service: " +
		`gate idp action deploy "` + act.Name + `" --file .gate/action.js`, nil
}
