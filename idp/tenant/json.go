package tenant

// MarshalJSON implements [encoding/json.Marshaler].
func (c Client) MarshalJSON() ([]byte, error) {
	type plain Client
	return marshal(plain(c), c.Extra)
}

// UnmarshalJSON implements [encoding/json.Unmarshaler]. Members that data does
// not have stay as they are, those it has are replaced whole, by null too.
func (c *Client) UnmarshalJSON(data []byte) (err error) {
	type plain Client
	c.Extra, err = unmarshal(data, (*plain)(c), c.Extra)
	return err
}

// MarshalJSON implements [encoding/json.Marshaler].
func (a API) MarshalJSON() ([]byte, error) {
	type plain API
	return marshal(plain(a), a.Extra)
}

// UnmarshalJSON implements [encoding/json.Unmarshaler]. Members that data does
// not have stay as they are, those it has are replaced whole, by null too.
func (a *API) UnmarshalJSON(data []byte) (err error) {
	type plain API
	a.Extra, err = unmarshal(data, (*plain)(a), a.Extra)
	return err
}

// MarshalJSON implements [encoding/json.Marshaler].
func (c ClientGrant) MarshalJSON() ([]byte, error) {
	type plain ClientGrant
	return marshal(plain(c), c.Extra)
}

// UnmarshalJSON implements [encoding/json.Unmarshaler]. Members that data does
// not have stay as they are, those it has are replaced whole, by null too.
func (c *ClientGrant) UnmarshalJSON(data []byte) (err error) {
	type plain ClientGrant
	c.Extra, err = unmarshal(data, (*plain)(c), c.Extra)
	return err
}

// MarshalJSON implements [encoding/json.Marshaler].
func (r Role) MarshalJSON() ([]byte, error) {
	type plain Role
	return marshal(plain(r), r.Extra)
}

// UnmarshalJSON implements [encoding/json.Unmarshaler]. Members that data does
// not have stay as they are, those it has are replaced whole, by null too.
func (r *Role) UnmarshalJSON(data []byte) (err error) {
	type plain Role
	r.Extra, err = unmarshal(data, (*plain)(r), r.Extra)
	return err
}

// MarshalJSON implements [encoding/json.Marshaler].
func (c Connection) MarshalJSON() ([]byte, error) {
	type plain Connection
	return marshal(plain(c), c.Extra)
}

// UnmarshalJSON implements [encoding/json.Unmarshaler]. Members that data does
// not have stay as they are, those it has are replaced whole, by null too.
func (c *Connection) UnmarshalJSON(data []byte) (err error) {
	type plain Connection
	c.Extra, err = unmarshal(data, (*plain)(c), c.Extra)
	return err
}

// MarshalJSON implements [encoding/json.Marshaler].
func (c ConnectionOptions) MarshalJSON() ([]byte, error) {
	type plain ConnectionOptions
	return marshal(plain(c), c.Extra)
}

// UnmarshalJSON implements [encoding/json.Unmarshaler]. Members that data does
// not have stay as they are, those it has are replaced whole, by null too.
func (c *ConnectionOptions) UnmarshalJSON(data []byte) (err error) {
	type plain ConnectionOptions
	c.Extra, err = unmarshal(data, (*plain)(c), c.Extra)
	return err
}

// MarshalJSON implements [encoding/json.Marshaler].
func (a Action) MarshalJSON() ([]byte, error) {
	type plain Action
	return marshal(plain(a), a.Extra)
}

// UnmarshalJSON implements [encoding/json.Unmarshaler]. Members that data does
// not have stay as they are, those it has are replaced whole, by null too.
func (a *Action) UnmarshalJSON(data []byte) (err error) {
	type plain Action
	a.Extra, err = unmarshal(data, (*plain)(a), a.Extra)
	return err
}

// MarshalJSON implements [encoding/json.Marshaler].
func (b Bindings) MarshalJSON() ([]byte, error) {
	type plain Bindings
	return marshal(plain(b), b.Extra)
}

// UnmarshalJSON implements [encoding/json.Unmarshaler]. Members that data does
// not have stay as they are, those it has are replaced whole, by null too.
func (b *Bindings) UnmarshalJSON(data []byte) (err error) {
	type plain Bindings
	b.Extra, err = unmarshal(data, (*plain)(b), b.Extra)
	return err
}

// MarshalJSON implements [encoding/json.Marshaler].
func (s Settings) MarshalJSON() ([]byte, error) {
	type plain Settings
	return marshal(plain(s), s.Extra)
}

// UnmarshalJSON implements [encoding/json.Unmarshaler]. Members that data does
// not have stay as they are, those it has are replaced whole, by null too.
func (s *Settings) UnmarshalJSON(data []byte) (err error) {
	type plain Settings
	s.Extra, err = unmarshal(data, (*plain)(s), s.Extra)
	return err
}

// MarshalJSON implements [encoding/json.Marshaler].
func (u User) MarshalJSON() ([]byte, error) {
	type plain User
	return marshal(plain(u), u.Extra)
}

// UnmarshalJSON implements [encoding/json.Unmarshaler]. Members that data does
// not have stay as they are, those it has are replaced whole, by null too.
func (u *User) UnmarshalJSON(data []byte) (err error) {
	type plain User
	u.Extra, err = unmarshal(data, (*plain)(u), u.Extra)
	return err
}
