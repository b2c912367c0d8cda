package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/store/storetest"
)

// TestSES05_logoutByCommand ends sessions from another process; the one that
// serves sees it within five seconds.
func TestSES05_logoutByCommand(t *testing.T) {
	t.Parallel() // it waits more than it works
	c := open(t)
	maria, other := c.signUp(t, "maria").login(t).enter(t), c.signUp(t, "other").login(t)
	maria.me(t, 200)
	other.me(t, 200)
	c.run(t, "logout", maria.id(t))
	t.Logf("seen after %v", maria.untilOut(t, "Authorization", maria.bearer))
	maria.untilOut(t, "Cookie", maria.cookie)
	maria.ask(t, "POST", "/api/authentication", renewal(maria.renewing)).is(t, 401)
	other.me(t, 200)

	maria.login(t).enter(t).me(t, 200)
	c.run(t, "logout", "--all")
	for _, headers := range [][]string{{"Authorization", maria.bearer}, {"Cookie", maria.cookie}, {"Authorization", other.bearer}} {
		t.Logf("seen after %v", maria.untilOut(t, headers...))
	}
	other.ask(t, "POST", "/api/authentication", renewal(other.renewing)).is(t, 401)
	other.login(t).me(t, 200)
}

// TestSES09_streamsEnd logs out, by a command of another process, somebody who
// listens to events.
func TestSES09_streamsEnd(t *testing.T) {
	t.Parallel() // it waits more than it works
	c := open(t)
	chef := c.chef().login(t).enter(t)
	heard := make(chan string, 2)
	for header, value := range map[string]string{"Authorization": chef.bearer, "Cookie": chef.cookie} {
		stream := chef.listen(t, header, value)
		go func() {
			data, err := io.ReadAll(stream)
			heard <- fmt.Sprintf("%s%v", data, err)
		}()
	}
	chef.ask(t, "POST", "/api/items", `{"name":"Figs and honey","price":1}`, "Authorization", chef.bearer).is(t, 201)
	c.run(t, "logout", "--all")
	out, late := time.Now(), time.After(20*time.Second)
	for range 2 {
		select {
		case text := <-heard:
			if !strings.Contains(text, "Figs and honey") {
				t.Errorf("the stream tells nothing of the dish: %s", text)
			}
			t.Logf("ended after %v", time.Since(out))
		case <-late:
			t.Fatal("a stream goes on after the log-out")
		}
	}
}

// listen opens a stream of events, with a header that says who listens.
func (g *guest) listen(t *testing.T, header, value string) io.Reader {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.at.url+"/api/events?entities=items", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(header, value)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		t.Fatalf("events: %s", res.Status)
	}
	return res.Body
}

// TestReplicas runs two processes on one PostgreSQL.
func TestReplicas(t *testing.T) {
	t.Parallel() // it waits more than it works
	if testing.Short() {
		t.Skip("builds a service")
	}
	url := storetest.PostgresURL(t)
	c := openOn(t, everythingOnPostgres, "DATABASE_URL="+url)
	second := c.serve(t)
	t.Run("log-out", func(t *testing.T) {
		maria := c.signUp(t, "maria").login(t).enter(t)
		there := maria.device("maria's telephone")
		there.at, there.bearer, there.cookie = second, maria.bearer, maria.cookie
		there.me(t, 200)
		maria.ask(t, "DELETE", "/api/session", "", "Cookie", maria.cookie).is(t, 204)
		t.Logf("seen after %v", there.untilOut(t, "Cookie", there.cookie))
		maria.ask(t, "DELETE", "/api/authentication", "", "Authorization", maria.bearer).is(t, 200)
		t.Logf("seen after %v", there.untilOut(t, "Authorization", there.bearer))
	})
	t.Run("SES-06", func(t *testing.T) {
		anna := c.signUp(t, "anna")
		for range 10 {
			anna.login(t)
			thief := anna.device("another machine")
			thief.at = second
			answers := atOnce(t, renewal(anna.renewing), anna, thief)
			won := 0
			for _, a := range answers {
				if a.is(t, 201, 401).status == 201 {
					won++
				}
			}
			if won != 1 {
				t.Fatalf("%d have the next token", won)
			}
			// Either of them may be the thief, so the login is over for both.
			anna.untilOut(t, "Authorization", anna.bearer)
		}
	})
	t.Run("one client", func(t *testing.T) {
		anna := c.signUp(t, "berta").login(t)
		again := anna.device(anna.agent)
		again.at = second
		for range 10 {
			answers := atOnce(t, renewal(anna.renewing), anna, again)
			one, two := answers[0].is(t, 201).object(t), answers[1].is(t, 201).object(t)
			if one["refreshToken"] != two["refreshToken"] {
				t.Fatal("a login forks")
			}
			anna.keep(t, answers[0])
			anna.me(t, 200)
		}
	})
	t.Run("LOG-04", func(t *testing.T) { // what one has counted, the other knows
		dora := c.signUp(t, "dora")
		known := dora.ask(t, "POST", "/api/authentication", dora.credentials()).is(t, 201)
		guesser := dora.device("another machine")
		for i := range 10 {
			guesser.at = []*running{c.running, second}[i%2]
			guesser.ask(t, "POST", "/api/authentication", strings.Replace(dora.credentials(), "canary", "canarx", 1)).is(t, 401)
		}
		for _, at := range []*running{c.running, second} {
			guesser.at, dora.at = at, at
			if a := guesser.ask(t, "POST", "/api/authentication", guesser.credentials()).is(t, 429); a.header.Get("Retry-After") == "" {
				t.Error("nobody says when to come again")
			}
			guesser.ask(t, "POST", "/api/session", guesser.credentials()).is(t, 429)
			for _, line := range known.header.Values("Set-Cookie") {
				device, _, _ := strings.Cut(line, ";")
				dora.ask(t, "POST", "/api/authentication", dora.credentials(), "Cookie", device).is(t, 201)
			}
		}
		if len(known.header.Values("Set-Cookie")) != 1 {
			t.Errorf("the device of the owner is not remembered: %v", known.header)
		}
	})
	t.Run("OPS-10", func(t *testing.T) { c.searchPostgres(t, url) })
	t.Run("keys", func(t *testing.T) {
		carla := c.signUp(t, "carla").login(t)
		there := carla.device("there")
		there.at = second
		if here := c.verify(t, carla, carla.bearer); c.verify(t, there, there.login(t).bearer) != here {
			t.Error("two processes on one database sign with two keys")
		}
	})
}

// atOnce has each of the guests send the same request to the process it knows,
// at the same time.
func atOnce(t *testing.T, body string, guests ...*guest) []reply {
	t.Helper()
	answers := make([]reply, len(guests))
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i, g := range guests {
		wg.Go(func() {
			<-start
			var err error
			if answers[i], err = g.try("POST", "/api/authentication", body); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
	return answers
}

// TestSES06_killWhileRefreshing kills the service while clients renew their logins.
// Whoever lost the answer asks again and gets the same one, or a clean refusal
// when the service was away for too long.
func TestSES06_killWhileRefreshing(t *testing.T) {
	c := open(t)
	var guests []*guest
	for i := range 3 {
		guests = append(guests, c.signUp(t, fmt.Sprintf("guest%d", i)).login(t))
	}
	for round := range 4 {
		lost, killed := c.refreshUntilKilled(t, guests, 15+5*round)
		c.running = c.serve(t)
		for _, g := range guests {
			g.at = c.running
			a := g.ask(t, "POST", "/api/authentication", renewal(g.renewing))
			if a.status != 201 {
				// The grace is five seconds, less than some machines need to start.
				if late := time.Since(killed); a.status != 401 || late < 4*time.Second {
					t.Fatalf("%v after the kill: %d %s", late, a.status, a.body)
				}
				g.login(t)
				continue
			}
			g.keep(t, a)
			g.me(t, 200)
			if token, ok := lost[g]; ok && token != g.renewing {
				t.Fatal("who asks again after the kill gets another token")
			}
		}
	}
}

// refreshUntilKilled has all guests renew at the same time, and kills the service
// after so many answers, of which the last is lost. It returns the refresh token
// in that, and the time.
func (c *canteen) refreshUntilKilled(t *testing.T, guests []*guest, answers int) (lost map[*guest]string, killed time.Time) {
	t.Helper()
	var mu sync.Mutex
	var clients sync.WaitGroup
	for _, g := range guests {
		clients.Go(func() {
			for {
				a, err := g.try("POST", "/api/authentication", renewal(g.renewing))
				if err != nil {
					return // killed
				}
				if a.status != 201 {
					t.Errorf("%s: %d %s", a.question, a.status, a.body)
					_ = c.cmd.Process.Kill()
					return
				}
				mu.Lock()
				answers--
				last := answers == 0
				if last {
					killed = time.Now()
					_ = c.cmd.Process.Kill()
				}
				mu.Unlock()
				if last {
					token, _ := a.object(t)["refreshToken"].(string)
					lost = map[*guest]string{g: token}
					return
				}
				g.keep(t, a)
			}
		})
	}
	clients.Wait()
	_ = c.cmd.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return lost, killed
}
