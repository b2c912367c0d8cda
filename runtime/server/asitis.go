package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/store"
)

// there refuses a database that is a file and is not there, which opening would make.
// Of a server who connects is told.
func (s Service) there(cfg *config.Config) error {
	if s.Open == nil {
		return nil
	}
	file, err := store.SQLiteFile(cfg.DatabaseURL.Reveal())
	if err != nil || file == store.SQLiteMemory {
		return nil //nolint:nilerr // who opens it says what is wrong
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return &missing{service: s.Name, file: file}
	}
	return nil
}

// missing is the error of a file that is not there.
type missing struct{ service, file string }

func (e *missing) Error() string {
	return fmt.Sprintf("%s: there is no such file: %s migrate apply makes it, and DATABASE_URL names another", e.file, e.service)
}

// asItIs is a [schema] that changes nothing, and refuses one of another program.
func asItIs(ctx context.Context, s Service, db *store.DB) ([]applied, error) {
	components, err := s.components(db.Dialect())
	if err != nil {
		return nil, err
	}
	pending := 0
	for _, c := range components {
		todo, err := db.Pending(ctx, c.Name, c.Migrations)
		if err != nil {
			return nil, err
		}
		pending += len(todo)
	}
	if pending > 0 {
		return nil, fmt.Errorf("%d migrations of this program were not applied to the database: %s migrate apply does, "+
			"or run this command with the program that serves", pending, s.Name)
	}
	return nil, nil
}
