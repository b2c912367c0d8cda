package smtp

// Remote makes s treat its server as one on another machine.
func (s *Sender) Remote() { s.local = false }
