package graphql

// Kept returns how many documents are kept.
func (a *API) Kept() int {
	a.documents.mu.Lock()
	defer a.documents.mu.Unlock()
	return a.documents.order.Len()
}
