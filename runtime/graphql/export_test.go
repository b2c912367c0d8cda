package graphql

import "time"

// Kept returns how many documents are kept.
func (a *API) Kept() int {
	a.documents.mu.Lock()
	defer a.documents.mu.Unlock()
	return a.documents.order.Len()
}

// SetPatience sets how long all of a document may take.
func (a *API) SetPatience(d time.Duration) { a.patience = d }
