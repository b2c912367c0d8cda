package app_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// TestAttachments: customers and agents share files of a ticket, and keep from each
// other what is not for them.
func TestAttachments(t *testing.T) {
	d := open(t)
	path, ticket := d.ticket("The printer burns")
	attach := func(who, more string) string {
		t.Helper()
		row := d.call(who, "POST", "/api/attachments", fmt.Sprintf(`{"ticketId":%q%s}`, ticket["id"], more), 201)
		return fmt.Sprint("/api/attachments/", row["id"])
	}
	photo := attach("carla", "") + "/file"
	d.call("carla", "GET", photo, "", 404)
	d.call("carla", "PUT", photo+"?name=printer.txt", "smoke", 200)
	d.call("bert", "GET", photo, "", 404) // of another organization
	res := d.send("adam", "GET", photo, "")
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); err != nil || string(got) != "smoke" || res.Header.Get("Content-Disposition") != "attachment; filename=printer.txt" {
		t.Errorf("the agent gets %q, %v: %v", got, err, res.Header)
	}
	secret := attach("adam", `,"internal":true`) + "/file"
	d.call("adam", "PUT", secret, "they pay late", 200)
	d.call("carla", "GET", secret, "", 404)
	d.call("carla", "PUT", secret, "we do not", 404)
	d.call("carla", "DELETE", secret, "", 404)

	answer := d.call("carla", "POST", "/api/graphql", fmt.Sprintf(`{"query":"{ ticket(id: \"%s\") { attachments { file } } }"}`, ticket["id"]), 200)
	if got := text(t, answer); !strings.Contains(got, `"url":"`+photo+`"`) || strings.Contains(got, secret) {
		t.Errorf("GraphQL answers %s", got)
	}
	d.call("lea", "DELETE", path, "", 200) // and what belongs to it
	d.call("carla", "GET", photo, "", 404)
	d.call("lea", "POST", path+"/restore", "", 200)
	d.call("adam", "GET", strings.TrimSuffix(photo, "/file"), "", 200)
	again := d.send("adam", "GET", photo, "")
	defer again.Body.Close()
	if got, err := io.ReadAll(again.Body); err != nil || string(got) != "smoke" {
		t.Errorf("the ticket is back, and its file is %q, %v", got, err)
	}
}
