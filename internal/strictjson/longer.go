package strictjson

import "bytes"

// Longer reports whether data is a list of more than most elements, and takes no memory
// for that: a list of many small ones that is read has many times the room of its text.
// Whether it is JSON, whoever reads it finds out.
func Longer(data []byte, most int) bool {
	list, ok := bytes.CutPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("["))
	depth, n := 0, 1
	for i := 0; ok && i < len(list) && n <= most; i++ {
		switch list[i] {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case ',':
			if depth == 0 {
				n++
			}
		case '"':
			for i++; i < len(list) && list[i] != '"'; i++ {
				if list[i] == '\\' {
					i++
				}
			}
		}
	}
	return n > most
}
