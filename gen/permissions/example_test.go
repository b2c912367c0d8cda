package permissions_test

import (
	"fmt"
	"os"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen/permissions"
)

func Example() {
	shop := func(deletes string) *permissions.Matrix {
		d, err := design.Parse("gate.yaml", []byte(`
gate: 1
service: {name: shop, module: example.com/shop}
roles: {customer: {default: true}, clerk: {}}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
entities:
  User:
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    allow: {create: public}
  Order:
    fields: {total: integer, buyer: {type: relation, to: User}}
    owner: buyer
    allow: {view: [owner, clerk], create: customer, delete: [`+deletes+`]}
`))
		if err != nil {
			panic(err)
		}
		m, err := permissions.Of(d)
		if err != nil {
			panic(err)
		}
		return m
	}
	before, after := shop("clerk"), shop("clerk, customer")
	for _, c := range permissions.Compare(before, after) {
		fmt.Println(c.Text)
	}
	if err := after.Only("Order").Table(os.Stdout, permissions.Look{}); err != nil {
		panic(err)
	}
	// Output:
	// customers can now delete their own orders
	//   shop   1 entity, 2 roles
	//
	//   customer      no permissions; every new account holds it
	//   clerk         no permissions
	//
	//   Order                               view    list    create  update  delete
	//   owned by buyer
	//
	//   anonymous                           –       –       –       –       –
	//
	//   signed-in                           own     –       –       –       –
	//     every field                       own     –       –       –
	//
	//   customer                            own     –       yes     –       own
	//     total                             own     –       yes     –
	//     id, buyer, createdAt, updatedAt   own     –       –       –
	//
	//   clerk                               all     –       –       –       all
	//     every field                       all     –       –       –
	//
	//   by rule   view     owner or clerk
	//             list     nobody
	//             create   customer
	//             update   nobody
	//             delete   clerk or customer
	//
	//   own: rows of one's own; yes: new rows; –: none
}
