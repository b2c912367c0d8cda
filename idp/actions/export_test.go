package actions

// UnderWay is how many executions have entered.
func (r *Runner) UnderWay() int { return len(r.rooms[0].open) }

// Waiting is how many log-ins of a user are here.
func (r *Runner) Waiting(user, client string) int { return r.waiting(user + " at " + client) }

// WaitingFrom is how many sign-ups from a network are here.
func (r *Runner) WaitingFrom(network string) int { return r.waiting("sign-up from " + network) }

func (r *Runner) waiting(who string) int {
	r.turns.mu.Lock()
	defer r.turns.mu.Unlock()
	if t := r.turns.of[who]; t != nil {
		return t.here
	}
	return 0
}
