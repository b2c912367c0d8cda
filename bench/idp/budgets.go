package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatewright/gate/jose"
	gatepassword "github.com/gatewright/gate/password"
)

// clientCredentials compares the token endpoint with signatures alone.
func (b *bench) clientCredentials(w *world) error {
	if err := w.seed(); err != nil {
		return err
	}
	for _, alg := range []jose.Algorithm{jose.RS256, jose.ES256} {
		name := "client credentials, " + string(alg)
		if !b.wanted("client credentials", name) {
			continue
		}
		key, err := jose.GenerateKey("one", alg)
		if err != nil {
			return err
		}
		audience := "https://" + strings.ToLower(string(alg)) + ".example/"
		claims := &jose.Claims{
			Issuer: issuer, Subject: machine + "@clients", Audience: []string{audience}, IssuedAt: time.Now(), Expiry: time.Now().Add(time.Hour),
			ID: "0123456789012345678901", Extra: map[string]any{"scope": "read:items", "azp": machine, "gty": "client-credentials"},
		}
		sign := func() error { _, err := jose.Sign(key, "JWT", claims); return err }
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {machine}, "client_secret": {secretText}, "audience": {audience}}.Encode()
		ask := func() error { return w.ask(form) }
		if err := b.compare(name, 0.9, sign, ask); err != nil {
			return err
		}
	}
	return nil
}

// refreshes counts rotations on a file, with and without waiting for the disk.
// The floor is the one row that a rotation has to write.
func (b *bench) refreshes(w *world) error {
	for _, full := range []bool{false, true} {
		end := ""
		if full {
			end = ", disk awaited"
		}
		for _, kind := range []struct {
			name string
			in   url.Values
		}{
			{"refresh, opaque", authorization("", "offline_access")},
			{"refresh, ES256", authorization("ES256", "offline_access read:items")},
			{"refresh, RS256", authorization("RS256", "offline_access read:items")},
			{"refresh, RS256 and ID token", authorization("RS256", "openid offline_access read:items")},
		} {
			if !b.wanted("refresh", kind.name+end) {
				continue
			}
			if err := b.onFile(full, func(w *world) error { return b.refresh(w, kind.name+end, kind.in) }); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) onFile(full bool, run func(*world) error) error {
	return b.within(func(w *world) error {
		if !full {
			return errors.Join(w.seed(), run(w))
		}
		var seq int
		var name, file string
		if err := w.db.Read().QueryRow("PRAGMA database_list").Scan(&seq, &name, &file); err != nil {
			return err
		}
		second, err := open(file, true)
		if err != nil {
			return err
		}
		return errors.Join(second.seed(), run(second), second.close())
	})
}

func (b *bench) refresh(w *world, name string, in url.Values) error {
	first, err := w.logIn(in)
	if err != nil {
		return err
	}
	// Each client of the load has a family of its own.
	var mu sync.Mutex
	free := []string{first}
	for range 2*runtime.GOMAXPROCS(0) - 1 {
		next, err := w.logIn(in)
		if err != nil {
			return err
		}
		free = append(free, next)
	}
	if _, err := w.db.Exec(context.Background(), "CREATE TABLE IF NOT EXISTS floor (id INTEGER PRIMARY KEY, n INTEGER)"); err != nil {
		return err
	}
	write := func() error {
		_, err := w.db.Exec(context.Background(), "INSERT INTO floor (id, n) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = n + 1")
		return err
	}
	rotate := func() error {
		mu.Lock()
		mine := free[len(free)-1]
		free = free[:len(free)-1]
		mu.Unlock()
		body, err := w.token(url.Values{"grant_type": {"refresh_token"}, "client_id": {spa}, "refresh_token": {mine}})
		if err != nil {
			return err
		}
		next, _ := body["refresh_token"].(string)
		if next == mine || next == "" {
			return errors.New("the token did not rotate")
		}
		mu.Lock()
		free = append(free, next)
		mu.Unlock()
		return nil
	}
	var paces []pace
	var floor pace
	for range rounds {
		var err error
		if floor, err = rate(b.length, write); err != nil {
			return err
		}
		r, err := rate(b.length, rotate)
		if err != nil {
			return err
		}
		paces = append(paces, r)
	}
	slices.SortFunc(paces, func(a, b pace) int { return cmp.Compare(a.wall, b.wall) })
	r := paces[rounds/2]
	fmt.Fprintf(b.out, "%-44s %10.0f/s %10.0f/s %8.2f %8s%s\n", name, floor.wall, r.wall, r.wall/floor.wall, "2000/s", b.mark(r.wall < 2000))
	fmt.Fprintf(b.out, "%-44s %10.0f/s %10.0f/s\n", "  of processor time", floor.cpu, r.cpu)
	return nil
}

// logIn makes a refresh token by way of a log-in.
func (w *world) logIn(in url.Values) (string, error) {
	a, _, err := w.pages(in)
	if err != nil {
		return "", err
	}
	code, err := codeOf(a)
	if err != nil {
		return "", err
	}
	body, err := w.token(exchange(code))
	if err != nil {
		return "", err
	}
	text, _ := body["refresh_token"].(string)
	return text, nil
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// pages goes from the authorization request to the answer of the log-in form,
// and returns how long the provider took for each of the three.
func (w *world) pages(in url.Values) (answer, []time.Duration, error) {
	jar := map[string]string{}
	var times []time.Duration
	timed := func(method, target string, form url.Values) answer {
		start := time.Now()
		a := w.call(method, target, form, jar)
		times = append(times, time.Since(start))
		return a
	}
	a := timed(http.MethodGet, "/authorize?"+in.Encode(), nil)
	page := timed(http.MethodGet, a.Header.Get("Location"), nil)
	form := url.Values{"username": {"ada@example.com"}, "password": {password}}
	for _, m := range hidden.FindAllSubmatch(page.body, -1) {
		form.Set(string(m[1]), string(m[2]))
	}
	if form.Get("csrf") == "" {
		return a, nil, fmt.Errorf("no log-in page: %s %.300s", page.Status, page.body)
	}
	return timed(http.MethodPost, "/u/login", form), times, nil
}

// codeFlow measures all that the provider does for one log-in, without the hash
// of the password: its median is taken in the same run, and taken away.
func (b *bench) codeFlow(w *world) error {
	if err := w.seed(); err != nil {
		return err
	}
	hasher, err := gatepassword.New(gatepassword.Config{})
	if err != nil {
		return err
	}
	hash, err := hasher.Hash(context.Background(), password)
	if err != nil {
		return err
	}
	names := []string{"authorize", "page", "form without hash", "token"}
	times := make([][]time.Duration, 5)
	for start := time.Now(); time.Since(start) < 2*b.length || len(times[0]) < 20; {
		began := time.Now()
		if ok, _, err := hasher.Verify(context.Background(), hash, password); err != nil || !ok {
			return fmt.Errorf("verify: %v %w", ok, err)
		}
		times[4] = append(times[4], time.Since(began))
		a, took, err := w.pages(authorization("RS256", "openid offline_access read:items"))
		if err != nil {
			return err
		}
		code, err := codeOf(a)
		if err != nil {
			return err
		}
		began = time.Now()
		if _, err := w.token(exchange(code)); err != nil {
			return err
		}
		for i, d := range append(took, time.Since(began)) {
			times[i] = append(times[i], d)
		}
	}
	median := func(i int) time.Duration { slices.Sort(times[i]); return times[i][len(times[i])/2] }
	verify := median(4)
	var sum time.Duration
	for i, name := range names {
		d := median(i)
		if i == 2 {
			d -= verify
		}
		sum += d
		b.limit("  "+name, d.Round(10*time.Microsecond).String(), "", false)
	}
	b.limit("code flow without the hash", sum.Round(10*time.Microsecond).String(), "2ms", sum > 2*time.Millisecond)
	return nil
}

// transactions opens log-ins that nobody ends. They travel through the browser,
// so that they take no memory here.
func (b *bench) transactions(w *world) error {
	if err := w.seed(); err != nil {
		return err
	}
	query := "/authorize?" + authorization("RS256", "openid").Encode()
	begin := func(n int) error {
		for range n {
			if a := w.call(http.MethodGet, query, nil, nil); a.StatusCode != http.StatusSeeOther {
				return fmt.Errorf("authorize: %s", a.Status)
			}
		}
		return nil
	}
	if err := begin(1000); err != nil { // what is made once is made
		return err
	}
	before := heap()
	if err := begin(10_000); err != nil {
		return err
	}
	grown := heap() - before
	rows := 0
	if err := w.db.Read().QueryRow("SELECT (SELECT COUNT(*) FROM idp_tokens) + (SELECT COUNT(*) FROM idp_sessions)").Scan(&rows); err != nil {
		return err
	}
	b.limit("10,000 open log-ins, memory", fmt.Sprintf("%d KiB", grown>>10), "1 MiB", grown > 1<<20)
	b.limit("10,000 open log-ins, rows", fmt.Sprint(rows), "0", rows > 0)
	return nil
}

// heap is what is live, in bytes.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
