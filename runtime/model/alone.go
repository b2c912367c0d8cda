package model

// CheckAlone checks and prepares a field that no entity has, as [Entity.Check] does
// those of an entity. It needs no column; an id may be null.
func (f *Field) CheckAlone() error {
	alone := *f
	alone.Column, alone.Required = "value", f.Required || f.Type == ID
	if err := alone.check(); err != nil {
		return err
	}
	alone.Column, alone.Required = f.Column, f.Required
	*f = alone
	return nil
}
