package model

import "fmt"

// A Link is one end of a relation: the name by which rows of the entity lead to
// rows of another, or of their own. Exactly one of Key, Inverse and Through says
// where the keys are.
type Link struct {
	Name    string // author, posts, tags
	To      string // name of the other entity
	Many    bool   // leads to any number of rows, not to one at most
	Key     string // the field of this entity that has the id of the other row
	Inverse string // the field of the other entity that has the id of this row
	Through *Join
}

// A Join is a table of pairs of ids, each pair once.
type Join struct {
	Table     string
	Near, Far string // columns: the id of a row of this entity, and of the other

	// Inverse is the relation of the other entity whose other end this is: pairs are
	// of its rows, and whoever changes one from here changes a row there. Empty at the
	// end whose they are.
	Inverse string
}

// Link returns the link of that name.
func (e *Entity) Link(name string) (*Link, bool) {
	l, ok := e.links[name]
	return l, ok
}

// checkLinks checks what this entity alone can say about its links. That the other
// one is there, and agrees, is for the one who knows both.
func (e *Entity) checkLinks() error {
	e.links = make(map[string]*Link, len(e.Links))
	for i := range e.Links {
		l := &e.Links[i]
		if err := e.checkLink(l); err != nil {
			return fmt.Errorf("link %q: %w", l.Name, err)
		}
		e.links[l.Name] = l
	}
	return nil
}

func (e *Entity) checkLink(l *Link) error {
	_, isField := e.names[l.Name]
	_, twice := e.links[l.Name]
	places := 0
	for _, there := range []bool{l.Key != "", l.Inverse != "", l.Through != nil} {
		if there {
			places++
		}
	}
	switch {
	case !wireName.MatchString(l.Name) || l.To == "":
		return fmt.Errorf("no name, or no entity %q", l.To)
	case isField || twice:
		return fmt.Errorf("the name is there twice")
	case places != 1:
		return fmt.Errorf("the keys are in %d places, not in one", places)
	case l.Key != "" && l.Many, l.Through != nil && !l.Many:
		return fmt.Errorf("the place of the keys says whether there are many")
	}
	if l.Through != nil {
		for _, name := range []string{l.Through.Table, l.Through.Near, l.Through.Far} {
			if !sqlName.MatchString(name) || l.Through.Near == l.Through.Far {
				return fmt.Errorf("table or column %q is no identifier, or both columns are the same", name)
			}
		}
	}
	if l.Key != "" {
		f, ok := e.names[l.Key]
		if !ok || e.Fields[f].Type != Relation || e.Fields[f].To != l.To {
			return fmt.Errorf("%q is no field that points to %s", l.Key, l.To)
		}
	}
	return nil
}
