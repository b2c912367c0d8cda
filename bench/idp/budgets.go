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
		sign, err := signing(alg)
		if err != nil {
			return err
		}
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {machine}, "client_secret": {secretText}, "audience": {audience(alg)}}.Encode()
		ask := func() error { _, err := w.ask(form); return err }
		if err := b.compare(name, 0.9, sign, ask); err != nil {
			return err
		}
	}
	return nil
}

// audience names the API whose tokens are signed so.
func audience(alg jose.Algorithm) string {
	return "https://" + strings.ToLower(string(alg)) + ".example/"
}

// signing returns what makes one token with each of the algorithms, and nothing
// else.
func signing(algorithms ...jose.Algorithm) (func() error, error) {
	var keys []*jose.Key
	for _, alg := range algorithms {
		key, err := jose.GenerateKey("one", alg)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	claims := &jose.Claims{
		Issuer: issuer, Subject: machine + "@clients", Audience: []string{audience(jose.RS256)}, IssuedAt: time.Now(), Expiry: time.Now().Add(time.Hour),
		ID: "0123456789012345678901", Extra: map[string]any{"scope": "read:items", "azp": machine, "gty": "client-credentials"},
	}
	return func() error {
		for _, key := range keys {
			if _, err := jose.Sign(key, "JWT", claims); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// A refreshKind is a kind of token that refresh tokens are exchanged for, with
// the signatures that it takes.
type refreshKind struct {
	name  string
	in    url.Values
	signs []jose.Algorithm
	// clients is how many refresh at once.
	clients int
}

// waiting is how many clients are served at once where each answer waits for the
// disk: those that wait cost no processor.
const waiting = 16

// refreshes counts rotations on a file, with and without waiting for the disk.
// The floor is the one row that a rotation has to write; what its signatures
// allow is said beside it, for no program is faster than those.
func (b *bench) refreshes(w *world) error {
	for _, full := range []bool{false, true} {
		end, clients := "", runtime.GOMAXPROCS(0)
		if full {
			end, clients = ", disk awaited", waiting
		}
		for _, kind := range []refreshKind{
			{"refresh, opaque", authorization("", "offline_access"), nil, clients},
			{"refresh, ES256", authorization(jose.ES256, "offline_access read:items"), []jose.Algorithm{jose.ES256}, clients},
			{"refresh, RS256", authorization(jose.RS256, "offline_access read:items"), []jose.Algorithm{jose.RS256}, clients},
			{"refresh, RS256 and ID token", authorization(jose.RS256, "openid offline_access read:items"), []jose.Algorithm{jose.RS256, jose.RS256}, clients},
		} {
			kind.name += end
			if !b.wanted("refresh", kind.name) {
				continue
			}
			if err := b.onFile(full, func(w *world) error { return b.refresh(w, kind) }); err != nil {
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

func (b *bench) refresh(w *world, kind refreshKind) error {
	rotate, err := w.rotation(kind.in, kind.clients)
	if err != nil {
		return err
	}
	if _, err := w.db.Exec(context.Background(), "CREATE TABLE IF NOT EXISTS floor (id INTEGER PRIMARY KEY, n INTEGER)"); err != nil {
		return err
	}
	write := func() error {
		_, err := w.db.Exec(context.Background(), "INSERT INTO floor (id, n) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = n + 1")
		return err
	}
	sign, err := signing(kind.signs...)
	if err != nil {
		return err
	}
	var paces []pace
	var floor, signed pace
	for range rounds {
		if floor, err = rateOf(kind.clients, b.length, write); err != nil {
			return err
		}
		r, err := rateOf(kind.clients, b.length, rotate)
		if err != nil {
			return err
		}
		paces = append(paces, r)
	}
	slices.SortFunc(paces, func(a, b pace) int { return cmp.Compare(a.wall, b.wall) })
	r := paces[rounds/2]
	fmt.Fprintf(b.out, "%-44s %10.0f/s %10.0f/s %8.2f %8s%s\n", kind.name, floor.wall, r.wall, r.wall/floor.wall, "2000/s", b.mark(r.wall < 2000))
	fmt.Fprintf(b.out, "%-44s %10.0f/s %10.0f/s\n", "  of processor time", floor.cpu, r.cpu)
	if len(kind.signs) > 0 {
		if signed, err = rate(b.length, sign); err != nil {
			return err
		}
		fmt.Fprintf(b.out, "%-44s %10.0f/s\n", "  its signatures alone", signed.wall)
		fmt.Fprintf(b.out, "%-44s %10.0f/s\n", "  of processor time", signed.cpu)
	}
	return nil
}

// rotation returns what exchanges a refresh token for its successor.
func (w *world) rotation(in url.Values, clients int) (func() error, error) {
	first, err := w.logIn(in)
	if err != nil {
		return nil, err
	}
	// Each client of the load has a family of its own.
	var mu sync.Mutex
	free := []string{first}
	for range clients - 1 {
		next, err := w.logIn(in)
		if err != nil {
			return nil, err
		}
		free = append(free, next)
	}
	return func() error {
		mu.Lock()
		mine := free[len(free)-1]
		free = free[:len(free)-1]
		mu.Unlock()
		body, err := w.ask("grant_type=refresh_token&client_id=" + spa + "&refresh_token=" + mine)
		if err != nil {
			return err
		}
		_, rest, _ := strings.Cut(string(body), `"refresh_token":"`)
		next, _, _ := strings.Cut(rest, `"`)
		if next == mine || next == "" {
			return errors.New("the token did not rotate")
		}
		mu.Lock()
		free = append(free, next)
		mu.Unlock()
		return nil
	}, nil
}

// logIn makes a refresh token by way of a log-in.
func (w *world) logIn(in url.Values) (string, error) {
	a, _, err := w.pages(in, map[string]string{})
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
// and returns how long the provider took for each of the three. The session is
// in jar then.
func (w *world) pages(in url.Values, jar map[string]string) (answer, []time.Duration, error) {
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

// codeFlow measures the code flow of a browser that is logged in: the
// authorization request and the exchange of its code, which are all of a flow
// but the log-in page. So no hash of a password is in it, and none has to be
// taken away: it takes so much longer than the rest that what is left would be
// its noise. The page and the form, hash included, follow without a budget.
func (b *bench) codeFlow(w *world) error {
	if err := w.seed(); err != nil {
		return err
	}
	for _, alg := range []jose.Algorithm{jose.ES256, jose.RS256} {
		if err := b.inSession(w, alg); err != nil {
			return err
		}
	}
	return b.logInPage(w)
}

// inSession measures one flow at a time. The floor are its signatures: that of
// the access token, and that of the ID token, which is RS256 always.
func (b *bench) inSession(w *world, alg jose.Algorithm) error {
	in, jar := authorization(alg, "openid offline_access read:items"), map[string]string{}
	if _, _, err := w.pages(in, jar); err != nil {
		return err
	}
	query := "/authorize?" + in.Encode()
	sign, err := signing(alg, jose.RS256)
	if err != nil {
		return err
	}
	var floor, request, token, whole series
	for start := time.Now(); time.Since(start) < 2*b.length || len(whole.all) < 20; {
		// One person would have thousands of refresh tokens by the end.
		if err := w.endFamilies(); err != nil {
			return err
		}
		began := time.Now()
		if err := sign(); err != nil {
			return err
		}
		signed := time.Now()
		used := spent()
		code, err := codeOf(w.call(http.MethodGet, query, nil, jar))
		if err != nil {
			return err
		}
		requested := time.Now()
		if _, err := w.ask(exchange(code).Encode()); err != nil {
			return err
		}
		floor.add(signed.Sub(began))
		request.add(requested.Sub(signed))
		token.add(time.Since(requested))
		whole.add(time.Since(signed))
		whole.used += spent() - used
	}
	name, took := "code flow in a session, "+string(alg), whole.median()
	fmt.Fprintf(b.out, "%-44s %12s %12s %8.2f %8s%s\n", name, floor.text(), whole.text(), float64(took)/float64(floor.median()), "2ms", b.mark(took > 2*time.Millisecond))
	b.limit("  of processor time", (whole.used / time.Duration(len(whole.all))).Round(10*time.Microsecond).String(), "", false)
	b.limit("  authorize", request.text(), "", false)
	b.limit("  token", token.text(), "", false)
	return nil
}

// endFamilies takes the refresh tokens away that a flow left.
func (w *world) endFamilies() error {
	_, err := w.db.Exec(context.Background(), "DELETE FROM idp_refresh")
	return err
}

// logInPage measures the requests of a log-in that come before the code.
func (b *bench) logInPage(w *world) error {
	times := make([]series, 3)
	for start := time.Now(); time.Since(start) < b.length || len(times[0].all) < 20; {
		_, took, err := w.pages(authorization(jose.ES256, "openid offline_access read:items"), map[string]string{})
		if err != nil {
			return err
		}
		for i, d := range took {
			times[i].add(d)
		}
	}
	for i, name := range []string{"authorize, logged out", "log-in page", "log-in form, with the hash"} {
		b.limit(name, times[i].text(), "", false)
	}
	return nil
}

// A series is how long something took, each time.
type series struct {
	all  []time.Duration
	used time.Duration // of the processors, all in all
}

func (s *series) add(d time.Duration) { s.all = append(s.all, d) }

func (s *series) median() time.Duration {
	slices.Sort(s.all)
	return s.all[len(s.all)/2]
}

func (s *series) text() string { return s.median().Round(10 * time.Microsecond).String() }

// transactions opens log-ins that nobody ends. They travel through the browser,
// so that they take no memory here.
func (b *bench) transactions(w *world) error {
	if err := w.seed(); err != nil {
		return err
	}
	query := "/authorize?" + authorization(jose.RS256, "openid").Encode()
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
