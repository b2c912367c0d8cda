package audit

import "github.com/gatewright/gate"

// Flood tells of each event in turn whether it is counted with others, and
// returns the counts.
func Flood(events func(yield func(gate.AuditEvent) bool)) (counted int, rows []Entry) {
	var r repeats
	for e := range events {
		if r.counts(&e) {
			counted++
		}
	}
	return counted, r.take()
}
