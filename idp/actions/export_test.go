package actions

// UnderWay is how many executions have entered.
func (r *Runner) UnderWay() int { return len(r.rooms[0].open) }

// Waiting is how many log-ins of a user are here.
func (r *Runner) Waiting(user, client string) int {
	r.turns.mu.Lock()
	defer r.turns.mu.Unlock()
	if t := r.turns.of[user+" at "+client]; t != nil {
		return t.here
	}
	return 0
}
