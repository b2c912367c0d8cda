package gate

import (
	"fmt"
	"slices"
	"sync"
)

// Services are several services of one program, each with its own accounts,
// tokens and strategies, by name: customers at one, staff at another. The first
// one added is the default. The zero value is empty and ready for use, by many
// goroutines.
type Services struct {
	mu       sync.RWMutex
	names    []string
	byName   map[string]*Service
	fallback string
}

// Add adds a service. It panics when the name is empty or taken or svc is nil:
// then it is the program that is wrong. Two services whose tokens have the same
// issuer and an audience in common would take each other's tokens, and are
// refused; what [Service.Configure] changes afterwards is not looked at.
func (s *Services) Add(name string, svc *Service) error {
	if name == "" || svc == nil {
		panic("gate: a service needs a name, and a name a service")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName[name] != nil {
		panic(fmt.Sprintf("gate: service %q added twice", name))
	}
	for other, there := range s.byName {
		if overlap(there.Configuration(), svc.Configuration()) {
			return fmt.Errorf("service %q: its tokens would be taken by service %q, with the same issuer and audience", name, other)
		}
	}
	if s.byName == nil {
		s.byName, s.fallback = make(map[string]*Service), name
	}
	s.byName[name] = svc
	s.names = append(s.names, name)
	return nil
}

func overlap(a, b Config) bool {
	return a.Keys != nil && b.Keys != nil && a.Issuer == b.Issuer &&
		slices.ContainsFunc(a.Audience, func(audience string) bool { return slices.Contains(b.Audience, audience) })
}

// SetDefault makes the service called name the default. It panics when there is
// none.
func (s *Services) SetDefault(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName[name] == nil {
		panic(fmt.Sprintf("gate: there is no service %q", name))
	}
	s.fallback = name
}

// Get returns the service called name, the default for the empty name, and nil
// when there is none.
func (s *Services) Get(name string) *Service {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if name == "" {
		name = s.fallback
	}
	return s.byName[name]
}

// Names returns the names in the order in which the services were added.
func (s *Services) Names() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.names)
}
