package auth0_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	fakeToken  = "eyJ.management.token"
	fakeSecret = "s3cret-of-the-management-client"
)

type object = map[string]any

// fake imitates the Management API with the statuses and shapes that were
// recorded of it.
type fake struct {
	*httptest.Server

	mu      sync.Mutex
	log     []string // "GET /api/v2/clients?page=0"
	bodies  []string
	objects map[string][]object // by collection
	perms   map[string][]object // of a role
	having  map[string][]object // users of a role
	enabled map[string][]string // clients of a connection
	bound   []string            // ids of actions at post-login
	polls   map[string]int      // how often an action was read since it changed
	next    int
	legacy  bool // no /connections/{id}/clients
	bare    bool // no totals
	hook    func(n int, r *http.Request) fault
}

// A fault is what goes wrong with a request.
type fault struct {
	before  bool // no answer, and nothing was done
	after   bool // no answer, and it was done
	status  int  // an answer instead
	header  http.Header
	message string
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{
		objects: make(map[string][]object), perms: make(map[string][]object), having: make(map[string][]object),
		enabled: make(map[string][]string), polls: make(map[string]int),
	}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	f.add("clients", object{"client_id": "global", "name": "All Applications", "global": true})
	f.add("resource-servers", object{"id": "system", "name": "Auth0 Management API", "identifier": f.URL + "/api/v2/", "is_system": true})
	f.add("connections", object{"id": "con_main", "name": "Username-Password-Authentication", "strategy": "auth0"})
	return f
}

// breakdown makes requests go wrong, with nil none any more. It waits for the one that
// is served.
func (f *fake) breakdown(hook func(n int, r *http.Request) fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook = hook
}

func (f *fake) add(collection string, o object) {
	f.objects[collection] = append(f.objects[collection], o)
}

func (f *fake) id(prefix string) string {
	f.next++
	return fmt.Sprintf("%s%016d", prefix, f.next)
}

// one returns the object with that name.
func (f *fake) one(t *testing.T, collection, name string) object {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	var found object
	for _, o := range f.objects[collection] {
		if o["name"] == name {
			if found != nil {
				t.Fatalf("two of %s %q", collection, name)
			}
			found = o
		}
	}
	if found == nil {
		t.Fatalf("no %s %q", collection, name)
	}
	return found
}

// writes returns the requests that were not GETs, and forgets all.
func (f *fake) writes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := slices.DeleteFunc(slices.Clone(f.log), func(l string) bool { return strings.HasPrefix(l, "GET ") })
	f.log, f.bodies = nil, nil
	return w
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	f.log = append(f.log, r.Method+" "+r.URL.RequestURI())
	f.bodies = append(f.bodies, string(body))
	var wrong fault
	if f.hook != nil {
		wrong = f.hook(len(f.log), r)
	}
	switch {
	case wrong.before:
		panic(http.ErrAbortHandler)
	case wrong.status != 0:
		maps.Copy(w.Header(), wrong.header)
		refuse(w, wrong.status, wrong.message)
		return
	}
	rec := httptest.NewRecorder()
	f.route(rec, r, body)
	if wrong.after {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, object{"statusCode": status, "error": http.StatusText(status), "message": message})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (f *fake) route(w http.ResponseWriter, r *http.Request, body []byte) {
	var in object
	var list []object
	if len(body) > 0 && json.Unmarshal(body, &in) != nil && json.Unmarshal(body, &list) != nil {
		refuse(w, 400, "Payload validation error: not JSON")
		return
	}
	if r.URL.Path == "/oauth/token" {
		if in["client_secret"] != fakeSecret || in["audience"] != f.URL+"/api/v2/" || in["grant_type"] != "client_credentials" {
			answer(w, 401, object{"error": "access_denied", "error_description": "Unauthorized"})
			return
		}
		answer(w, 200, object{"access_token": fakeToken, "token_type": "Bearer", "expires_in": 86400})
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+fakeToken {
		refuse(w, 401, "Invalid token")
		return
	}
	var path []string
	for s := range strings.SplitSeq(strings.TrimPrefix(r.URL.EscapedPath(), "/api/v2/"), "/") {
		s, _ = url.PathUnescape(s)
		path = append(path, s)
	}
	f.dispatch(w, r, path, in, list)
}

func (f *fake) dispatch(w http.ResponseWriter, r *http.Request, path []string, in object, list []object) {
	sub := ""
	if path[0] == "actions" { // actions/actions/{id}, actions/triggers/{t}/bindings
		path = path[1:]
	}
	if len(path) > 2 {
		sub = "/" + path[2]
	}
	switch key := r.Method + " " + path[0] + sub; {
	case path[0] == "triggers":
		f.bindings(w, r, in)
	case path[0] == "roles" && sub == "/users":
		f.list(w, r, "users", f.having[path[1]])
	case path[0] == "roles" && sub == "/permissions":
		f.permissions(w, r, path[1], in)
	case path[0] == "connections" && sub == "/clients":
		f.connectionClients(w, r, path[1], list)
	case key == "POST actions/deploy":
		f.deploy(w, path[1])
	case len(path) == 1 && r.Method == http.MethodGet:
		f.list(w, r, path[0], f.filter(path[0], r.URL.Query()))
	case len(path) == 1 && r.Method == http.MethodPost:
		f.create(w, path[0], in)
	case len(path) == 2:
		f.single(w, r, path[0], path[1], in)
	default:
		refuse(w, 404, "Not Found")
	}
}

func (f *fake) filter(collection string, q url.Values) []object {
	return slices.DeleteFunc(slices.Clone(f.objects[collection]), func(o object) bool {
		name, _ := o["name"].(string)
		switch collection {
		case "roles":
			return !strings.Contains(strings.ToLower(name), strings.ToLower(q.Get("name_filter")))
		case "connections":
			return q.Get("name") != "" && name != q.Get("name")
		case "client-grants":
			return q.Get("client_id") != "" && o["client_id"] != q.Get("client_id")
		}
		return false
	})
}

func (f *fake) list(w http.ResponseWriter, r *http.Request, key string, all []object) {
	q := r.URL.Query()
	page, _ := strconv.Atoi(q.Get("page"))
	per, err := strconv.Atoi(q.Get("per_page"))
	if err != nil {
		per = 50
	}
	if per > 100 {
		refuse(w, 400, "Query validation error: 'Value 101 is greater than maximum 100' on property per_page")
		return
	}
	if (key == "actions" || key == "bindings") && q.Has("include_totals") {
		refuse(w, 400, "Query validation error: 'Additional properties not allowed: include_totals'")
		return
	}
	total := len(all)
	items := all[min(page*per, total):min((page+1)*per, total)]
	if fields := q.Get("fields"); fields != "" {
		items = pick(items, strings.Split(fields, ","))
	}
	if items == nil {
		items = []object{}
	}
	if f.bare && key != "actions" {
		answer(w, 200, items)
		return
	}
	out := object{strings.ReplaceAll(key, "-", "_"): items, "total": total}
	switch {
	case key == "actions" && page > 0:
		out["page"], out["per_page"] = page, per
	case key != "actions":
		out["start"], out["limit"] = page*per, per
	}
	answer(w, 200, out)
}

func pick(items []object, fields []string) []object {
	var out []object
	for _, o := range items {
		o = maps.Clone(o)
		maps.DeleteFunc(o, func(k string, _ any) bool { return !slices.Contains(fields, k) })
		out = append(out, o)
	}
	return out
}

func (f *fake) create(w http.ResponseWriter, collection string, in object) {
	for _, o := range f.objects[collection] {
		clash := collection == "resource-servers" && o["identifier"] == in["identifier"] ||
			(collection == "roles" || collection == "actions") && o["name"] == in["name"] ||
			collection == "client-grants" && o["client_id"] == in["client_id"] && o["audience"] == in["audience"]
		if clash {
			refuse(w, 409, "A resource with the same identifier already exists.")
			return
		}
	}
	status, out := 201, in
	switch collection {
	case "clients":
		in["client_id"], in["client_secret"] = f.id("client"), "made-"+strings.Repeat("x", 59)
		out = maps.Clone(in)
		in["jwt_configuration"].(object)["secret_encoded"] = false
	case "roles":
		status, in["id"] = 200, f.id("rol_")
	case "actions":
		in["id"], in["status"], in["all_changes_deployed"] = f.id("act-"), "pending", false
		hideValues(in)
	case "resource-servers":
		in["id"] = f.id("")
		if in["token_lifetime_for_web"] == nil {
			in["token_lifetime_for_web"] = 7200.0
		}
		if life, _ := in["token_lifetime"].(float64); life != 0 && in["token_lifetime_for_web"].(float64) > life {
			refuse(w, 400, "Payload validation error: 'is longer than token_lifetime' on property token_lifetime_for_web.")
			return
		}
	default:
		in["id"] = f.id("")
	}
	f.add(collection, in)
	answer(w, status, out)
}

// hideValues keeps of secrets what is returned: their names.
func hideValues(o object) {
	list, _ := o["secrets"].([]any)
	for _, s := range list {
		delete(s.(object), "value")
	}
}

func (f *fake) single(w http.ResponseWriter, r *http.Request, collection, id string, in object) {
	i := slices.IndexFunc(f.objects[collection], func(o object) bool {
		return o["client_id"] == id && collection == "clients" || o["id"] == id
	})
	if i < 0 {
		refuse(w, 404, "Not Found")
		return
	}
	o := f.objects[collection][i]
	switch r.Method {
	case http.MethodPatch:
		if in["identifier"] != nil || in["id"] != nil || collection == "actions" && in["supported_triggers"] != nil {
			refuse(w, 400, "Payload validation error: 'Additional properties not allowed: identifier'")
			return
		}
		if jwt, _ := in["jwt_configuration"].(object); jwt["secret_encoded"] != nil {
			refuse(w, 400, "Payload validation error: 'Additional properties not allowed: secret_encoded'")
			return
		}
		if life, web := in["token_lifetime"], o["token_lifetime_for_web"]; life != nil && web != nil && in["token_lifetime_for_web"] == nil && web.(float64) > life.(float64) {
			refuse(w, 400, "Payload validation error: 'is longer than token_lifetime' on property token_lifetime_for_web.")
			return
		}
		maps.Copy(o, in)
		if collection == "actions" {
			o["status"], o["all_changes_deployed"], f.polls[id] = "building", false, 0
			hideValues(o)
		}
	case http.MethodDelete:
		f.objects[collection] = slices.Delete(f.objects[collection], i, i+1)
		f.removed(w, collection, id)
		return
	}
	if collection == "actions" && r.Method == http.MethodGet {
		if f.polls[id]++; f.polls[id] > 2 {
			o["status"] = "built"
		}
	}
	answer(w, 200, o)
}

func (f *fake) removed(w http.ResponseWriter, collection, id string) {
	switch {
	case collection == "actions" && slices.Contains(f.bound, id):
		refuse(w, 409, "An action with active bindings cannot be deleted")
	case collection == "roles":
		delete(f.perms, id)
		answer(w, 200, object{})
	default:
		w.WriteHeader(204)
	}
}

func (f *fake) deploy(w http.ResponseWriter, id string) {
	for _, o := range f.objects["actions"] {
		if o["id"] != id {
			continue
		}
		if o["status"] != "built" {
			refuse(w, 400, "The action must be built before it can be deployed")
			return
		}
		o["all_changes_deployed"], o["deployed_version"] = true, object{"id": f.id("ver-"), "code": o["code"]}
		answer(w, 200, o["deployed_version"])
		return
	}
	refuse(w, 404, "That action does not exist.")
}

func (f *fake) bindings(w http.ResponseWriter, r *http.Request, in object) {
	if r.Method == http.MethodPatch {
		var ids []string
		list, _ := in["bindings"].([]any)
		for _, b := range list {
			ref := b.(object)["ref"].(object)
			i := slices.IndexFunc(f.objects["actions"], func(o object) bool { return o["id"] == ref["value"] && ref["type"] == "action_id" })
			if i < 0 || f.objects["actions"][i]["deployed_version"] == nil {
				refuse(w, 400, "The action is not deployed")
				return
			}
			ids = append(ids, ref["value"].(string))
		}
		f.bound = ids
	}
	all := []object{}
	for _, id := range f.bound {
		for _, a := range f.objects["actions"] {
			if a["id"] == id {
				all = append(all, object{"id": "bind-" + id, "trigger_id": "post-login", "action": a, "display_name": a["name"]})
			}
		}
	}
	f.list(w, r, "bindings", all)
}

func (f *fake) permissions(w http.ResponseWriter, r *http.Request, role string, in object) {
	if r.Method == http.MethodGet {
		f.list(w, r, "permissions", f.perms[role])
		return
	}
	list, _ := in["permissions"].([]any)
	for _, p := range list {
		f.perms[role] = append(f.perms[role], p.(object))
	}
	answer(w, 201, object{})
}

func (f *fake) connectionClients(w http.ResponseWriter, r *http.Request, id string, list []object) {
	switch {
	case f.legacy:
		refuse(w, 404, "Not Found")
	case r.Method == http.MethodPatch:
		for _, c := range list {
			client := c["client_id"].(string)
			f.enabled[id] = slices.DeleteFunc(f.enabled[id], func(s string) bool { return s == client })
			if c["status"] == true {
				f.enabled[id] = append(f.enabled[id], client)
			}
		}
		w.WriteHeader(204)
	default:
		start, _ := strconv.Atoi(r.URL.Query().Get("from"))
		take, _ := strconv.Atoi(r.URL.Query().Get("take"))
		end := min(start+take, len(f.enabled[id]))
		out := object{}
		clients := []object{}
		for _, c := range f.enabled[id][start:end] {
			clients = append(clients, object{"client_id": c})
		}
		if end < len(f.enabled[id]) {
			out["next"] = strconv.Itoa(end)
		}
		out["clients"] = clients
		answer(w, 200, out)
	}
}
