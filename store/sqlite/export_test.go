package sqlite

import "database/sql"

// MaxStatements is how many prepared statements a connection keeps.
const MaxStatements = maxStatements

// Kept returns how many statements a connection keeps.
func Kept(c *sql.Conn) (n int, err error) {
	err = c.Raw(func(raw any) error {
		n = raw.(*conn).order.Len() // connect makes no other
		return nil
	})
	return n, err
}
