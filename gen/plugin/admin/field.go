package admin

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/plugin/clientts"
)

// field prints what shows a value, with the props that come after its source.
func field(v clientts.Value, source string) string {
	switch v.Field.Type {
	case design.Int, design.Decimal, design.Float:
		if v.Quoted {
			return "<TextField " + source + " />"
		}
		if v.Field.Type == design.Decimal {
			return fmt.Sprintf("<NumberField %s options={%s} />", source, "{ minimumFractionDigits: "+strconv.Itoa(v.Scale)+" }")
		}
		return "<NumberField " + source + " />"
	case design.Boolean:
		return "<YesNoField " + source + " />"
	case design.Date:
		return "<DateField " + source + " />"
	case design.DateTime, design.CreatedAt, design.UpdatedAt:
		return "<TimeField " + source + " />"
	case design.Enum:
		return "<SelectField " + source + " choices={" + v.Key + "Choices} />"
	case design.MultiEnum:
		return "<ChoicesField " + source + " choices={" + v.Key + "Choices} />"
	case design.Roles:
		return "<TextArrayField " + source + " emptyText=\"–\" />"
	case design.Email:
		return "<EmailField " + source + " />"
	case design.URL:
		return "<UrlField " + source + " rel=\"noreferrer\" target=\"_blank\" />"
	case design.JSON:
		return "<JsonField " + source + " />"
	case design.Geo:
		return "<GeoField " + source + " />"
	case design.File:
		return "<FileNameField " + source + " />"
	case design.ToOne:
		return "<ReferenceField " + source + " reference=\"" + v.Relation.Entity.Route + "\" />"
	}
	return "<TextField " + source + " />"
}

func source(v clientts.Value) string { return `source="` + v.Key + `"` }

// shown prints a field of a page that shows a row.
func shown(v clientts.Value) string {
	if v.Field.Type == design.File {
		return "<FileField " + source(v) + ` segment="` + v.Segment + `" />`
	}
	return field(v, source(v))
}

// column prints a column of a list.
func column(v clientts.Value) string {
	number := v.Field.Type == design.Int || v.Field.Type == design.Decimal || v.Field.Type == design.Float
	props := source(v)
	if !v.Sortable() {
		props += " disableSort"
	}
	switch {
	case number && !v.Quoted && v.Field.Type == design.Decimal:
		return "<DataTable.NumberCol " + props + " options={{ minimumFractionDigits: " + strconv.Itoa(v.Scale) + " }} />"
	case number && !v.Quoted:
		return "<DataTable.NumberCol " + props + " />"
	case v.Field.Type == design.Text || v.Field.Type == design.LongText || v.Field.Type == design.Username || v.Field.Type == design.ID || number:
		return "<DataTable.Col " + props + " field={TextField} />"
	}
	return "<DataTable.Col " + props + ">" + field(v, source(v)) + "</DataTable.Col>"
}

// input prints an input of a form.
func input(v clientts.Value, action string) string {
	props := source(v)
	if v.Description != "" {
		props += " helperText=" + attribute(v.Description)
	}
	props += validation(v, action)
	if action == "create" {
		props += defaultValue(v)
	}
	switch v.Field.Type {
	case design.LongText:
		return "<TextInput " + props + " multiline minRows={3} />"
	case design.Email:
		return "<TextInput " + props + ` type="email" />`
	case design.URL:
		return "<TextInput " + props + ` type="url" />`
	case design.Int, design.Decimal, design.Float:
		if v.Quoted {
			return "<TextInput " + props + " inputMode=\"decimal\" />"
		}
		return "<NumberInput " + props + step(v) + " />"
	case design.Boolean:
		if v.Required {
			return "<BooleanInput " + props + " />"
		}
		return "<NullableBooleanInput " + props + " />"
	case design.Date:
		return "<DateInput " + props + " />"
	case design.DateTime:
		return "<TimeInput " + props + " />"
	case design.Enum:
		return "<SelectInput " + props + " choices={" + v.Key + "Choices} />"
	case design.MultiEnum:
		return "<SelectArrayInput " + props + " choices={" + v.Key + "Choices} />"
	case design.Roles:
		if v.Roles() == nil {
			return "<TextArrayInput " + props + " />"
		}
		return "<SelectArrayInput " + props + " choices={" + v.Key + "Choices} />"
	case design.JSON:
		return "<JsonInput " + props + " />"
	case design.Geo:
		return "<GeoInput " + props + " />"
	case design.File:
		if len(v.FileTypes) > 0 {
			props = fmt.Sprintf("%s accept=%q", source(v), strings.Join(v.FileTypes, ","))
		}
		return fmt.Sprintf(`<FileInput %s segment="%s" max={%d} />`, props, v.Segment, v.MaxSize)
	case design.Password:
		return "<NewPasswordInput " + props + " />"
	case design.ToOne:
		return reference(v, props)
	}
	return "<TextInput " + props + " />"
}

// reference prints the choice of another row.
func reference(v clientts.Value, props string) string {
	return "<RelationInput " + props + ` reference="` + v.To().Route + `"` + searched(v) + " />"
}

// searched says that the rows of a relation are found by words.
func searched(v clientts.Value) string {
	if (entity{v.To()}).Searchable() {
		return " search"
	}
	return ""
}

// step is how far the arrows of a number go.
func step(v clientts.Value) string {
	switch {
	case v.Field.Type == design.Int:
		return " step={1}"
	case v.Field.Type == design.Decimal && v.Scale > 0:
		return " step={0." + strings.Repeat("0", v.Scale-1) + "1}"
	case v.Field.Type == design.Decimal:
		return " step={1}"
	}
	return ""
}

// validation prints what can be known to be wrong before the service is asked.
func validation(v clientts.Value, action string) string {
	var list []string
	if v.Required && v.Field.Type != design.Boolean && v.Field.Type != design.Roles && (action == "update" || v.Default == nil) && v.Field.Type != design.Password {
		list = append(list, "required()")
	}
	if v.MinLength > 0 && v.Field.Type != design.Password {
		list = append(list, fmt.Sprintf("minLength(%d)", v.MinLength))
	}
	if v.MaxLength > 0 && v.Field.Type != design.Password {
		list = append(list, fmt.Sprintf("maxLength(%d)", v.MaxLength))
	}
	if number := v.Field.Type == design.Int || v.Field.Type == design.Decimal || v.Field.Type == design.Float; number && !v.Quoted {
		if v.Min != "" {
			list = append(list, "minValue("+v.Min+")")
		}
		if v.Max != "" {
			list = append(list, "maxValue("+v.Max+")")
		}
	}
	switch len(list) {
	case 0:
		return ""
	case 1:
		return " validate={" + list[0] + "}"
	}
	return " validate={[" + strings.Join(list, ", ") + "]}"
}

// defaultValue prints what a new row has unless somebody says otherwise.
func defaultValue(v clientts.Value) string {
	switch d := v.Default.(type) {
	case bool:
		return fmt.Sprintf(" defaultValue={%t}", d)
	case int64:
		if v.Quoted {
			return fmt.Sprintf(` defaultValue="%d"`, d)
		}
		return fmt.Sprintf(" defaultValue={%d}", d)
	case float64:
		return " defaultValue={" + strconv.FormatFloat(d, 'g', -1, 64) + "}"
	case []string:
		quoted := make([]string, len(d))
		for i, s := range d {
			quoted[i] = gen.Script(s)
		}
		return " defaultValue={[" + strings.Join(quoted, ", ") + "]}"
	case string:
		switch {
		case d == "now":
			return ""
		case v.Field.Type == design.Decimal && !v.Quoted:
			return " defaultValue={" + d + "}"
		}
		return " defaultValue=" + attribute(d)
	}
	return ""
}

// filters prints the conditions for a field.
func filters(v clientts.Value) []string {
	one := func(component, op, words, more string) string {
		name := v.Key
		if op != "" {
			name += "." + op
		}
		return fmt.Sprintf(`<%s key="%s" source="%s" label=%s%s />`, component, name, name, attribute(strings.TrimSpace(title(v.Name)+" "+words)), more)
	}
	if v.Field == v.Of().Version {
		return nil
	}
	switch v.Field.Type {
	case design.Text, design.LongText, design.Email, design.Username:
		return []string{one("TextInput", "$contains", "contains", "")}
	case design.Int, design.Decimal, design.Float:
		if v.Quoted {
			return nil
		}
		return []string{one("NumberInput", "$gte", "from", ""), one("NumberInput", "$lte", "to", "")}
	case design.Date:
		return []string{one("DateInput", "$gte", "from", ""), one("DateInput", "$lte", "to", "")}
	case design.DateTime, design.CreatedAt:
		return []string{one("DateTimeInput", "$gte", "from", ""), one("DateTimeInput", "$lte", "to", "")}
	case design.Boolean:
		return []string{one("NullableBooleanInput", "", "", "")}
	case design.Enum:
		return []string{one("SelectInput", "", "", " choices={"+v.Key+"Choices}")}
	case design.MultiEnum:
		return []string{one("SelectInput", "$contains", "has", " choices={"+v.Key+"Choices}")}
	case design.ToOne:
		return []string{fmt.Sprintf(`<RelationInput key="%s" source="%s" label=%s reference="%s"%s />`,
			v.Key, v.Key, attribute(title(v.Name)), v.To().Route, searched(v))}
	}
	return nil
}
