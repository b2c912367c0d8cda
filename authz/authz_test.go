package authz_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var roles = []authz.Role{
	{Name: "customer", Default: true},
	{Name: "menu-admin", Permissions: []string{"create:items", "update:items", "delete:items"}},
	{Name: "cook", Permissions: []string{"update:items", "read:orders"}},
	{Name: "admin", Permissions: []string{"create:items", "update:items", "delete:items", "read:orders", "manage:users"}},
}

func newPolicy(t testing.TB, roles ...authz.Role) *authz.Policy {
	t.Helper()
	p, err := authz.NewPolicy(roles)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func withRoles(roles ...string) *gate.Principal {
	return &gate.Principal{Subject: "u1", Roles: roles}
}

func TestAUZ01_matrix(t *testing.T) {
	policy := newPolicy(t, roles...)
	rules := [][]string{
		nil,
		{"nobody"},
		{"public"},
		{"signed-in"},
		{"owner"},
		{"create:items"},
		{"read:orders"},
		{"unheard:of"},
		{"menu-admin"},
		{"ghost"},
		{"owner", "delete:items"},
		{"owner", "cook"},
		{"public", "owner"},
		{"public", "menu-admin"},
		{"signed-in", "owner"},
		{"read:orders", "menu-admin"},
	}
	principals := []struct {
		name      string
		principal *gate.Principal
	}{
		{"anonymous", nil},
		{"zero", &gate.Principal{Roles: []string{"admin"}, Permissions: []string{"create:items"}}},
		{"no role", withRoles()},
		{"unknown role", withRoles("ghost", "public", "owner", "create:items")},
		{"customer", withRoles("customer")},
		{"menu-admin", withRoles("menu-admin")},
		{"cook", withRoles("cook")},
		{"admin", withRoles("admin")},
		{"customer+cook", withRoles("customer", "cook", "cook", "ghost")},
		{"no subject", &gate.Principal{Strategy: "apikey", Roles: []string{"cook"}}},
		{"permission", &gate.Principal{Subject: "m1", Permissions: []string{"read:orders", "signed-in"}}},
	}
	var got strings.Builder
	for _, words := range rules {
		rule, err := authz.ParseRule(words...)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s\n", rule)
		for _, p := range principals {
			fmt.Fprintf(&got, "\t%-14s %s\n", p.name, policy.Decide(p.principal, rule))
		}
	}
	golden(t, "matrix.golden", got.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestAUZ01_zeroValuesRefuse(t *testing.T) {
	var (
		policy   authz.Policy
		rule     authz.Rule
		decision authz.Decision
	)
	admin := withRoles("admin")
	if got := newPolicy(t, roles...).Decide(admin, rule); got != authz.Forbidden {
		t.Errorf("zero rule: %s, want forbidden", got)
	}
	if got := policy.Decide(admin, authz.MustRule("admin", "create:items")); got != authz.Forbidden {
		t.Errorf("zero policy: %s, want forbidden", got)
	}
	if got := policy.Permissions([]string{"admin"}); len(got) != 0 {
		t.Errorf("zero policy: permissions %q, want none", got)
	}
	if decision != authz.Unauthenticated {
		t.Errorf("zero decision: %s, want unauthenticated", decision)
	}
}

func TestParseRule_refuses(t *testing.T) {
	tests := map[string][]string{
		"empty word":         {""},
		"blank":              {" "},
		"nobody with others": {"nobody", "public"},
		"others with nobody": {"admin", "nobody"},
		"colon":              {":"},
		"no noun":            {"create:"},
		"no verb":            {":items"},
		"two in one":         {"create:items, update:items"},
		"wildcard":           {"*"},
		"nobody's tenant":    {"nobody within tenant"},
		"everybody's tenant": {"public within tenant"},
		"tenant of tenants":  {"tenant within tenant"},
		"within alone":       {"within tenant"},
		"wild permission":    {"create:*"},
		"Public with blank":  {"public "},
		"digits first":       {"1admin"},
		"quote":              {`adm"in`},
		"not ASCII":          {"ädmin"},
		"NUL":                {"admin\x00"},
		"endless":            {strings.Repeat("a", 129)},
		"endless permission": {"a:" + strings.Repeat("a", 127)},
	}
	for name, words := range tests {
		t.Run(name, func(t *testing.T) {
			rule, err := authz.ParseRule(words...)
			if err == nil || rule.String() != "nobody" {
				t.Errorf("ParseRule(%q) = %s, %v, want nobody and an error", words, rule, err)
			}
		})
	}
}

func TestParseRule_string(t *testing.T) {
	tests := map[string][]string{
		"nobody":                {},
		"public":                {"public"},
		"owner, cook, read:a:b": {"read:a:b", "cook", "owner"},
		"cook, tenant, owner within tenant, a:b within tenant": {"a:b within tenant", "owner within tenant", "tenant", "cook", "signed-in within tenant"},
		"signed-in, a, b:c":       {"a", "signed-in", "b:c", "a", "b:c"},
		"Admin.of_the-2nd, A:b.c": {"Admin.of_the-2nd", "A:b.c"},
	}
	for want, words := range tests {
		rule, err := authz.ParseRule(words...)
		if err != nil || rule.String() != want {
			t.Errorf("ParseRule(%q) = %s, %v, want %s", words, rule, err, want)
		}
		again, err := authz.ParseRule(strings.Split(rule.String(), ", ")...)
		if err != nil || again.String() != want {
			t.Errorf("parsed again: %s, %v, want %s", again, err, want)
		}
		if got := rule.Public(); got != slices.Contains(words, "public") {
			t.Errorf("%s: Public() = %t", rule, got)
		}
	}
}

func TestMustRule_panics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	authz.MustRule("create:")
}

func TestNewPolicy_refuses(t *testing.T) {
	many := make([]authz.Role, 257)
	for i := range many {
		many[i].Name = fmt.Sprintf("role%d", i)
	}
	tests := map[string][]authz.Role{
		"no name":        {{}},
		"word of a rule": {{Name: "public"}},
		"owner":          {{Name: "owner"}},
		"permission":     {{Name: "create:items"}},
		"comma":          {{Name: "a,b"}},
		"twice":          {{Name: "admin"}, {Name: "admin"}},
		"bad permission": {{Name: "admin", Permissions: []string{"everything"}}},
		"too many":       many,
		"tenant":         {{Name: "tenant"}},
		"stars":          {{Name: "admin", Permissions: []string{"items:**"}}},
		"half a star":    {{Name: "admin", Permissions: []string{"items:re*"}}},
	}
	for name, roles := range tests {
		t.Run(name, func(t *testing.T) {
			if p, err := authz.NewPolicy(roles); err == nil || p != nil {
				t.Errorf("NewPolicy = %v, %v, want an error", p, err)
			}
		})
	}
	if _, err := authz.NewPolicy(many[:256]); err != nil {
		t.Errorf("256 roles: %v", err)
	}
}

func TestPolicy_isImmutable(t *testing.T) {
	mine := []authz.Role{{Name: "cook", Permissions: []string{"read:orders"}}}
	policy := newPolicy(t, mine...)
	mine[0].Permissions[0] = "manage:users"
	policy.Roles()[0].Permissions[0] = "manage:users"
	policy.Roles()[0].Default = true
	if diff := cmp.Diff([]authz.Role{{Name: "cook", Permissions: []string{"read:orders"}}}, policy.Roles()); diff != "" {
		t.Errorf("changed from outside (-want +got):\n%s", diff)
	}
	if got := policy.Permissions([]string{"cook"}); !slices.Equal(got, []string{"read:orders"}) {
		t.Errorf("Permissions = %q", got)
	}
}

func TestCheckRule(t *testing.T) {
	policy := newPolicy(t, roles...)
	if err := policy.CheckRule(authz.MustRule("owner", "cook", "unheard:of")); err != nil {
		t.Errorf("known role: %v", err)
	}
	if err := policy.CheckRule(authz.MustRule("cook", "ghost")); err == nil || !strings.Contains(err.Error(), `"ghost"`) {
		t.Errorf("unknown role: %v, want an error that names it", err)
	}
}

func TestAUZ16_mayGrant(t *testing.T) {
	policy := newPolicy(t, append(slices.Clone(roles), authz.Role{Name: "helper", Default: true, Permissions: []string{"read:orders"}})...)
	principals := []struct {
		name      string
		principal *gate.Principal
		may       []string
	}{
		{"anonymous", nil, nil},
		{"zero", &gate.Principal{Roles: []string{"admin"}}, nil},
		{"no role", withRoles(), []string{"customer"}},
		{"unknown role", withRoles("ghost"), []string{"customer"}},
		{"customer", withRoles("customer"), []string{"customer"}},
		{"menu-admin", withRoles("menu-admin"), []string{"customer", "menu-admin"}},
		{"cook", withRoles("cook"), []string{"customer", "cook", "helper"}},
		{"admin", withRoles("admin"), []string{"customer", "admin", "helper"}},
		{"everything", withRoles("customer", "menu-admin", "cook", "admin", "helper"), []string{"customer", "menu-admin", "cook", "admin", "helper"}},
		{"permission of a token", &gate.Principal{Subject: "m", Permissions: []string{"read:orders", "update:items"}}, []string{"customer", "helper"}},
	}
	for _, p := range principals {
		for _, role := range []string{"customer", "menu-admin", "cook", "admin", "helper", "ghost", "", "public"} {
			t.Run(p.name+" "+role, func(t *testing.T) {
				if got, want := policy.MayGrant(p.principal, role), slices.Contains(p.may, role); got != want {
					t.Errorf("MayGrant = %t, want %t", got, want)
				}
			})
		}
	}
}

func TestAUZ17_cachedSetsAreKeptApart(t *testing.T) {
	// Names that would collide if lists were glued together.
	policy := newPolicy(t,
		authz.Role{Name: "a", Permissions: []string{"p:a"}}, authz.Role{Name: "b", Permissions: []string{"p:b"}},
		authz.Role{Name: "a-b", Permissions: []string{"p:ab"}}, authz.Role{Name: "ab", Permissions: []string{"p:abab"}})
	tests := []struct {
		roles []string
		want  []string
	}{
		{[]string{"a", "b"}, []string{"p:a", "p:b"}},
		{[]string{"b", "a", "a"}, []string{"p:a", "p:b"}},
		{[]string{"ab"}, []string{"p:abab"}},
		{[]string{"a-b"}, []string{"p:ab"}},
		{[]string{"a,b"}, nil},
		{[]string{"a\x00b", "A", ""}, nil},
		{nil, nil},
	}
	for range 2 { // the second time from the cache
		for _, tt := range tests {
			if got := policy.Permissions(tt.roles); !slices.Equal(got, tt.want) {
				t.Errorf("Permissions(%q) = %q, want %q", tt.roles, got, tt.want)
			}
		}
	}
}

func TestAUZ17_manyRolesAreKeptApart(t *testing.T) {
	many := make([]authz.Role, 256)
	for i := range many {
		many[i] = authz.Role{Name: fmt.Sprintf("r%d", i), Permissions: []string{fmt.Sprintf("p:n%d", i)}}
	}
	policy := newPolicy(t, many...)
	for _, role := range many {
		if got := policy.Permissions([]string{role.Name}); !slices.Equal(got, role.Permissions) {
			t.Errorf("Permissions(%q) = %q, want %q", role.Name, got, role.Permissions)
		}
		if got, want := policy.Decide(withRoles("r1"), authz.MustRule(role.Name)) == authz.Allowed, role.Name == "r1"; got != want {
			t.Errorf("r1 for %s: allowed %t, want %t", role.Name, got, want)
		}
	}
}

func TestAUZ17_fullCacheStillDecides(t *testing.T) {
	many := make([]authz.Role, 12)
	for i := range many {
		many[i] = authz.Role{Name: fmt.Sprintf("r%d", i), Permissions: []string{fmt.Sprintf("p:n%02d", i)}}
	}
	policy := newPolicy(t, many...)
	var wg sync.WaitGroup
	for part := range 4 { // 4096 sets of roles, four times what is kept
		wg.Go(func() {
			for bits := part * 1024; bits < (part+1)*1024; bits++ {
				var held, want []string
				for i, role := range many {
					if bits&(1<<i) != 0 {
						held = append(held, role.Name)
						want = append(want, role.Permissions...)
					}
				}
				if got := policy.Permissions(held); !slices.Equal(got, want) {
					t.Errorf("Permissions(%q) = %q, want %q", held, got, want)
				}
			}
		})
	}
	wg.Wait()
}

func TestSystem(t *testing.T) {
	policy := newPolicy(t, roles...)
	var nobody authz.Rule
	ctx := t.Context()
	if authz.IsSystem(ctx) || policy.DecideContext(ctx, nobody) != authz.Unauthenticated {
		t.Error("an unmarked context is above the rules")
	}
	withCook := gate.ContextWithPrincipal(ctx, withRoles("cook"))
	if got := policy.DecideContext(withCook, authz.MustRule("cook")); got != authz.Allowed {
		t.Errorf("principal of the context: %s, want allowed", got)
	}
	if got := policy.DecideContext(withCook, nobody); got != authz.Forbidden {
		t.Errorf("principal of the context: %s, want forbidden", got)
	}
	marked := authz.System(withCook)
	if !authz.IsSystem(marked) || policy.DecideContext(marked, nobody) != authz.Allowed {
		t.Error("a marked context is not above the rules")
	}
	if authz.IsSystem(withCook) {
		t.Error("the mark spreads to the parent")
	}
}

func TestAction(t *testing.T) {
	want := []string{"view", "list", "create", "update", "delete"}
	var got []string
	for _, a := range authz.Actions() {
		got = append(got, a.String())
		if back, err := authz.ParseAction(a.String()); err != nil || back != a {
			t.Errorf("ParseAction(%s) = %v, %v", a, back, err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for _, name := range []string{"", "View", "patch", "Action(0)"} {
		if a, err := authz.ParseAction(name); err == nil || a != 0 {
			t.Errorf("ParseAction(%q) = %v, %v, want an error", name, a, err)
		}
	}
	if got := authz.Action(0).String() + authz.Action(9).String(); got != "Action(0)Action(9)" {
		t.Errorf("other values print as %s", got)
	}
}

func FuzzParseRule(f *testing.F) {
	for _, seed := range []string{"public", "owner, create:items", "nobody, public", "a:b:c", " "} {
		f.Add(seed)
	}
	policy := newPolicy(f, roles...)
	f.Fuzz(func(t *testing.T, text string) {
		words := strings.Split(text, ", ")
		rule, err := authz.ParseRule(words...)
		if err != nil {
			if rule.String() != "nobody" {
				t.Errorf("ParseRule(%q) fails and gives %s", words, rule)
			}
			return
		}
		if got := policy.Decide(nil, rule); (got == authz.Allowed) != slices.Contains(words, "public") {
			t.Errorf("%s: anonymous is %s", rule, got)
		}
		if again, err := authz.ParseRule(strings.Split(rule.String(), ", ")...); err != nil || again.String() != rule.String() {
			t.Errorf("%s parsed again: %s, %v", rule, again, err)
		}
	})
}

func Example() {
	policy, err := authz.NewPolicy([]authz.Role{
		{Name: "customer", Default: true},
		{Name: "menu-admin", Permissions: []string{"create:items", "update:items"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	update := authz.MustRule("update:items", "owner")
	admin := &gate.Principal{Subject: "1", Roles: []string{"menu-admin"}}
	customer := &gate.Principal{Subject: "2", Roles: []string{"customer"}}

	fmt.Println(policy.Decide(admin, update))
	fmt.Println(policy.Decide(customer, update))
	fmt.Println(policy.Decide(nil, update))
	// Output:
	// allowed
	// own_rows
	// unauthenticated
}

func ExampleSystem() {
	var policy authz.Policy // nobody may do anything
	ctx := context.Background()
	fmt.Println(policy.DecideContext(ctx, authz.Rule{}))
	fmt.Println(policy.DecideContext(authz.System(ctx), authz.Rule{}))
	// Output:
	// unauthenticated
	// allowed
}
