package crud_test

import (
	"encoding/json"
	"time"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
)

// Sample has a field of every type, most of them optional.
type Sample struct {
	ID      string
	Text    *string
	Must    string
	Email   *string
	URL     *string
	Enum    *string
	User    *string
	Parent  *string
	Int     *int64
	Count   int64
	Dec     *model.Decimal
	Price   model.Decimal
	Float   *float64
	Bool    *bool
	Date    *model.Date
	Time    *time.Time
	JSON    json.RawMessage
	Roles   []string
	Created *time.Time
}

func (r *Sample) pointer(f model.FieldID) any {
	return []any{
		&r.ID, &r.Text, &r.Must, &r.Email, &r.URL, &r.Enum, &r.User, &r.Parent, &r.Int, &r.Count, &r.Dec, &r.Price,
		&r.Float, &r.Bool, &r.Date, &r.Time, &r.JSON, &r.Roles, &r.Created,
	}[f]
}

func sampleEntity(kind model.IDKind) *model.Entity {
	public := []string{"public"}
	return &model.Entity{
		Name: "Sample", Plural: "Samples", Path: "samples", Table: "samples",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, ID: kind, Required: true},
			{Name: "text", Column: "text", Type: model.Text, Searchable: true},
			{Name: "must", Column: "must", Type: model.Text, Required: true, Default: "x", Searchable: true},
			{Name: "email", Column: "email", Type: model.Email, Searchable: true},
			{Name: "url", Column: "url", Type: model.URL},
			{Name: "enum", Column: "enum", Type: model.Enum, Values: []string{"b", "a", "C"}},
			{Name: "user", Column: "user_name", Type: model.Username},
			{Name: "parentId", Column: "parent_id", Type: model.Relation, ID: kind, To: "Sample"},
			{Name: "int", Column: "int_value", Type: model.Integer},
			{Name: "count", Column: "count", Type: model.Integer, Required: true, Default: int64(0)},
			{Name: "dec", Column: "dec_value", Type: model.DecimalType, Precision: 18, Scale: 4},
			{Name: "price", Column: "price", Type: model.DecimalType, Precision: 10, Scale: 2, Required: true, Default: "0"},
			{Name: "float", Column: "float_value", Type: model.Float},
			{Name: "bool", Column: "bool_value", Type: model.Boolean},
			{Name: "date", Column: "date_value", Type: model.DateType},
			{Name: "time", Column: "time_value", Type: model.DateTime},
			{Name: "json", Column: "json_value", Type: model.JSON},
			{Name: "roles", Column: "roles", Type: model.Roles},
			{Name: "created", Column: "created", Type: model.CreatedAt},
		},
		Allow: model.Allow{View: public, List: public, Create: public, Update: public, Delete: public},
	}
}

var sampleSchemas = map[store.Dialect]string{
	store.SQLite: `CREATE TABLE samples (id TEXT PRIMARY KEY, text TEXT, must TEXT NOT NULL, email TEXT COLLATE NOCASE, url TEXT, enum TEXT,
  user_name TEXT COLLATE NOCASE, parent_id TEXT REFERENCES samples (id), int_value INTEGER, count INTEGER NOT NULL, dec_value INTEGER,
  price INTEGER NOT NULL, float_value REAL, bool_value INTEGER, date_value TEXT, time_value TEXT, json_value TEXT, roles TEXT, created TEXT)`,
	store.Postgres: `CREATE TABLE samples (id text PRIMARY KEY, text text, must text NOT NULL, email text, url text, enum text,
  user_name text, parent_id text REFERENCES samples (id), int_value bigint, count bigint NOT NULL, dec_value numeric(18,4),
  price numeric(10,2) NOT NULL, float_value double precision, bool_value boolean, date_value date, time_value timestamptz, json_value jsonb,
  roles jsonb, created timestamptz)`,
}
