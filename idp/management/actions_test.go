package management_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// judging is a configuration in which code with the word BAD is wrong.
func judging(c *management.Config) {
	c.CheckAction = func(_ context.Context, a *tenant.Action) (string, error) {
		switch {
		case strings.Contains(a.Code, "BAD"):
			return "1:1: unexpected BAD", nil
		case strings.Contains(a.Code, "DOWN"):
			return "", errors.New("no worker")
		}
		return "", nil
	}
	c.TestAction = func(_ context.Context, a *tenant.Action, event json.RawMessage) (json.RawMessage, error) {
		return json.Marshal(map[string]any{"ran": a.Name, "event": event})
	}
}

func newAction(name string) map[string]any {
	return map[string]any{
		"name": name, "code": "exports.onExecutePostLogin = async () => {};", "runtime": "node18",
		"supported_triggers": []map[string]string{{"id": "post-login", "version": "v2"}},
		"secrets":            []map[string]string{{"name": "KEY", "value": "hush-hush"}},
	}
}

func TestActions_life(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db, judging)
		token := w.everything()
		made := w.do(token, "POST", "actions/actions", newAction("Add user details"), 201)
		id := made.str("id")
		if made.str("status") != "pending" || made.object()["deployed_version"] != nil || made.object()["all_changes_deployed"] != false || len(id) != 36 {
			t.Errorf("made %s", made.text)
		}
		got := w.do(token, "GET", "actions/actions/"+id, nil, 200)
		if got.str("status") != "built" {
			t.Errorf("then %s", got.text)
		}
		version := w.do(token, "POST", "actions/actions/"+id+"/deploy", nil, 200)
		if version.object()["number"] != 1.0 || version.object()["deployed"] != true || version.str("status") != "built" {
			t.Errorf("deployed %s", version.text)
		}
		if got := w.do(token, "GET", "actions/actions/"+id, nil, 200).object(); got["all_changes_deployed"] != true {
			t.Errorf("after deploy: %v", got)
		}
		// A change of the code changes nothing live.
		edited := w.do(token, "PATCH", "actions/actions/"+id, `{"code":"exports.onExecutePostLogin = async () => {}; // 2"}`, 200)
		if edited.object()["all_changes_deployed"] != false {
			t.Errorf("edited: %s", edited.text)
		}
		live, err := w.store.Actions.Get(t.Context(), id)
		if err != nil || strings.Contains(live.Deployed.Code, "// 2") || live.Deployed.Secrets[0].Value != "hush-hush" {
			t.Errorf("live: %+v %v", live.Deployed, err)
		}
		second := w.do(token, "PATCH", "actions/actions/"+id, `{"secrets":[{"name":"KEY"},{"name":"NEW","value":"n"}],"deploy":true}`, 200).object()
		if v, _ := second["deployed_version"].(map[string]any); v["number"] != 2.0 {
			t.Errorf("second: %v", second)
		}
		if live, err = w.store.Actions.Get(t.Context(), id); err != nil || live.Deployed.Secrets[0].Value != "hush-hush" || live.Deployed.Secrets[1].Value != "n" {
			t.Errorf("secrets: %+v %v", live.Deployed, err)
		}
		versions := w.do(token, "GET", "actions/actions/"+id+"/versions", nil, 200).object()
		list, _ := versions["versions"].([]any)
		if len(list) != 2 || versions["total"] != 2.0 || list[0].(map[string]any)["number"] != 2.0 {
			t.Errorf("versions: %v", versions)
		}
		back := w.do(token, "POST", "actions/actions/"+id+"/versions/"+version.str("id")+"/deploy", nil, 200).object()
		if back["number"] != 3.0 || strings.Contains(back["code"].(string), "// 2") {
			t.Errorf("back: %v", back)
		}
		w.do(token, "GET", "actions/actions/"+id+"/versions/"+version.str("id"), nil, 200)
		w.send(token, "GET", "actions/actions/"+id+"/versions/x", nil).refused(404, "That action version does not exist.")
		w.send(token, "GET", "actions/actions/x", nil).refused(404, "That action does not exist.")
	})
}

// Values of secrets are written and never read.
func TestAUZ06_actionSecrets(t *testing.T) {
	w := newWorld(t, judging)
	token := w.everything()
	made := w.do(token, "POST", "actions/actions", newAction("A"), 201)
	id := made.str("id")
	version := w.do(token, "POST", "actions/actions/"+id+"/deploy", nil, 200)
	bindings := map[string]any{"bindings": []any{map[string]any{"ref": map[string]string{"type": "action_id", "value": id}}}}
	for _, r := range []reply{
		made, version,
		w.do(token, "GET", "actions/actions/"+id, nil, 200),
		w.do(token, "GET", "actions/actions", nil, 200),
		w.do(token, "PATCH", "actions/actions/"+id, `{"secrets":[{"name":"KEY","value":"hush-hush-2"}]}`, 200),
		w.do(token, "GET", "actions/actions/"+id+"/versions", nil, 200),
		w.do(token, "GET", "actions/actions/"+id+"/versions/"+version.str("id"), nil, 200),
		w.do(token, "PATCH", "actions/triggers/post-login/bindings", bindings, 200),
		w.do(token, "GET", "actions/triggers/post-login/bindings", nil, 200),
		w.do(token, "GET", "logs", nil, 200),
		w.do(token, "GET", "tenants/settings", nil, 200),
	} {
		if strings.Contains(r.text, "hush") || strings.Contains(r.text, "gate_versions") || strings.Contains(r.text, `"value"`) {
			t.Errorf("tells too much: %s", r.text)
		}
	}
	if !strings.Contains(made.text, `"secrets":[{"name":"KEY","updated_at":"2026-11-21T12:00:00Z"}]`) {
		t.Errorf("secrets: %s", made.text)
	}
}

func TestActions_refusals(t *testing.T) {
	w := newWorld(t, judging)
	token := w.everything()
	bad := newAction("bad")
	bad["code"] = "BAD"
	id := w.do(token, "POST", "actions/actions", bad, 201).str("id")
	got := w.do(token, "GET", "actions/actions/"+id, nil, 200)
	if got.str("status") != "failed" || !strings.Contains(got.text, "unexpected BAD") {
		t.Errorf("bad code: %s", got.text)
	}
	w.send(token, "POST", "actions/actions/"+id+"/deploy", nil).refused(400, "cannot be deployed")
	bad["name"], bad["deploy"] = "bad 2", true
	w.send(token, "POST", "actions/actions", bad).refused(400, "cannot be deployed")
	if got := w.do(token, "PATCH", "actions/actions/"+id, `{"code":"good"}`, 200); got.str("status") != "built" || strings.Contains(got.text, "unexpected") {
		t.Errorf("mended: %s", got.text)
	}
	if r := w.send(token, "PATCH", "actions/actions/"+id, `{"code":"DOWN"}`); r.status != 500 || strings.Contains(r.text, "worker") {
		t.Errorf("a fault: %d %s", r.status, r.text)
	}
	for name, change := range map[string]func(map[string]any){
		"Missing required property: supported_triggers": func(a map[string]any) { delete(a, "supported_triggers") },
		"Array has to have one item":                    func(a map[string]any) { a["supported_triggers"] = []string{} },
		"No enum match for: pre-lunch":                  func(a map[string]any) { a["supported_triggers"] = []map[string]string{{"id": "pre-lunch"}} },
		"No enum match for: v9": func(a map[string]any) {
			a["supported_triggers"] = []map[string]string{{"id": "post-login", "version": "v9"}}
		},
		"No enum match for: deno":          func(a map[string]any) { a["runtime"] = "deno" },
		"String is too long":               func(a map[string]any) { a["code"] = strings.Repeat("x", 100_001) },
		"Missing required property: value": func(a map[string]any) { a["secrets"] = []map[string]string{{"name": "K"}} },
		"not unique": func(a map[string]any) {
			a["secrets"] = []map[string]string{{"name": "K", "value": "1"}, {"name": "K", "value": "2"}}
		},
		"a name is 1 to 128": func(a map[string]any) {
			a["secrets"] = []map[string]string{{"name": "K", "value": strings.Repeat("x", 4097)}}
		},
		"not allowed: status":           func(a map[string]any) { a["status"] = "built" },
		"not allowed: deployed_version": func(a map[string]any) { a["deployed_version"] = map[string]any{"code": "x"} },
		"not allowed: gate_versions":    func(a map[string]any) { a["gate_versions"] = []any{} },
	} {
		a := newAction("x")
		change(a)
		w.send(token, "POST", "actions/actions", a).refused(400, name)
	}
	w.send(token, "POST", "actions/actions", map[string]any{"name": "bad", "supported_triggers": []map[string]string{{"id": "post-login"}}}).refused(409, "same name")
}

func TestActions_deployAndList(t *testing.T) {
	w := newWorld(t, judging)
	token := w.everything()
	a := newAction("one")
	a["deploy"] = true
	if got := w.do(token, "POST", "actions/actions", a, 201); got.str("status") != "built" || got.object()["all_changes_deployed"] != true {
		t.Errorf("deploy:true: %s", got.text)
	}
	w.do(token, "POST", "actions/actions", newAction("two"), 201)
	for query, want := range map[string]float64{
		"": 2, "?deployed=true": 1, "?deployed=false": 1, "?actionName=two": 1, "?triggerId=post-login": 2, "?triggerId=credentials-exchange": 0, "?installed=true": 0,
	} {
		o := w.do(token, "GET", "actions/actions"+query, nil, 200).object()
		if o["total"] != want || o["per_page"] != 50.0 || o["page"] != nil || o["actions"] == nil {
			t.Errorf("%s: %v", query, o["total"])
		}
	}
	if o := w.do(token, "GET", "actions/actions?page=1&per_page=1", nil, 200).object(); o["page"] != 1.0 || len(o["actions"].([]any)) != 1 {
		t.Errorf("page 1: %v", o)
	}
	id := w.do(token, "GET", "actions/actions?actionName=one", nil, 200).object()["actions"].([]any)[0].(map[string]any)["id"].(string)
	got := w.do(token, "POST", "actions/actions/"+id+"/test", `{"payload":{"event":{"user":{"name":"Ada"}}}}`, 200)
	if !strings.Contains(got.text, `{"payload":{"event":{"user":{"name":"Ada"}},"ran":"one"}}`) {
		t.Errorf("test: %s", got.text)
	}
}

func TestActions_bindings(t *testing.T) {
	w := newWorld(t, judging)
	token := w.everything()
	ids := map[string]string{}
	for _, name := range []string{"a", "b", "c", "new"} {
		act := newAction(name)
		act["deploy"] = name != "new"
		ids[name] = w.do(token, "POST", "actions/actions", act, 201).str("id")
	}
	const path = "actions/triggers/post-login/bindings"
	ref := func(kind, value string) map[string]any {
		return map[string]any{"ref": map[string]string{"type": kind, "value": value}, "display_name": "shown " + value}
	}
	body := func(refs ...any) map[string]any { return map[string]any{"bindings": append([]any{}, refs...)} }
	order := func(r reply) string {
		t.Helper()
		var names []string
		for _, b := range r.object()["bindings"].([]any) {
			names = append(names, b.(map[string]any)["action"].(map[string]any)["name"].(string))
		}
		return strings.Join(names, " ")
	}
	if got := w.do(token, "GET", path, nil, 200).object(); got["total"] != 0.0 || len(got["bindings"].([]any)) != 0 {
		t.Errorf("none: %v", got)
	}
	first := w.do(token, "PATCH", path, body(ref("action_id", ids["a"]), ref("action_name", "b")), 200)
	if order(first) != "a b" {
		t.Errorf("bound %s", first.text)
	}
	binding := first.object()["bindings"].([]any)[1].(map[string]any)["id"].(string)
	replaced := w.do(token, "PATCH", path, body(ref("binding_id", binding), ref("action_id", ids["c"])), 200)
	if order(replaced) != "b c" || replaced.object()["bindings"].([]any)[0].(map[string]any)["id"] != binding {
		t.Errorf("replaced %s", replaced.text)
	}
	if got := w.do(token, "POST", path, body(ref("action_id", ids["a"])), 200); order(got) != "b c a" {
		t.Errorf("appended %s", got.text)
	}
	if got := w.do(token, "POST", path, body(ref("action_id", ids["b"])), 200); order(got) != "b c a" {
		t.Errorf("appended again %s", got.text)
	}
	for _, tt := range []struct {
		body any
		text string
	}{
		{body(ref("action_id", ids["new"])), "has to be deployed"},
		{body(ref("action_id", "nothing")), "does not exist"},
		{body(ref("action_id", ids["a"]), ref("action_name", "a")), "there twice"},
		{body(ref("color", "red")), "No enum match for: color"},
		{body(map[string]any{"ref": map[string]string{"type": "action_id", "value": ids["a"]}, "secrets": []any{map[string]string{"name": "K", "value": "v"}}}), "no secrets of their own"},
		{map[string]any{}, "Missing required property: bindings"},
	} {
		w.send(token, "PATCH", path, tt.body).refused(400, tt.text)
		w.send(token, "POST", path, tt.body).refused(400, tt.text)
	}
	w.send(token, "PATCH", "actions/triggers/credentials-exchange/bindings", body(ref("action_id", ids["a"]))).refused(400, "does not support the trigger")
	w.send(token, "GET", "actions/triggers/pre-lunch/bindings", nil).refused(404, "trigger does not exist")
	w.send(token, "DELETE", "actions/actions/"+ids["a"], nil).refused(400, "bound to the trigger post-login")
	w.do(token, "DELETE", "actions/actions/"+ids["a"]+"?force=true", nil, 204)
	if got := w.do(token, "GET", path, nil, 200); order(got) != "b c" {
		t.Errorf("after deletion %s", got.text)
	}
	if got := w.do(token, "PATCH", path, body(), 200); order(got) != "" {
		t.Errorf("emptied %s", got.text)
	}
	w.do(token, "DELETE", "actions/actions/"+ids["b"], nil, 204)
	triggers := w.do(token, "GET", "actions/triggers", nil, 200).object()["triggers"].([]any)
	for _, item := range triggers {
		w.do(token, "GET", "actions/triggers/"+item.(map[string]any)["id"].(string)+"/bindings", nil, 200)
	}
}

// A trigger has no more actions than a file of the tenant may say.
func TestActions_tooManyBindings(t *testing.T) {
	w := newWorld(t, judging)
	token := w.everything()
	const path = "actions/triggers/post-login/bindings"
	for i := range 21 {
		act := newAction(fmt.Sprint("a", i))
		act["deploy"] = true
		id := w.do(token, "POST", "actions/actions", act, 201).str("id")
		got := w.send(token, "POST", path, map[string]any{"bindings": []any{map[string]any{"ref": map[string]string{"type": "action_id", "value": id}}}})
		if i == 20 {
			got.refused(400, "Array is too long (21), maximum 20")
		}
	}
	if got := w.do(token, "GET", path, nil, 200).object(); got["total"] != 20.0 {
		t.Errorf("%v are bound", got["total"])
	}
}

// Appends at the same time all count, and of changes of the code none is lost.
func TestActions_race(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db, judging)
		token := w.everything()
		var wg sync.WaitGroup
		for _, name := range []string{"a", "b", "c", "d"} {
			act := newAction(name)
			act["deploy"] = true
			id := w.do(token, "POST", "actions/actions", act, 201).str("id")
			wg.Go(func() {
				w.send(token, "POST", "actions/triggers/post-login/bindings", map[string]any{"bindings": []any{map[string]any{"ref": map[string]string{"type": "action_id", "value": id}}}})
			})
			wg.Go(func() { w.send(token, "POST", "actions/actions/"+id+"/deploy", nil) })
			wg.Go(func() { w.send(token, "POST", "actions/actions/"+id+"/deploy", nil) })
		}
		wg.Wait()
		if got := w.do(token, "GET", "actions/triggers/post-login/bindings", nil, 200).object(); got["total"] != 4.0 {
			t.Errorf("%v of 4 are bound", got["total"])
		}
		for _, item := range w.do(token, "GET", "actions/actions", nil, 200).object()["actions"].([]any) {
			act := item.(map[string]any)
			if v := act["deployed_version"].(map[string]any); v["number"] != 3.0 {
				t.Errorf("%v is at version %v of 3", act["name"], v["number"])
			}
		}
	})
}
