package login_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/login"
)

func ExamplePages_Login() {
	pages, err := login.New(login.Config{Name: "Orchard Kitchen", Accent: login.Accent{Light: "#7a1f5c"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/u/login?state=abc", nil)
	r.Header.Set("Accept-Language", "de-CH, de;q=0.9")
	err = pages.Login(w, r, 200, login.CredentialsPage{
		Frame: login.Frame{Host: "id.kitchen.example", Application: "Menu Board", Targets: []string{"https://board.example/callback"}},
		Form:  login.Form{Action: "/u/login?state=abc", State: "abc", CSRF: "token"},
	})
	_, heading, _ := strings.Cut(w.Body.String(), "<h1>")
	heading, _, _ = strings.Cut(heading, "</h1>")
	fmt.Println(w.Code, heading, err)
	// Output: 200 Anmelden <nil>
}

func ExampleMails_Write() {
	mails, err := login.NewMails(login.MailConfig{Name: "Orchard Kitchen"})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := mails.Write(login.MailVerify, "en", login.Letter{
		Account: "maria@kitchen.example", Link: "https://id.kitchen.example/u/verify?ticket=abc", Life: 24 * time.Hour,
	})
	fmt.Println(m.Subject, err)
	// Output: Orchard Kitchen: confirm your e-mail address <nil>
}

func ExampleNewPalette() {
	p, err := login.NewPalette("#ffd400", false)
	fmt.Println(p.On, p.Link, err)
	// Output: #000000 #816a00 <nil>
}
