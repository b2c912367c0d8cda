package auth

import (
	"maps"
	"sync"
	"time"
)

// A memory remembers texts for a moment. The zero value is empty.
type memory struct {
	mu   sync.RWMutex
	list map[string]remembered
}

type remembered struct {
	text  string
	until time.Time
}

func (m *memory) get(key string, now time.Time) (string, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r, ok := m.list[key]
	return r.text, ok && now.Before(r.until)
}

func (m *memory) known(key string, now time.Time) bool {
	_, ok := m.get(key, now)
	return ok
}

func (m *memory) put(key, text string, now time.Time, d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.list == nil || len(m.list) >= cacheSize {
		m.list = make(map[string]remembered)
	}
	m.list[key] = remembered{text, now.Add(d)}
}

// dropText forgets everything that a text was remembered for.
func (m *memory) dropText(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.list, func(_ string, r remembered) bool { return r.text == text })
}
