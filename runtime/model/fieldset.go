package model

import (
	"iter"
	"math/bits"
)

// MaxFields is how many fields an entity can have.
const MaxFields = 256

// A FieldSet is a set of fields of one entity. The zero value is empty. Sets
// are values: they can be compared with == and be keys of a map.
type FieldSet [MaxFields / 64]uint64

// Fields returns the set of the given fields.
func Fields(fields ...FieldID) FieldSet {
	var s FieldSet
	for _, f := range fields {
		s.Add(f)
	}
	return s
}

// Has reports whether f is in s.
func (s *FieldSet) Has(f FieldID) bool {
	return uint(f) < MaxFields && s[f>>6]&(1<<(f&63)) != 0
}

// Add puts f into s.
func (s *FieldSet) Add(f FieldID) { s[f>>6] |= 1 << (f & 63) }

// Remove takes f out of s.
func (s *FieldSet) Remove(f FieldID) { s[f>>6] &^= 1 << (f & 63) }

// Union returns what is in s or in t.
func (s FieldSet) Union(t FieldSet) FieldSet {
	for i := range s {
		s[i] |= t[i]
	}
	return s
}

// Intersect returns what is in s and in t.
func (s FieldSet) Intersect(t FieldSet) FieldSet {
	for i := range s {
		s[i] &= t[i]
	}
	return s
}

// Without returns what is in s and not in t.
func (s FieldSet) Without(t FieldSet) FieldSet {
	for i := range s {
		s[i] &^= t[i]
	}
	return s
}

// Contains reports whether all of t is in s.
func (s FieldSet) Contains(t FieldSet) bool { return t.Without(s).Empty() }

// Empty reports whether s has no fields.
func (s FieldSet) Empty() bool { return s == FieldSet{} }

// Len returns how many fields are in s.
func (s FieldSet) Len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// All returns the fields of s in their order.
func (s FieldSet) All() iter.Seq[FieldID] {
	return func(yield func(FieldID) bool) {
		for i, w := range s {
			for ; w != 0; w &= w - 1 {
				if !yield(FieldID(i<<6 + bits.TrailingZeros64(w))) {
					return
				}
			}
		}
	}
}
