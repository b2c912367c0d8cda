package graphql

func (x *execution) introspect(dst []byte, f selected) []byte { return append(dst, "null"...) }
