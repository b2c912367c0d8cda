package gen_test

import (
	"testing"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
	"github.com/gatewright/gate/runtime/model"
)

// everything is a design with every type of field, every kind of id and every
// plugin.
const everything = `gate: 1
service: {name: shop, module: example.com/shop, description: "All there is.\nIn two lines."}
roles:
  customer: {default: true}
  clerk: {permissions: ["create:orders", "update:orders"]}
plugins:
  auth-core: {entity: User}
  auth-jwt: {expiresIn: 1h, issuer: shop.example, audience: api.shop.example, refresh: true, rotateKeys: 2160h, encrypted: true}
  auth-oidc: {issuer: "https://shop.eu.auth0.com/", audience: "https://api.shop.example", type: JWT, clientId: shop-web, rolesClaim: "https://shop.example/roles"}
  auth-session: {expiresIn: 8h}
  auth-basic: {realm: Shop}
  auth-apikey: {environment: test}
  auth-letters: {}
  realtime: {}
entities:
  Customer:
    plural: Customers
    fields:
      id: {type: id, kind: serial}
      name: {type: text, required: true, minLength: 2, maxLength: 80, searchable: true, description: "What to call\nthem."}
    allow: {view: public, list: signed-in}
  Order:
    description: What a customer wants.
    fields:
      id: {type: id, kind: cuid2}
      item: {type: relation, to: OrderItem, inverse: orders}
      customer: {type: relation, to: Customer, required: true, onDelete: cascade}
      buyer: {type: relation, to: User, onDelete: set-null}
      note: longtext
      link: url
      contact: email
      count: {type: integer, required: true, default: 1, min: 1, max: 99}
      price: {type: decimal, precision: 12, scale: 3, required: true, min: 0.5}
      weight: {type: float, default: 1.5}
      paid: {type: boolean, required: true, default: false}
      status: {type: enum, values: [open, in-progress, done], required: true, default: open}
      due: {type: date, min: 2020-01-01, max: 2099-12-31}
      days: {type: multi-enum, values: [mon, {name: by-night, label: "By night </script>"}, sun], required: true, default: [mon]}
      extras: {type: multi-enum, values: [bag, cup]}
      place: geo
      manual: {type: file, maxSize: 20MB, types: [application/pdf, image/*]}
      ticket: {type: text, pattern: "[A-Z]{2}-[0-9]{4}", minLength: 7}
      shipped: datetime
      extra: json
    owner: buyer
    allow:
      view: [owner, clerk]
      list: [owner, clerk]
      create: ["create:orders"]
      update: [owner, "update:orders"]
    fieldRules:
      note: {view: [clerk], update: [clerk]}
  OrderItem:
    fields:
      id: {type: id, kind: ulid}
      parent: {type: relation, to: OrderItem, inverse: children}
      goesWith: {type: relation, to: OrderItem, many: true, inverse: wentWith, through: pairings}
      wishes: {type: relation, to: Customer, many: true, inverse: wished}
      code: {type: text, unique: true, required: true}
      owner: email
    unique: [[parent, owner]]
    indexes: [[owner, code]]
    allow: {view: public, list: public}
  User:
    fields:
      name: username
      email: {type: email, unique: true}
      password: password
      roles: roles
    owner: id
    allow: {view: owner, create: public}
`

func parse(t testing.TB, src string) *design.Design {
	t.Helper()
	d, err := design.Parse("gate.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// generate generates a development build.
func generate(t testing.TB, d *design.Design, opts gen.Options) gen.Files {
	t.Helper()
	if opts.Replace == "" && opts.GateVersion == "" {
		opts.Replace = "/gate"
	}
	files, err := gen.Generate(d, opts, standard.Plugins()...)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// What a design may have, a service can hold.
func TestMaxFields(t *testing.T) {
	if design.MaxFields > model.MaxFields {
		t.Errorf("a design has up to %d fields in an entity, a service holds %d", design.MaxFields, model.MaxFields)
	}
}
