package management

// A RouteInfo is a line of the table of operations.
type RouteInfo struct {
	Method, Path, Scopes, Media string
	Open                        bool
}

// Routes returns the table of operations.
func Routes() []RouteInfo {
	var list []RouteInfo
	for _, r := range routes() {
		list = append(list, RouteInfo{r.method, r.path, r.scopes, r.media, r.open})
	}
	return list
}
