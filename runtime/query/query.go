// Package query is the tree that every question about rows becomes, whichever
// surface it came through, and the one place where that tree becomes SQL.
//
// A question is a [Query]: names and values as they were sent. [Resolve] turns
// it into a [Plan]: fields of the entity, typed values, everything within the
// ceilings. It is told which fields the caller may know; any other is refused
// in the words for one that does not exist. A [Filter], which comes from the
// rules and never from the caller, narrows the plan to rows. Only columns and
// operators of this package reach a statement; values are always bound.
//
// The two dialects answer alike: text compares by code point, nulls sort last
// in both directions, a comparison with null is false and its negation true,
// and every order ends in the id, so that pages do not overlap.
package query

import (
	"slices"

	"github.com/gatewright/gate/runtime/model"
)

// Ceilings of one query.
const (
	DefaultLimit = 25     // rows of a page when none is asked for
	MaxLimit     = 100    // rows of a page; more is cut to it
	MaxSkip      = 10_000 // rows skipped
	MaxValues    = 100    // values of one In or NotIn
	MaxDepth     = 5      // And, Or and Not inside each other
	MaxTerms     = 50     // comparisons
	MaxSort      = 5      // sort keys
	MaxText      = 1000   // code points of a value
	MinPattern   = 2      // code points of a pattern or search
	MaxWildcards = 10     // of a pattern, that stand for any text
	MaxWords     = 20     // words of a search
)

// A Query asks for rows. The zero value asks for the first page of all rows.
type Query struct {
	// Where is what rows must be like; nil means anything.
	Where Expr
	// Search is words that all have to be in the searchable fields of a row, the last
	// one as the beginning of a word: see package store/search. Empty means no search,
	// and a text without words finds nothing.
	Search string
	// Sort is the order; after it rows are ordered by id.
	Sort []Sort
	// Select names the fields to answer; none means all that one may read.
	Select []string
	// Lenient leaves fields out of Select that one may not read, instead of
	// refusing the query: for surfaces that tell field by field.
	Lenient bool
	// Limit is the size of the page: zero means [DefaultLimit], more than
	// [MaxLimit] is cut to it, less than zero is refused.
	Limit int
	// CountOnly asks for the total and no rows.
	CountOnly bool
	// NoTotal asks for the rows and not for the total.
	NoTotal bool
	// Skip is how many rows come before the page.
	Skip int
	// Cursor says where the page begins, or ends, instead of Skip; nil pages by
	// Skip.
	Cursor *Cursor
	// Include lists relations whose rows come with these. [Resolve] knows but one
	// entity and leaves them to the one who knows the others.
	Include []Include
}

// A Sort orders rows by a field.
type Sort struct {
	Field      string
	Descending bool
}

// An Expr is a condition: [And], [Or], [Not], [Term] or [Related].
type Expr interface{ expr() }

type (
	// And holds when all of its parts hold; when there are none, too.
	And []Expr
	// Or holds when one of its parts holds.
	Or []Expr
	// Not holds when its part does not.
	Not struct{ Expr Expr }
	// A Term compares a field with a value.
	Term struct {
		Field string
		Op    Op
		// Value is a string, which is read as the type of the field spells
		// it, or a Go number, bool, time, date or decimal; nil is null. For In
		// and NotIn it is a []any, for Null a bool.
		Value any
	}
)

func (And) expr()  {}
func (Or) expr()   {}
func (Not) expr()  {}
func (Term) expr() {}

// An Op compares. The zero value is none and is refused.
type Op uint8

// The operators. Text is compared by code point, that of e-mail addresses and
// user names without regard to case.
const (
	_          Op = iota
	Eq            // equal; to nil: null
	Ne            // not equal, or null
	In            // equal to one of
	NotIn         // equal to none of, or null
	Lt            // less
	Lte           // less or equal
	Gt            // more
	Gte           // more or equal
	Contains      // text that has the value in it, or a list of which it is one
	StartsWith    // text that begins with the value
	EndsWith      // text that ends with the value
	Like          // text that is as the value: % is any text, _ one character, and \ before them makes them mean themselves
	Null          // null, or with false: not null
)

var (
	equality  = []Op{Eq, Ne, In, NotIn, Null}
	ordered   = []Op{Eq, Ne, In, NotIn, Lt, Lte, Gt, Gte, Null}
	textual   = []Op{Eq, Ne, In, NotIn, Lt, Lte, Gt, Gte, Contains, StartsWith, EndsWith, Like, Null}
	booleans  = []Op{Eq, Ne, Null}
	lists     = []Op{Contains, Null}
	existence = []Op{Null}
)

// Operators returns the operators that a field of that type offers, in the
// order of the constants. The slice is the caller's.
func Operators(t model.Type) []Op { return slices.Clone(operators(t)) }

func operators(t model.Type) []Op {
	switch t {
	case model.Text, model.LongText, model.Email, model.URL, model.Username:
		return textual
	case model.Enum, model.ID, model.Relation:
		return equality
	case model.Integer, model.DecimalType, model.Float, model.DateType, model.DateTime, model.CreatedAt, model.UpdatedAt:
		return ordered
	case model.Boolean:
		return booleans
	case model.MultiEnum:
		return lists
	case model.JSON, model.Roles, model.GeoType, model.FileType:
		return existence
	}
	return nil
}

// sortable reports whether rows can be ordered by a field of that type.
func sortable(t model.Type) bool {
	switch t {
	case model.JSON, model.Roles, model.Password, model.MultiEnum, model.GeoType, model.FileType:
		return false
	}
	return true
}

// isText reports whether a column of that field is text whose order would
// depend on the collation of the database.
func isText(f *model.Field) bool {
	switch f.Type {
	case model.Text, model.LongText, model.Email, model.URL, model.Username, model.Enum, model.Password:
		return true
	case model.ID, model.Relation:
		return f.ID == model.CUID2 || f.ID == model.ULID
	}
	return false
}
