package strictjson_test

import (
	"fmt"

	"github.com/gatewright/gate/internal/strictjson"
)

func Example() {
	_, err := strictjson.Decode([]byte(`{"role":"guest","Role":"admin"}`), 0)
	fmt.Println(err)
	members, _ := strictjson.Members([]byte(`{"price": 9.50}`))
	fmt.Printf("%s: %s\n", members[0].Key, members[0].Value)
	// Output:
	// member "Role" is there twice at byte 16
	// price: 9.50
}
