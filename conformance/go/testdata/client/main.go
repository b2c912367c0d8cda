// Command client is what somebody writes who uses the restaurant from Go: the
// file client.go beside it is made by oapi-codegen.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"slices"
)

func main() {
	if err := use(context.Background(), os.Args[1], []byte(os.Args[2])); err != nil {
		log.Fatal(err)
	}
}

func use(ctx context.Context, url string, admin []byte) error {
	var who struct{ Email, Password string }
	if err := json.Unmarshal(admin, &who); err != nil {
		return err
	}
	api, err := NewClientWithResponses(url)
	if err != nil {
		return err
	}
	var login LoginJSONRequestBody
	if err := login.FromAuthCredentials0(AuthCredentials0{Strategy: "local", Email: who.Email, Password: who.Password}); err != nil {
		return err
	}
	in, err := api.LoginWithResponse(ctx, login)
	if err != nil || in.JSON201 == nil {
		return fmt.Errorf("log in: %w", failed(in.Body, err))
	}
	bearer := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+in.JSON201.AccessToken)
		return nil
	}

	var soup Item
	for _, item := range []CreateItem{{Name: "Soup", Price: 4.5}, {Name: "Salad", Price: 12345678.25}, {Name: "Steak", Price: 24}} {
		var body CreateItemJSONRequestBody
		if err := body.FromCreateItem(item); err != nil {
			return err
		}
		if stranger, err := api.CreateItemWithResponse(ctx, nil, body); err != nil || stranger.JSON401 == nil || stranger.JSON401.Name != "NotAuthenticated" {
			return fmt.Errorf("create without a token: %w", failed(stranger.Body, err))
		}
		once := &CreateItemParams{IdempotencyKey: &item.Name}
		made, err := api.CreateItemWithResponse(ctx, once, body, bearer)
		if err != nil || made.JSON201 == nil {
			return fmt.Errorf("create: %w", failed(made.Body, err))
		}
		row, err := made.JSON201.AsItem()
		if err != nil || row.Name != item.Name || row.Price != item.Price || row.Description != nil {
			return fmt.Errorf("create: %+v: %w", row, failed(made.Body, err))
		}
		again, err := api.CreateItemWithResponse(ctx, once, body, bearer)
		if err != nil || !bytes.Equal(again.Body, made.Body) {
			return fmt.Errorf("create once more with the same key: %w", failed(again.Body, err))
		}
		if row.Name == "Soup" {
			soup = row
		}
	}
	if err := list(ctx, api); err != nil {
		return fmt.Errorf("list: %w", err)
	}

	price := 5.0
	patched, err := api.PatchItemWithResponse(ctx, *soup.Id, ItemPatch{Price: &price}, bearer)
	if err != nil || patched.JSON200 == nil || patched.JSON200.Price != price {
		return fmt.Errorf("patch: %w", failed(patched.Body, err))
	}
	if gone, err := api.DeleteItemWithResponse(ctx, *soup.Id, bearer); err != nil || gone.JSON200 == nil {
		return fmt.Errorf("delete: %w", failed(gone.Body, err))
	}
	if got, err := api.GetItemWithResponse(ctx, *soup.Id, nil); err != nil || got.JSON404 == nil || got.JSON404.ClassName != "not-found" {
		return fmt.Errorf("get what is gone: %w", failed(got.Body, err))
	}
	me, err := api.MeWithResponse(ctx, bearer)
	if err != nil || me.JSON200 == nil || string(me.JSON200.Email) != who.Email {
		return fmt.Errorf("me: %w", failed(me.Body, err))
	}
	return nil
}

// list asks for rows with every kind of parameter.
func list(ctx context.Context, api *ClientWithResponses) error {
	least, few := 4.5, 2
	var price FilterNumber
	if err := price.FromFilterNumber1(FilterNumber1{Gte: &least, Nin: &[]float64{24, 25}}); err != nil {
		return err
	}
	params := &ListItemsParams{Price: &price, Limit: &few, Select: &[]ListItemsParamsSelect{"id", "name", "price"}}
	descending := ListItemsParamsSortPrice(-1)
	params.Sort = &struct {
		CreatedAt   *ListItemsParamsSortCreatedAt   `json:"createdAt,omitempty"`
		Description *ListItemsParamsSortDescription `json:"description,omitempty"`
		Id          *ListItemsParamsSortId          `json:"id,omitempty"`
		Image       *ListItemsParamsSortImage       `json:"image,omitempty"`
		Name        *ListItemsParamsSortName        `json:"name,omitempty"`
		Price       *ListItemsParamsSortPrice       `json:"price,omitempty"`
		UpdatedAt   *ListItemsParamsSortUpdatedAt   `json:"updatedAt,omitempty"`
	}{Price: &descending}
	page, err := api.ListItemsWithResponse(ctx, params)
	if err != nil || page.JSON200 == nil {
		return failed(page.Body, err)
	}
	var names []string
	for _, item := range page.JSON200.Data {
		names = append(names, item.Name)
	}
	if page.JSON200.Total != 2 || !slices.Equal(names, []string{"Salad", "Soup"}) {
		return failed(page.Body, nil)
	}
	return nil
}

// failed returns what went wrong: err, or what was answered.
func failed(body []byte, err error) error {
	if err != nil {
		return err
	}
	return errors.New(string(body))
}
