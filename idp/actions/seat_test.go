package actions_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/actions"
)

// A waiting is a site that answers when it is told to.
type waiting struct{ asked, answer chan struct{} }

func (w waiting) RoundTrip(r *http.Request) (*http.Response, error) {
	w.asked <- struct{}{}
	select {
	case <-w.answer:
		return nil, errors.New("gone")
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// Executions that wait for answers leave the processors to others, which are many
// more, and bounded: a slow site of one action is no reason that nobody logs in.
func TestOPS05_waitingForAnswers(t *testing.T) {
	const fetches = `exports.onExecutePostLogin = async (event, api) => {
		await Promise.all([1, 2].map(() => fetch('https://h.example/').catch(() => {}))); api.idToken.setCustomClaim('got', 1); };`
	for name, worker := range map[string]func() *exec.Cmd{"in process": nil, "workers": workerCommand} {
		t.Run(name, func(t *testing.T) {
			site := waiting{make(chan struct{}), make(chan struct{})}
			r := newRunner(t, actions.Config{Worker: worker, MaxConcurrent: 1, MaxOpen: 3, AllowedHosts: []string{"h.example"}, Transport: site})
			done := make(chan error, 3)
			for range 2 {
				go func() {
					_, err := r.PostLogin(t.Context(), one(fetches), loginOf(rand.Text()), actions.Flow{})
					done <- err
				}()
				<-site.asked
				<-site.asked
			}
			if _, err := r.PostLogin(t.Context(), handler(``), loginEvent(), actions.Flow{}); err != nil {
				t.Errorf("while two wait: %v", err)
			}
			go func() {
				_, err := r.PostLogin(t.Context(), one(fetches), loginOf(rand.Text()), actions.Flow{})
				done <- err
			}()
			<-site.asked
			<-site.asked
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if _, err := r.PostLogin(ctx, handler(``), loginEvent(), actions.Flow{}); !errors.Is(err, actions.ErrBusy) {
				t.Errorf("while three wait: %v", err)
			}
			close(site.answer)
			for range 3 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			if _, err := r.PostLogin(t.Context(), handler(``), loginEvent(), actions.Flow{}); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// An execution whose answer is here and that finds no processor free is none that
// was too slow.
func TestBusy_afterAnswer(t *testing.T) {
	site, begun := waiting{make(chan struct{}), make(chan struct{})}, make(chan struct{})
	r := newRunner(t, actions.Config{
		Worker: workerCommand, MaxConcurrent: 1, MaxOpen: 2, Timeout: time.Minute, AllowedHosts: []string{"h.example"}, Transport: site,
		Console: func(context.Context, actions.ConsoleEntry) { close(begun) },
	})
	short, end := context.WithTimeout(t.Context(), 2*time.Second)
	defer end()
	done, other := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := r.PostLogin(short, handler(`await fetch('https://h.example/').catch(() => {});`), loginEvent(), actions.Flow{})
		done <- err
	}()
	select {
	case <-site.asked:
	case err := <-done:
		t.Fatal(err)
	}
	long, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		_, err := r.PostLogin(long, handler(`console.log('here'); return new Promise((resolve) => setTimeout(resolve, 50000));`), loginOf("somebody else"), actions.Flow{})
		other <- err
	}()
	<-begun
	close(site.answer)
	if err := <-done; !errors.Is(err, actions.ErrBusy) {
		t.Error(err)
	}
	stop()
	if err := <-other; err == nil {
		t.Error("the one that computes came to its end")
	}
}

// An execution that found no processor free for a while, and then had too little of
// its time left, is none that was too slow either.
func TestBusy_late(t *testing.T) {
	begun := make(chan struct{}, 2)
	r := newRunner(t, actions.Config{
		Worker: workerCommand, MaxConcurrent: 1, MaxOpen: 8, Timeout: 5 * time.Second,
		Console: func(context.Context, actions.ConsoleEntry) { begun <- struct{}{} },
	})
	endless := handler(`console.log('here'); return new Promise((resolve) => setTimeout(resolve, 50000));`)
	first, stop := context.WithCancel(t.Context())
	defer stop()
	ended, late := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := r.PostLogin(first, endless, loginOf("ann"), actions.Flow{})
		ended <- err
	}()
	select {
	case <-begun:
	case err := <-ended:
		t.Fatal(err)
	}
	go func() {
		_, err := r.PostLogin(t.Context(), endless, loginOf("bob"), actions.Flow{})
		late <- err
	}()
	for r.UnderWay() < 2 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Second) // a fifth of its time
	stop()
	if err := <-ended; err == nil {
		t.Error("the first one came to its end")
	}
	if err := <-late; !errors.Is(err, actions.ErrBusy) {
		t.Error(err)
	}
}

// Who makes many accounts at a time from one network, which is nobody yet, waits for
// the own ones, and neither log-ins nor other networks do.
func TestBusy_oneNetwork(t *testing.T) {
	site := waiting{make(chan struct{}), make(chan struct{})}
	r := newRunner(t, actions.Config{
		Worker: workerCommand, MaxConcurrent: 1, MaxOpen: 8, Timeout: time.Hour, AllowedHosts: []string{"h.example"}, Transport: site,
	})
	const begin = `exports.onExecutePreUserRegistration = async (event, api) => {`
	done := make(chan error, 12)
	for i := range cap(done) {
		go func() {
			_, err := r.PreUserRegistration(t.Context(), one(begin+`await fetch('https://h.example/').catch(() => {});};`),
				actions.RegistrationEvent{Request: actions.Request{IP: fmt.Sprintf("2001:db8::%x", i+1)}})
			done <- err
		}()
	}
	for range 2 {
		select {
		case <-site.asked:
		case err := <-done:
			t.Fatal(err)
		}
	}
	for r.WaitingFrom("2001:db8::/64") < cap(done) && r.UnderWay() <= 2 {
		time.Sleep(time.Millisecond)
	}
	if n := r.UnderWay(); n != 2 {
		t.Fatalf("%d of one network are under way, want 2 of 8", n)
	}
	if _, err := r.PostLogin(t.Context(), handler(``), loginEvent(), actions.Flow{}); err != nil {
		t.Errorf("a log-in: %v", err)
	}
	if _, err := r.PreUserRegistration(t.Context(), one(begin+`};`), actions.RegistrationEvent{Request: actions.Request{IP: "192.0.2.1"}}); err != nil {
		t.Errorf("another network: %v", err)
	}
	close(site.answer)
	for ended := 0; ended < cap(done); {
		select {
		case <-site.asked:
		case err := <-done:
			ended++
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// Who begins many log-ins at a time waits for the own ones, and nobody else does.
func TestBusy_oneUser(t *testing.T) {
	site := waiting{make(chan struct{}), make(chan struct{})}
	r := newRunner(t, actions.Config{
		Worker: workerCommand, MaxConcurrent: 1, MaxOpen: 8, Timeout: time.Hour, AllowedHosts: []string{"h.example"}, Transport: site,
	})
	fetches := handler(`await fetch('https://h.example/').catch(() => {});`)
	done := make(chan error, 12)
	for range cap(done) {
		go func() {
			_, err := r.PostLogin(t.Context(), fetches, loginOf("mallory"), actions.Flow{})
			done <- err
		}()
	}
	for range 2 {
		select {
		case <-site.asked:
		case err := <-done:
			t.Fatal(err)
		}
	}
	for r.Waiting("mallory", "client1") < cap(done) {
		time.Sleep(time.Millisecond)
	}
	if n := r.UnderWay(); n != 2 {
		t.Errorf("%d of one user are under way, want 2 of 8", n)
	}
	if _, err := r.PostLogin(t.Context(), handler(``), loginOf("ann"), actions.Flow{}); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	elsewhere := loginOf("mallory")
	elsewhere.Client.ClientID = "client2"
	if _, err := r.PostLogin(t.Context(), handler(``), elsewhere, actions.Flow{}); err != nil {
		t.Errorf("at another client: %v", err)
	}
	close(site.answer)
	for ended := 0; ended < cap(done); {
		select {
		case <-site.asked:
		case err := <-done:
			ended++
			if err != nil {
				t.Error(err)
			}
		}
	}
	if n := r.Waiting("mallory", "client1"); n != 0 {
		t.Errorf("%d are kept of who has gone", n)
	}
}
