package query

import (
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
)

// Part writes the statement that reads a part of a file.
func Part(s *Statement, d store.Dialect, e *model.Entity, key string, part int64) {
	s.text("SELECT ", d.Quote("data"), " FROM ", d.Quote(e.FileTable()), " WHERE ", d.Quote("file"), " = ")
	s.bind(key)
	s.text(" AND ", d.Quote("part"), " = ")
	s.bind(part)
}

// AddPart writes the statement that adds a part to a file of the row with that id.
func AddPart(s *Statement, d store.Dialect, e *model.Entity, key string, part int64, row any, data []byte) {
	s.text("INSERT INTO ", d.Quote(e.FileTable()), " (", d.Quote("file"), ", ", d.Quote("part"), ", ", d.Quote("row_id"), ", ", d.Quote("data"), ") VALUES (")
	s.bind(key)
	s.text(", ")
	s.bind(part)
	s.text(", ")
	s.bind(row)
	s.text(", ")
	s.bind(data)
	s.text(")")
}

// DropFile writes the statement that removes a file, if it is there.
func DropFile(s *Statement, d store.Dialect, e *model.Entity, key string) {
	s.text("DELETE FROM ", d.Quote(e.FileTable()), " WHERE ", d.Quote("file"), " = ")
	s.bind(key)
}
