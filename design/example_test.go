package design_test

import (
	"fmt"

	"github.com/gatewright/gate/design"
)

func Example() {
	d, err := design.Parse("gate.yaml", []byte(`
gate: 1
service: {name: shop, module: example.com/shop}
entities:
  OrderItem:
    fields:
      price: {type: decimal, scale: 2, min: 0}
    allow: {view: public}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range d.Entities {
		fmt.Println(e.Name, "at", "/api/"+e.Route, "in", e.Table)
		for _, f := range e.Fields {
			fmt.Println(" ", f.Name, f.Type)
		}
	}
	// Output:
	// OrderItem at /api/order-items in order_items
	//   id id
	//   price decimal
	//   createdAt created-at
	//   updatedAt updated-at
}

func ExampleParse_problems() {
	_, err := design.Parse("gate.yaml", []byte(`gate: 1
service: {name: shop, module: example.com/shop}
roles:
  staff: {permissions: ["create:items"]}
entities:
  Item:
    fields: {name: txet}
    allow: {create: ["create:itmes"], delete: ["delete:items"]}
`))
	fmt.Println(err)
	// Output:
	// gate.yaml:7:20: unknown type "txet", did you mean "text"?
	// gate.yaml:8:22: unknown permission "create:itmes", did you mean "create:items"?
	// gate.yaml:8:48: unknown permission "delete:items"
	//     no role holds it: add it to the permissions of a role
}

func ExamplePlugin_Decode() {
	d, err := design.Parse("gate.yaml", []byte(`gate: 1
service: {name: shop, module: example.com/shop}
plugins:
  auth-jwt: {algorithm: ES256, expiersIn: 1h}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	settings := struct {
		Algorithm string `yaml:"algorithm"`
		ExpiresIn string `yaml:"expiresIn"`
	}{ExpiresIn: "15m"}
	err = d.Plugin("auth-jwt").Decode(&settings)
	fmt.Println(settings.Algorithm, settings.ExpiresIn)
	fmt.Println(err)
	// Output:
	// ES256 15m
	// gate.yaml:4:32: unknown setting "expiersIn" of plugin auth-jwt, did you mean "expiresIn"?
}

func ExampleEnablePlugin() {
	src := []byte(`gate: 1
service: {name: shop, module: example.com/shop}
plugins:
  auth-core: {entity: User} # the accounts
`)
	src, err := design.EnablePlugin(src, "auth-core", false)
	fmt.Print(string(src), err)
	// Output:
	// gate: 1
	// service: {name: shop, module: example.com/shop}
	// plugins:
	//   auth-core: {entity: User, enabled: false} # the accounts
	// <nil>
}
