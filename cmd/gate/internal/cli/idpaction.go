package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/tenant"
)

type idpActionCmd struct {
	List   idpActionListCmd   `cmd:"" help:"List actions."`
	Create idpActionCreateCmd `cmd:"" help:"Make an action from a file. It runs when it is deployed and bound."`
	Deploy idpActionDeployCmd `cmd:"" help:"Deploy the code of an action, or new code from a file."`
	Bind   idpActionBindCmd   `cmd:"" help:"Run an action at its trigger, after those already bound."`
	Unbind idpActionUnbindCmd `cmd:"" help:"Stop running an action at its trigger."`
	Delete idpActionDeleteCmd `cmd:"" help:"Delete an action."`
	Test   idpActionTestCmd   `cmd:"" help:"Run an action with an event, and print what it decides."`
	Logs   idpActionLogsCmd   `cmd:"" help:"List failures of actions."`
}

// Example is that of the most used of them.
func (idpActionCmd) Example() string { return idpActionCreateCmd{}.Example() }

// action returns the action of this name or ID.
func (a *admin) action(name string) (*tenant.Action, error) {
	all, err := a.Tenant().Actions.List(a.out)
	if err != nil {
		return nil, err
	}
	for _, act := range all {
		if act.Name == name || act.ID == name {
			return act, nil
		}
	}
	return nil, failf("gate idp action list shows those there are", "there is no action %q", name)
}

func actionPath(act *tenant.Action, rest string) string {
	return "actions/actions/" + url.PathEscape(act.ID) + rest
}

type idpActionListCmd struct{}

// Example is what help ends with.
func (idpActionListCmd) Example() string { return "gate idp action list" }

// Run lists actions.
func (idpActionListCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		raw, err := a.Admin.All(out, "actions/actions", "actions")
		if err != nil {
			return err
		}
		all, err := decodeAll[tenant.Action](raw)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, act := range all {
			trigger, state := triggerOf(act), "not deployed"
			if act.Deployed != nil {
				state = "deployed"
			}
			b, err := a.Tenant().Bindings.Get(out, trigger)
			if err != nil && !errors.Is(err, tenant.ErrNotFound) {
				return err
			}
			if err == nil && slices.ContainsFunc(b.List, func(b tenant.Binding) bool { return b.ActionID == act.ID }) {
				state += ", bound"
			}
			rows = append(rows, []string{act.Name, act.ID, trigger, state})
		}
		return a.print(raw, []string{"name", "id", "trigger", "state"}, rows)
	})
}

func triggerOf(act *tenant.Action) string {
	if len(act.Triggers) == 0 {
		return ""
	}
	return act.Triggers[0].ID
}

type idpActionCreateCmd struct {
	Name    string   `arg:"" help:"Name."`
	File    string   `required:"" placeholder:"FILE" help:"JavaScript of the action."`
	Trigger string   `default:"post-login" enum:"post-login,credentials-exchange,pre-user-registration,post-user-registration,post-change-password" help:"post-login, credentials-exchange, pre-user-registration, post-user-registration or post-change-password."`
	Secret  []string `name:"secret-env" placeholder:"NAME" help:"Environment variable whose value becomes the secret of the same name; may be given more than once."`
	Deploy  bool     `help:"Deploy it, too: it can be tested, and bound to its trigger."`
	Bind    bool     `help:"Deploy and bind it, too: it runs from now on."`
}

// Example is what help ends with.
func (idpActionCreateCmd) Example() string {
	return "gate idp action create profile --file profile.js --trigger post-login --deploy"
}

// Run makes an action.
func (c *idpActionCreateCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		code, err := os.ReadFile(c.File)
		if err != nil {
			return err
		}
		secrets := []map[string]string{}
		for _, name := range c.Secret {
			value := os.Getenv(name)
			if value == "" {
				return failf("export it", "the environment variable %s is not set", name)
			}
			secrets = append(secrets, map[string]string{"name": name, "value": value})
		}
		act := new(tenant.Action)
		in := map[string]any{"name": c.Name, "code": string(code), "secrets": secrets, "supported_triggers": []any{map[string]string{"id": c.Trigger}}}
		if err := a.send(http.MethodPost, "actions/actions", in, act); err != nil {
			return err
		}
		if err := a.built(act.ID, c.File); err != nil {
			return err
		}
		if c.Deploy || c.Bind {
			if err := a.deploy(act, string(code)); err != nil {
				return err
			}
		}
		if c.Bind {
			if err := a.bind(act); err != nil {
				return err
			}
		}
		return a.show(map[string]string{"id": act.ID, "name": act.Name}, [2]string{"name", act.Name}, [2]string{"id", act.ID})
	})
}

// built returns what is wrong with the code of an action.
func (a *admin) built(id, file string) error {
	act, err := a.Tenant().Actions.Get(a.out, id)
	if err != nil || act.Status == "built" {
		return err
	}
	var problems []struct {
		Message string `json:"msg"`
	}
	why := "the code cannot run"
	if raw := act.Extra["errors"]; json.Unmarshal(raw, &problems) == nil && len(problems) > 0 {
		why = problems[0].Message
	}
	return failf("gate idp action deploy "+act.ID+" --file "+file+" tries again", "%s: %s", file, why)
}

// deploy deploys an action whose code is known, and says what this provider does
// not do of it.
func (a *admin) deploy(act *tenant.Action, code string) error {
	if err := a.send(http.MethodPost, actionPath(act, "/deploy"), nil, nil); err != nil {
		return err
	}
	if calls := callsUndone(triggerOf(act), code); len(calls) > 0 {
		a.out.talk.line("  " + a.out.talk.paint(yellow, "!") + " " + plain(act.Name+" names "+strings.Join(calls, ", ")+", which this provider does not do: a log-in that comes to it is refused"))
	}
	return nil
}

// undoneCall finds in the text of a script, as far as it tells, what [idp.Undone] says of
// one that ran, and what there is no page for.
var undoneCall = regexp.MustCompile(`\b(?:` +
	`(multifactor\.enable)\s*\(\s*(?:[^\s"'` + "`" + `]|["'` + "`" + `][^n])` + // not 'none'
	`|(authentication\.(?:(?:challenge|enroll)With(?:Any)?|recordMethod)|(?:session|refreshToken)\.(?:set|delete|evict)Metadata|prompt\.render|validation\.error)\b` +
	`|(session\.setCookieMode\s*\(\s*["'` + "`" + `]non-persistent["'` + "`" + `]\s*\)))`)

// callsUndone names them, each once. Scripts of other triggers have no log-in to refuse.
func callsUndone(trigger, code string) []string {
	var calls []string
	if trigger != string(actions.TriggerPostLogin) {
		return nil
	}
	for _, found := range undoneCall.FindAllStringSubmatch(code, -1) {
		if call := cmp.Or(found[1:]...); !slices.Contains(calls, call) {
			calls = append(calls, call)
		}
	}
	return calls
}

func (a *admin) bind(act *tenant.Action) error {
	in := map[string]any{"bindings": []any{map[string]any{
		"ref": map[string]string{"type": "action_id", "value": act.ID}, "display_name": act.Name,
	}}}
	return a.send(http.MethodPost, "actions/triggers/"+triggerOf(act)+"/bindings", in, nil)
}

// act names an action.
type act struct {
	Action string `arg:"" help:"Name or ID."`
}

// with does something with the action.
func (c act) with(out *console, idp *idpCmd, do func(*admin, *tenant.Action) error) error {
	return idp.administer(out, func(a *admin) error {
		found, err := a.action(c.Action)
		if err != nil {
			return err
		}
		return do(a, found)
	})
}

type idpActionDeployCmd struct {
	act
	File string `placeholder:"FILE" help:"Its new code."`
}

// Example is what help ends with.
func (idpActionDeployCmd) Example() string { return "gate idp action deploy profile --file profile.js" }

// Run deploys an action.
func (c *idpActionDeployCmd) Run(out *console, idp *idpCmd) error {
	return c.with(out, idp, func(a *admin, act *tenant.Action) error {
		code := act.Code
		if c.File != "" {
			data, err := os.ReadFile(c.File)
			if err != nil {
				return err
			}
			code = string(data)
			if err := a.send(http.MethodPatch, actionPath(act, ""), map[string]any{"code": code}, nil); err != nil {
				return err
			}
		}
		if err := a.built(act.ID, c.File); err != nil {
			return err
		}
		if err := a.deploy(act, code); err != nil {
			return err
		}
		a.done("deployed %s", act.Name)
		return nil
	})
}

type idpActionBindCmd struct{ act }

// Example is what help ends with.
func (idpActionBindCmd) Example() string { return "gate idp action bind profile" }

// Run binds an action.
func (c *idpActionBindCmd) Run(out *console, idp *idpCmd) error {
	return c.with(out, idp, func(a *admin, act *tenant.Action) error {
		if act.Deployed == nil {
			return failf("gate idp action deploy "+act.Name+" does it", "the action %s was not deployed, so there is nothing to run", act.Name)
		}
		if err := a.bind(act); err != nil {
			return err
		}
		a.done("%s runs at %s", act.Name, triggerOf(act))
		return nil
	})
}

type idpActionUnbindCmd struct{ act }

// Example is what help ends with.
func (idpActionUnbindCmd) Example() string { return "gate idp action unbind profile" }

// Run unbinds an action.
func (c *idpActionUnbindCmd) Run(out *console, idp *idpCmd) error {
	return c.with(out, idp, func(a *admin, act *tenant.Action) error {
		b, err := a.Tenant().Bindings.Get(out, triggerOf(act))
		if err != nil && !errors.Is(err, tenant.ErrNotFound) {
			return err
		}
		list := []any{}
		if err == nil {
			for _, item := range b.List {
				if item.ActionID != act.ID {
					list = append(list, map[string]any{"ref": map[string]string{"type": "binding_id", "value": item.ID}, "display_name": item.DisplayName})
				}
			}
		}
		in := map[string]any{"bindings": list}
		if err := a.send(http.MethodPatch, "actions/triggers/"+triggerOf(act)+"/bindings", in, nil); err != nil {
			return err
		}
		a.done("%s does not run at %s any more", act.Name, triggerOf(act))
		return nil
	})
}

type idpActionDeleteCmd struct {
	act
	Yes bool `help:"Do not ask."`
}

// Example is what help ends with.
func (idpActionDeleteCmd) Example() string { return "gate idp action delete profile" }

// Run deletes an action.
func (c *idpActionDeleteCmd) Run(out *console, idp *idpCmd) error {
	return c.with(out, idp, func(a *admin, act *tenant.Action) error {
		if err := out.confirm(c.Yes, "delete the action %s", act.Name); err != nil {
			return err
		}
		if err := a.send(http.MethodDelete, actionPath(act, "?force=true"), nil, nil); err != nil {
			return err
		}
		a.done("deleted %s", act.Name)
		return nil
	})
}

type idpActionTestCmd struct {
	act
	Event string `placeholder:"FILE" help:"Event as JSON; {} unless said."`
}

// Help says what is not done.
func (idpActionTestCmd) Help() string {
	return "Nothing that the action decides is done; requests that it sends are sent. It exits with 1 when it decides what this provider does not do, for which a log-in is refused."
}

// Example is what help ends with.
func (idpActionTestCmd) Example() string { return "gate idp action test profile --event event.json" }

// Run runs the code of an action as it stands, deployed or not.
func (c *idpActionTestCmd) Run(out *console, idp *idpCmd) error {
	return c.with(out, idp, func(a *admin, act *tenant.Action) error {
		event := []byte("{}")
		if c.Event != "" {
			var err error
			if event, err = os.ReadFile(c.Event); err != nil {
				return err
			}
		}
		if !json.Valid(event) {
			return misused("an event is an object such as {\"user\": {\"email\": \"ada@example.com\"}}", "%s: there is no JSON in it", c.Event)
		}
		secrets := map[string]string{}
		for _, s := range act.Secrets {
			secrets[s.Name] = s.Value
		}
		result, err := try(out, a.Actions, actions.Trigger(triggerOf(act)), event, actions.Action{
			ID: act.ID, Name: act.Name, Code: act.Code, Runtime: act.Runtime, Secrets: secrets,
		})
		if err != nil {
			return err
		}
		if err := printJSON(out.stdout, result); err != nil {
			return err
		}
		return refusedHere(result)
	})
}

// refusedHere says what this provider would not do of a log-in.
func refusedHere(result any) error {
	login, ok := result.(actions.PostLoginResult)
	if !ok || idp.Undone(&login) == "" {
		return nil
	}
	return failf("take the call out, or run it at Auth0", "a log-in is refused: this provider does not do %s", idp.Undone(&login))
}

// try runs one action with an event.
func try(ctx context.Context, r *actions.Runner, trigger actions.Trigger, event []byte, act actions.Action) (any, error) {
	list := []actions.Action{act}
	switch trigger {
	case actions.TriggerPostLogin:
		var e actions.PostLoginEvent
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, err
		}
		return r.PostLogin(ctx, list, e, actions.Flow{CanRedirect: true})
	case actions.TriggerCredentialsExchange:
		var e actions.CredentialsExchangeEvent
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, err
		}
		return r.CredentialsExchange(ctx, list, e)
	case actions.TriggerPreUserRegistration, actions.TriggerPostUserRegistration:
		var e actions.RegistrationEvent
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, err
		}
		if trigger == actions.TriggerPreUserRegistration {
			return r.PreUserRegistration(ctx, list, e)
		}
		return struct{}{}, r.PostUserRegistration(ctx, list, e)
	case actions.TriggerPostChangePassword:
		var e actions.ChangePasswordEvent
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, err
		}
		return struct{}{}, r.PostChangePassword(ctx, list, e)
	}
	return nil, failf("", "actions of the trigger %s are not run here", trigger)
}

type idpActionLogsCmd struct {
	Limit int `default:"20" help:"How many to show at most, up to 1000."`
}

// Example is what help ends with.
func (idpActionLogsCmd) Example() string { return "gate idp action logs" }

// Run lists failures.
func (c *idpActionLogsCmd) Run(out *console, idp *idpCmd) error {
	if err := paged(c.Limit, 0); err != nil {
		return err
	}
	return idp.administer(out, func(a *admin) error {
		_, err := a.logs(tenant.LogQuery{Q: "type:actions_execution_failed", Limit: c.Limit})
		return err
	})
}

// printConsole prints what actions write.
func printConsole(t *talk) func(context.Context, actions.ConsoleEntry) {
	return func(_ context.Context, e actions.ConsoleEntry) {
		for line := range strings.Lines(e.Text) {
			t.line("  " + t.paint(dim, e.Level) + " " + plain(strings.TrimSuffix(line, "\n")))
		}
	}
}
