package actions_test

import (
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/actions"
)

// What an execution reaches outside, it reaches from a worker too.
func TestWorker(t *testing.T) {
	s := &site{handler: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"n":1}`) }}
	var said lines
	var log []string
	r := newRunner(t, actions.Config{
		Worker: workerCommand, CPU: actions.MaxCPU, Transport: s, AllowedHosts: []string{"h.example"}, Console: said.add,
		Management: tenant(&log), ManagementHost: "tenant.example",
	})
	a := one(`
const axios = require('axios'); const { ManagementClient } = require('auth0');
exports.onExecutePostLogin = async (event, api) => {
  console.log('key', event.secrets.SECRET);
  const all = await Promise.all([1, 2, 3].map(() => axios.get('https://h.example/')));
  const m = new ManagementClient({ domain: 'tenant.example', clientId: 'm2m', clientSecret: event.secrets.SECRET });
  const roles = await m.users.getRoles({ id: event.user.user_id });
  api.cache.set('k', 'v');
  const refused = await fetch('https://other.example/').catch((e) => e.message);
  api.idToken.setCustomClaim('got', [all.reduce((n, r) => n + r.data.n, 0), roles[0].name, api.cache.get('k').value, refused]);
};`)
	a[0].Secrets = map[string]string{"SECRET": "m2m-secret"}
	for range 2 { // the second time in the same process
		got, err := r.PostLogin(t.Context(), a, loginEvent(), actions.Flow{})
		if err != nil {
			t.Fatal(err)
		}
		want := []any{3.0, "Customer", "v", "fetch failed: the host is not on the list of allowed hosts"}
		if diff := cmp.Diff(want, got.IDToken["got"]); diff != "" {
			t.Error(diff)
		}
	}
	if !said.has("info: key [secret SECRET]") {
		t.Error(said)
	}
}

// A worker that died while it had nothing to do fails nobody's log-in.
func TestWorker_diesIdle(t *testing.T) {
	var started []*exec.Cmd
	r := newRunner(t, actions.Config{Worker: func() *exec.Cmd {
		cmd := workerCommand()
		started = append(started, cmd)
		return cmd
	}, CPU: actions.MaxCPU, MaxConcurrent: 1})
	fine(t, r)
	fine(t, r)
	if len(started) != 1 {
		t.Fatalf("%d workers", len(started))
	}
	if err := started[0].Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		got, err := r.PostLogin(t.Context(), handler(``), loginEvent(), actions.Flow{})
		if err == nil && len(started) == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(got, err, len(started))
		}
	}
}

// Who waits for a worker to start keeps nobody else waiting.
func TestWorker_slowStart(t *testing.T) {
	asked, start := make(chan struct{}), make(chan struct{})
	var calls atomic.Int64
	r := newRunner(t, actions.Config{Worker: func() *exec.Cmd {
		if calls.Add(1) == 1 {
			close(asked)
			<-start
		}
		return workerCommand()
	}, CPU: actions.MaxCPU, MaxConcurrent: 2})
	var slow sync.WaitGroup
	slow.Go(func() { fine(t, r) })
	<-asked
	other := make(chan struct{})
	go func() {
		defer close(other)
		fine(t, r)
	}()
	select {
	case <-other:
	case <-time.After(10 * time.Second):
		t.Error("another execution waits for a process that is not its own")
	}
	close(start)
	slow.Wait()
	<-other
}

func TestWorker_concurrent(t *testing.T) {
	r := newRunner(t, actions.Config{Worker: workerCommand, CPU: actions.MaxCPU, MaxConcurrent: 2})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() { fine(t, r) })
	}
	wait.Wait()
}

// A worker knows nothing of the environment of its parent.
func TestIDP22_environment(t *testing.T) {
	t.Setenv("GATE_TEST_LEAK", "leaked")
	r := newRunner(t, actions.Config{Worker: func() *exec.Cmd {
		return exec.Command("/bin/sh", "-c", `head -c 4 > /dev/null; echo "it is ${GATE_TEST_LEAK:-clean}" >&2; exit 1`)
	}})
	_, err := r.PostLogin(t.Context(), handler(``), loginEvent(), actions.Flow{})
	if err == nil || !strings.Contains(err.Error(), "it is clean") {
		t.Error(err)
	}
}
