package actions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// The bounds of what cannot be configured.
const (
	// MaxCode is how long the code of an action may be, in bytes.
	MaxCode = 100 << 10
	// MaxModules is how long the code with its bundled modules may be, in bytes.
	MaxModules = 1 << 20
	// MaxConsole is how much one execution may write to the console, in bytes.
	MaxConsole = 64 << 10
	// MaxResult is how large the result of one execution may be, in bytes.
	MaxResult = 256 << 10
	// MaxCPU is the most that [Config].CPU may be.
	MaxCPU = 5 * time.Second
)

// Config configures a [Runner]. Either Worker or InProcess has to be set; all
// else may be zero.
type Config struct {
	// Worker makes the command of a process that calls [Work] with its standard
	// input and output. It gets no environment but what the command names.
	Worker func() *exec.Cmd
	// InProcess runs actions in this process, where nothing bounds their
	// memory for certain: for development and tests, not for code of others.
	InProcess bool

	// AllowedHosts are the hosts that actions may send requests to: exact names
	// ("api.example.com"), "*.example.com" for all below one, or an address.
	// None means none.
	AllowedHosts []string
	// AllowPrivate lets requests reach addresses that are not on the internet,
	// and plain http: for development.
	AllowPrivate bool
	// Transport sends the requests of actions; nil means one that refuses
	// addresses that are not public. With another, that is left to it.
	Transport http.RoundTripper
	// Management answers the Management API in this process when an action uses
	// the module "auth0" for ManagementHost; nil means by a request like any
	// other. The request carries the path ("/api/v2/…" or "/oauth/token"), the
	// headers and the body; who may do what is for the handler to decide.
	Management http.Handler
	// ManagementHost is the host of the tenant, as actions name it in "domain".
	ManagementHost string

	// Timeout bounds a trigger with all its actions: 0 means 20 s.
	Timeout time.Duration
	// CPU bounds the time for which one action computes rather than waits: 0
	// means 1 s, and more than MaxCPU is refused. It is time by the clock during
	// which processors worked for the process; where the system does not say how
	// long those did, it is all of it.
	CPU time.Duration
	// MaxMemory is how large a worker may get, in bytes: 0 means 256 MiB. In
	// process it bounds the growth of the heap.
	MaxMemory int64
	// MaxStack is how deep calls may nest: 0 means 500.
	MaxStack int
	// MaxCalls is how many requests one execution may send: 0 means 10.
	MaxCalls int
	// MaxConcurrent is how many executions run at once, others wait: 0 means
	// the number of processors. Those that actions set off themselves, by a
	// request to Management, are as many again, and what those set off, too.
	MaxConcurrent int
	// MaxOpen is how many executions are under way at once, each with a worker of
	// its own: those that run and those that wait for the answer to a request. 0
	// means four times MaxConcurrent, and fewer than that are as many.
	MaxOpen int

	// Cache keeps what actions put into api.cache; nil means [NewCache].
	Cache Cache
	// Logger gets the console of actions and what was dropped; nil means
	// slog.Default().
	Logger *slog.Logger
	// Console gets each line of the console; nil means none. It is called in
	// order and must not block.
	Console func(ctx context.Context, e ConsoleEntry)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// A ConsoleEntry is what an action wrote by one call of console.log and its
// kin. The values of its secrets are taken out.
type ConsoleEntry struct {
	Time   time.Time
	Action string // its name
	Level  string // "debug", "info", "warn", "error"
	Text   string
}

// An Action is deployed code.
type Action struct {
	ID      string
	Name    string
	Code    string
	Secrets map[string]string // event.secrets
	Modules map[string]string // bundled CommonJS files, by the name in require
	Runtime string            // "node22" and its kin; it changes nothing
	Version int
}

// A Trigger is an event that actions hang on.
type Trigger string

// The triggers that a Runner knows.
const (
	TriggerPostLogin            Trigger = "post-login"
	TriggerCredentialsExchange  Trigger = "credentials-exchange"
	TriggerPreUserRegistration  Trigger = "pre-user-registration"
	TriggerPostUserRegistration Trigger = "post-user-registration"
	TriggerPostChangePassword   Trigger = "post-change-password"
)

// A Runner runs actions. It is safe for concurrent use.
type Runner struct {
	cfg   Config
	host  *host
	exec  executor
	rooms [maxDepth + 1]room // by depth
	turns turns

	close sync.Once
	done  chan struct{}
}

// New returns a runner; Close ends it.
func New(cfg Config) (*Runner, error) {
	if (cfg.Worker != nil) == cfg.InProcess {
		return nil, errors.New("actions: either a worker or in process has to be chosen")
	}
	if cfg.CPU < 0 || cfg.CPU > MaxCPU || cfg.Timeout < 0 {
		return nil, fmt.Errorf("actions: the processor time is at most %v, and no time is negative", MaxCPU)
	}
	if cfg.MaxMemory < 0 || cfg.MaxStack < 0 || cfg.MaxCalls < 0 || cfg.MaxConcurrent < 0 || cfg.MaxOpen < 0 {
		return nil, errors.New("actions: a limit is negative")
	}
	withDefaults(&cfg)
	h, err := newHost(&cfg)
	if err != nil {
		return nil, fmt.Errorf("actions: %w", err)
	}
	r := &Runner{cfg: cfg, host: h, done: make(chan struct{})}
	r.turns = turns{most: max(1, cfg.MaxOpen/4), of: map[string]*turn{}}
	for i := range r.rooms {
		r.rooms[i] = room{make(chan struct{}, cfg.MaxOpen), make(chan struct{}, cfg.MaxConcurrent)}
	}
	if cfg.InProcess {
		r.exec = newInProcess(cfg.MaxMemory)
	} else {
		r.exec = newPool(cfg.Worker, cfg.MaxMemory, cfg.MaxConcurrent)
	}
	return r, nil
}

// Close stops the workers and waits for them. Executions that are under way
// fail.
func (r *Runner) Close() error {
	var err error
	r.close.Do(func() {
		close(r.done)
		err = r.exec.Close()
	})
	return err
}

func withDefaults(cfg *Config) {
	cfg.Timeout = or(cfg.Timeout, 20*time.Second)
	cfg.CPU = or(cfg.CPU, time.Second)
	cfg.MaxMemory = or(cfg.MaxMemory, 256<<20)
	cfg.MaxStack = or(cfg.MaxStack, 500)
	cfg.MaxCalls = or(cfg.MaxCalls, 10)
	cfg.MaxConcurrent = or(cfg.MaxConcurrent, runtime.GOMAXPROCS(0))
	cfg.MaxOpen = max(or(cfg.MaxOpen, openPer*cfg.MaxConcurrent), cfg.MaxConcurrent)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Cache == nil {
		cfg.Cache = NewCache(cfg.Now)
	}
}

// or is value, or fallback when it is zero.
func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
