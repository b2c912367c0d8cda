package socketio_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gatewright/gate/realtime/socketio"
	"github.com/gatewright/gate/runtime/realtime"
)

func Example() {
	rt, err := realtime.New(realtime.Config{Origins: []string{"https://app.example.com"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	door, err := socketio.New(rt, socketio.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", door)
	fmt.Println(rt.Close(context.Background()), door.Close())
	// Output: <nil> <nil>
}
