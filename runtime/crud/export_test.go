package crud

import "time"

// SetTimeout replaces the time that a Find may take.
func (r *Resource[T]) SetTimeout(d time.Duration) { r.timeout = d }
