package tenant_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// people are three users: a, b and c at example.com and another domain.
func people(t testing.TB, s *tenant.Store, c *clock) {
	t.Helper()
	a := newUser("a@example.com")
	a.Name, a.Nickname, a.EmailVerified, a.LoginsCount, a.LastLogin = "Ada Lovelace", "ada", true, 12, c.Now()
	a.AppMetadata = map[string]any{
		"plan": "Gold", "roles": []any{"admin", "editor"}, "level": 7.5, "beta": true, "nested": map[string]any{"deep": "yes"}, "none": nil,
	}
	b := newUser("b@example.com")
	b.Name, b.Blocked = "Bob 100%", true
	b.UserMetadata = map[string]any{"note": "a_b \"quoted\" \\ \u0000", "level": 8}
	b.Identities = append(b.Identities, tenant.Identity{
		Connection: "github", Provider: "github", UserID: "42", Social: true, Profile: map[string]any{"login": "bobby"},
	})
	d := newUser("c@sub.example.org")
	d.Name, d.Identities[0].Connection = "ada", "staff"
	for _, u := range []*tenant.User{a, b, d} {
		create(t, s, u)
		c.advance(24 * time.Hour)
	}
}

func TestSearchUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock() // 2026-11-21
		s := open(t, db, c.Now)
		people(t, s, c)
		for query, want := range map[string]string{
			``:                                             "abc",
			`*`:                                            "abc",
			`*:*`:                                          "abc",
			`email:"a@example.com"`:                        "a",
			`email:A@EXAMPLE.COM`:                          "a",
			`email:a*`:                                     "a",
			`email:*example.com`:                           "ab",
			`email:*ample*`:                                "abc",
			`email:?@example.com`:                          "ab",
			`email.domain:example.com`:                     "ab",
			`email.domain:"sub.example.org"`:               "c",
			`name:"ADA LOVELACE"`:                          "a",
			`name:ada`:                                     "c",
			`name:ada*`:                                    "ac",
			`name:"Bob 100%"`:                              "b",
			`name:*100%`:                                   "b",
			`name:*100_`:                                   "",
			`email_verified:true`:                          "a",
			`email_verified:false`:                         "bc",
			`NOT email_verified:true`:                      "bc",
			`blocked:true`:                                 "b",
			`-blocked:true`:                                "ac",
			`logins_count:[10 TO *}`:                       "a",
			`logins_count:>=12`:                            "a",
			`logins_count:>12`:                             "",
			`logins_count:0`:                               "bc",
			`_exists_:last_login`:                          "a",
			`_exists_:app_metadata`:                        "a",
			`app_metadata.plan:*`:                          "a",
			`_exists_:app_metadata.none`:                   "",
			`NOT _exists_:app_metadata.plan`:               "bc",
			`app_metadata.plan:gold`:                       "a",
			`app_metadata.roles:admin`:                     "a",
			`app_metadata.roles:(admin OR nobody)`:         "a",
			`app_metadata.roles:"adm"`:                     "",
			`app_metadata.beta:true`:                       "a",
			`app_metadata.nested.deep:yes`:                 "a",
			`app_metadata.nested:yes`:                      "",
			`app_metadata.level:[7 TO 8]`:                  "a",
			`app_metadata.level:{7.5 TO 8]`:                "",
			`user_metadata.level:8`:                        "b",
			`app_metadata.plan:[a TO z]`:                   "", // G sorts before a
			`app_metadata.plan:[A TO Z]`:                   "a",
			`user_metadata.note:a_b*`:                      "b",
			`user_metadata.note:aXb*`:                      "",
			`identities.connection:github`:                 "b",
			`identities.connection:"db"`:                   "ab",
			`identities.provider:github AND blocked:true`:  "b",
			`identities.isSocial:true`:                     "b",
			`identities.profileData.login:bobby`:           "b",
			`created_at:2026-11-22`:                        "b",
			`created_at:[2026-11-21 TO 2026-11-22]`:        "ab",
			`created_at:{2026-11-21 TO 2026-11-23}`:        "b",
			`created_at:[2026-11-22T12:00:00.000Z TO *]`:   "bc",
			`created_at:2026`:                              "abc",
			`created_at:<2026-11`:                          "",
			`ada`:                                          "ac",
			`ada OR bob`:                                   "abc",
			`ada bob`:                                      "abc",
			`ada AND NOT love`:                             "ac",
			`ada NOT name:*love*`:                          "c",
			`(ada OR bob) AND !(blocked:true)`:             "ac",
			`name:ada* && (blocked:false || blocked:true)`: "ac",
			`nobody.has.this:1`:                            "",
			`email:"' OR 1=1 --"`:                          "",
			`name:*ob%0*`:                                  "",
			`app_metadata.x\'\)\ OR\ 1=1\ --:1`:            "",
		} {
			users, total, err := s.SearchUsers(t.Context(), tenant.UserQuery{Q: query, Total: true})
			if err != nil {
				t.Errorf("%s: %v", query, err)
				continue
			}
			got := ""
			for _, u := range users {
				got += u.Email[:1]
			}
			if got != want || total != len(want) {
				t.Errorf("%s found %q, %d in all, want %q", query, got, total, want)
			}
		}
	})
}

func TestSearchUsers_refusals(t *testing.T) {
	s := open(t, storetest.SQLite(t), nil)
	for query, position := range map[string]string{
		`email:`:                            "position 7",
		`(ada`:                              "position 1",
		`ada)`:                              "position 4",
		`name:"ada`:                         "position 6",
		`ada AND`:                           "position 8",
		`AND ada`:                           "position 1",
		`:ada`:                              "position 1",
		`name:*da`:                          "position 6",
		`name:ada~2`:                        "position 9",
		`name:ada^2`:                        "position 9",
		`name:/ada/`:                        "position 6",
		`[1 TO 2]`:                          "position 1",
		`logins_count:[1 2]`:                "position 17",
		`logins_count:[1 TO 2`:              "position 14",
		`logins_count:many`:                 "position 1",
		`ada created_at:yesterday`:          "position 5",
		`blocked:maybe`:                     "position 1",
		`a..b:c`:                            "position 1",
		`app_metadata.\"x:c`:                "position 1",
		`identities.password_hash:x`:        "position 1",
		`email.domain:[a TO b]`:             "position 1",
		`name:a*b*c*d*e*f`:                  "position 6",
		"ada \x00":                          "position 5",
		"\xff":                              "position 1",
		strings.Repeat("(", 40) + "a":       "position 18",
		strings.Repeat("a ", 65):            "position 129",
		strings.Repeat("NOT ", 40) + "a":    "deeper",
		`name:"` + strings.Repeat("a", 5e3): "position 4097",
		strings.Repeat("a.", 11) + "b:c":    "too long",
	} {
		_, _, err := s.SearchUsers(t.Context(), tenant.UserQuery{Q: query})
		if !errors.Is(err, tenant.ErrQuery) || !strings.Contains(err.Error(), position) {
			t.Errorf("%.40q: %v, want %s", query, err, position)
		}
	}
	for _, q := range []tenant.UserQuery{
		{Sort: "email"}, {Sort: "email:2"}, {Sort: "u.\x00email:1"}, {Offset: -1}, {Limit: -1}, {Limit: 1001}, {Sort: `a"b:1`},
	} {
		if _, _, err := s.SearchUsers(t.Context(), q); !errors.Is(err, tenant.ErrQuery) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestSearchUsers_pages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := open(t, db, c.Now)
		for i := range 25 {
			u := newUser(fmt.Sprintf("u%02d@example.com", (i*7)%25))
			u.AppMetadata = map[string]any{"rank": fmt.Sprint(i % 3)}
			if i%5 == 0 {
				u.Identities[0].Connection = "other"
			}
			create(t, s, u)
		}
		for _, sort := range []string{"", "email:1", "email:-1", "created_at:-1", "name:1", "user_id:1", "app_metadata.rank:-1", "nothing:1"} {
			var all []string
			for offset := 0; ; offset += 10 {
				users, total, err := s.SearchUsers(t.Context(), tenant.UserQuery{Sort: sort, Offset: offset, Limit: 10, Total: true})
				must(t, err)
				if total != 25 {
					t.Errorf("total %d", total)
				}
				if len(users) == 0 {
					break
				}
				all = append(all, ids(users)...)
			}
			want := slices.Clone(all)
			slices.Sort(want)
			if len(slices.Compact(want)) != 25 {
				t.Errorf("sort %q: pages have %d users", sort, len(all))
			}
			if sort == "email:1" && !slices.IsSorted(all) {
				t.Errorf("not sorted: %v", all)
			}
		}
		users, total, err := s.SearchUsers(t.Context(), tenant.UserQuery{Connection: "other", Total: true})
		if err != nil || total != 5 || len(users) != 5 || users[0].Identities[0].Connection != "other" {
			t.Errorf("of a connection: %d, %d, %v", len(users), total, err)
		}
	})
}

// TestSearchUsers_poison: a user whose metadata has what PostgreSQL's JSON does
// not take does not break the searches of everybody.
func TestSearchUsers_poison(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		u := newUser("evil@example.com")
		must(t, u.UnmarshalJSON([]byte(`{"user_metadata":{"a":"\u0000","k\u0000":1,"b":"\ud83d\ude00"},"custom":"\ud800 \udc00 \\u0000 \u0000"}`)))
		create(t, s, u)
		must(t, u.UnmarshalJSON([]byte(`{"custom":1e999999}`)))
		u.ID, u.Identities[0] = "", newUser("x@example.com").Identities[0]
		if err := s.CreateUser(t.Context(), u); err == nil {
			t.Error("a number that no database compares was stored")
		}
		users, _, err := s.SearchUsers(t.Context(), tenant.UserQuery{Q: `NOT user_metadata.other:x AND user_metadata.b:"😀"`})
		if err != nil || len(users) != 1 {
			t.Fatalf("%d users, %v", len(users), err)
		}
		if got := string(users[0].Extra["custom"]); got != `"\ufffd \ufffd \\u0000 \ufffd"` {
			t.Errorf("custom is %s", got)
		}
	})
}

func TestSearchLogs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := open(t, db, c.Now)
		for i, kind := range []string{"s", "fp", "fp", "f", "sapi"} {
			s.Record(t.Context(), tenant.Log{
				Type: kind, UserID: "auth0|" + kind, UserName: "Ada@example.com", IP: fmt.Sprintf("192.0.2.%d", i),
				Description: "what happened", Details: map[string]any{"n": i, "tags": []string{"x", kind}},
			})
			c.advance(24 * time.Hour)
		}
		must(t, s.FlushLogs(t.Context()))
		for _, tt := range []struct {
			q    tenant.LogQuery
			want string
		}{
			{tenant.LogQuery{}, "sapi f fp fp s"},
			{tenant.LogQuery{Sort: "date:1"}, "s fp fp f sapi"},
			{tenant.LogQuery{Q: "type:fp"}, "fp fp"},
			{tenant.LogQuery{Q: `type:fp AND user_name:"ada@EXAMPLE.com"`}, "fp fp"},
			{tenant.LogQuery{Q: "type:f*"}, "f fp fp"},
			{tenant.LogQuery{Q: "date:[2026-11-22 TO 2026-11-23]"}, "fp fp"},
			{tenant.LogQuery{Q: "ip:192.0.2.4"}, "sapi"},
			{tenant.LogQuery{Q: "details.n:>=3"}, "sapi f"},
			{tenant.LogQuery{Q: "details.tags:f"}, "f"},
			{tenant.LogQuery{Q: "what"}, "sapi f fp fp s"},
			{tenant.LogQuery{UserID: "auth0|f"}, "f"},
			{tenant.LogQuery{Limit: 2, Offset: 1}, "f fp"},
			{tenant.LogQuery{Take: 2}, "s fp"},
		} {
			logs, total, err := s.SearchLogs(t.Context(), tt.q)
			must(t, err)
			var got []string
			for _, e := range logs {
				got = append(got, e.Type)
			}
			if strings.Join(got, " ") != tt.want || total != 0 {
				t.Errorf("%+v found %v, want %s", tt.q, got, tt.want)
			}
		}
		var all []string
		for from := ""; ; {
			logs, total, err := s.SearchLogs(t.Context(), tenant.LogQuery{From: from, Take: 2, Total: true})
			must(t, err)
			if total != 5 {
				t.Errorf("total %d", total)
			}
			if len(logs) == 0 {
				break
			}
			for _, e := range logs {
				all = append(all, e.Type)
			}
			from = logs[len(logs)-1].ID
		}
		if diff := cmp.Diff([]string{"s", "fp", "fp", "f", "sapi"}, all); diff != "" {
			t.Errorf("by checkpoint (-want +got):\n%s", diff)
		}
		for _, q := range []tenant.LogQuery{{Q: "type:("}, {Take: 1, Sort: "date:1"}, {From: "1", Offset: 3}, {Take: 1001}} {
			_, _, err := s.SearchLogs(t.Context(), q)
			want(t, fmt.Sprint(q), err, tenant.ErrQuery)
		}
	})
}

// FuzzSearchUsers: whatever is asked, the answer is users or a refusal, on a
// real database.
func FuzzSearchUsers(f *testing.F) {
	s := open(f, storetest.SQLite(f), nil)
	people(f, s, newClock())
	for _, seed := range []string{
		`email:"a@example.com"`, `name:ada* AND NOT (logins_count:[1 TO *} OR x.y:z)`, `_exists_:app_metadata.plan`, `created_at:{2026 TO 2027]`,
		`a'b"c`, `\*:\"`, `identities.connection:(db OR github)`, `-!NOT a`, `email.domain:?xample*`,
	} {
		f.Add(seed, "email:1")
	}
	f.Fuzz(func(t *testing.T, query, sort string) {
		_, _, err := s.SearchUsers(t.Context(), tenant.UserQuery{Q: query, Sort: sort, Total: true})
		if err != nil && !errors.Is(err, tenant.ErrQuery) {
			t.Fatalf("%q, %q: %v", query, sort, err)
		}
		if _, _, err := s.SearchLogs(t.Context(), tenant.LogQuery{Q: query}); err != nil && !errors.Is(err, tenant.ErrQuery) {
			t.Fatalf("%q: %v", query, err)
		}
	})
}

// TestSearch_indexes: with many users an address, a page and a count do not
// read every row. GATE_BENCH_MILLION is how many; without it few are enough to
// see the plan.
func TestSearch_indexes(t *testing.T) {
	db := storetest.SQLite(t)
	s := open(t, db, nil)
	n := 2000
	if text := os.Getenv("GATE_BENCH_MILLION"); text != "" {
		n = 1_000_000
	}
	begin := time.Now()
	fill(t, db, n)
	t.Logf("%d users in %v", n, time.Since(begin))
	for _, tt := range []struct{ query, index string }{
		{"SELECT u.id FROM idp_users u WHERE (u.email = CAST($1 AS TEXT)) ORDER BY u.created_at ASC, u.id ASC LIMIT 50 OFFSET 0", "idp_users_email"},
		{"SELECT u.id FROM idp_users u WHERE (u.email >= CAST($1 AS TEXT) AND u.email < CAST($1 AS TEXT)) LIMIT 50", "idp_users_email"},
		{"SELECT u.id, u.doc FROM idp_users u WHERE 1 = 1 ORDER BY u.created_at ASC, u.id ASC LIMIT 50 OFFSET 0", "idp_users_created"},
		{"SELECT u.id, u.doc FROM idp_users u WHERE u.connection = CAST($1 AS TEXT) AND 1 = 1 ORDER BY u.created_at ASC, u.id ASC LIMIT 50", "idp_users_connection"},
		{"SELECT COUNT(*) FROM idp_users u WHERE 1 = 1", "COVERING INDEX"},
		{"SELECT u.id FROM idp_users u JOIN idp_identities i ON i.user_id = u.id WHERE i.connection = $1 AND i.email = $1", "idp_identities"},
		{"SELECT l.doc FROM idp_logs l WHERE l.type = CAST($1 AS TEXT) ORDER BY l.id DESC LIMIT 50", "idp_logs_type"},
		{"SELECT l.doc FROM idp_logs l WHERE l.user_id = CAST($1 AS TEXT) AND 1 = 1 ORDER BY l.id DESC LIMIT 50", "idp_logs_user"},
		{"SELECT id FROM idp_logs WHERE id < $1 AND type IN ('f', 'fp') LIMIT 1000", "idp_logs_type (type=? AND id<?)"},
		{"SELECT date / 86400000, type, COUNT(*) FROM idp_logs WHERE type IN ('s', 'ss') AND id >= $1 AND id < $1 GROUP BY 1, 2", "idp_logs_type (type=? AND id>? AND id<?)"},
	} {
		plan := explain(t, db, tt.query)
		if !strings.Contains(plan, tt.index) {
			t.Errorf("%s\nis answered by %s, want %s", tt.query, plan, tt.index)
		}
	}
	for name, q := range map[string]tenant.UserQuery{
		"by address":  {Q: `email:"user7@example.com"`},
		"by prefix":   {Q: `email:user77*`},
		"first page":  {Total: true},
		"deep page":   {Offset: n - 50, Total: true},
		"by metadata": {Q: "app_metadata.n:7"},
	} {
		begin := time.Now()
		users, total, err := s.SearchUsers(t.Context(), q)
		must(t, err)
		if len(users) == 0 {
			t.Errorf("%s: nobody found", name)
		}
		t.Logf("%s: %d of %d in %v", name, len(users), total, time.Since(begin))
	}
}

func explain(t *testing.T, db *store.DB, query string) string {
	t.Helper()
	var args []any
	if strings.Contains(query, "$1") {
		args = []any{"x"}
	}
	rows, err := db.Read().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	must(t, err)
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		must(t, rows.Scan(&id, &parent, &unused, &detail))
		plan = append(plan, detail)
	}
	must(t, rows.Err())
	return strings.Join(plan, "; ")
}

// fill inserts n users in one transaction.
func fill(t testing.TB, db *store.DB, n int) {
	t.Helper()
	tx, err := db.Write().BeginTx(t.Context(), nil)
	must(t, err)
	defer func() { _ = tx.Rollback() }()
	users, err := tx.PrepareContext(t.Context(), `INSERT INTO idp_users (id, connection, email, name, blocked, doc, created_at, updated_at, last_login_at, last_ip, logins_count)
		VALUES ($1, 'db', $2, $2, 0, $3, $4, $4, 0, '', 0)`)
	must(t, err)
	defer users.Close()
	identities, err := tx.PrepareContext(t.Context(), `INSERT INTO idp_identities (provider, subject, connection, user_id, position, email, password_at, social, profile, created_at)
		VALUES ('auth0', $1, 'db', $2, 0, $3, 0, 0, 'null', $4)`)
	must(t, err)
	defer identities.Close()
	for i := range n {
		subject := fmt.Sprintf("%024x", i)
		id, email := "auth0|"+subject, fmt.Sprintf("user%d@example.com", i)
		doc := fmt.Sprintf(`{"user_id":%q,"email":%q,"email_verified":true,"name":%q,"app_metadata":{"n":%d}}`, id, email, email, i)
		_, err := users.ExecContext(t.Context(), id, email, doc, 1_700_000_000_000+i)
		must(t, err)
		_, err = identities.ExecContext(t.Context(), subject, id, email, 1_700_000_000_000+i)
		must(t, err)
	}
	must(t, tx.Commit())
	if db.Dialect() == store.SQLite {
		_, err := db.Exec(t.Context(), "ANALYZE")
		must(t, err)
	}
}
