package idp

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Texts of the Management API, prompts/{prompt}/custom-text/{language}, are those
// of Auth0's pages. Ours are other pages with other sentences: these are the
// texts that have a place in them. All others are kept, and have no effect.

// A customText says which messages of ours a text replaces. A link is the key of
// the words that are linked, which Auth0 has apart: the text comes before them.
type customText struct {
	prompt, screen, key string
	messages            []string
	link, to            string
}

func customTexts() []customText {
	one := func(prompt, screen, key string, messages ...string) customText {
		return customText{prompt: prompt, screen: screen, key: key, messages: messages}
	}
	return []customText{
		one("login", "login", "title", "login.heading"),
		one("login", "login", "description", "login.lead"),
		one("login", "login", "buttonText", "login.submit"),
		one("login", "login", "forgotPasswordText", "login.forgot"),
		one("login", "login", "separatorText", "way.or"),
		one("login", "login", "federatedConnectionButtonText", "way.continue"),
		one("login", "login", "usernamePlaceholder", "field.identifier"),
		one("login", "login", "emailPlaceholder", "field.email"),
		one("login", "login", "passwordPlaceholder", "field.password"),
		one("login", "login", "wrong-credentials", "problem.wrong_credentials", "problem.wrong_credentials.names"),
		one("login", "login", "no-password", "problem.missing_password"),
		one("login", "login", "no-username", "problem.missing_identifier"),
		one("login", "login", "password-breached", "problem.leaked_at_login"),
		{
			prompt: "login", screen: "login", key: "signupActionText", messages: []string{"login.signup"},
			link: "signupActionLinkText", to: "signup",
		},
		one("signup", "signup", "title", "signup.heading"),
		one("signup", "signup", "description", "signup.lead"),
		one("signup", "signup", "buttonText", "signup.submit"),
		one("signup", "signup", "usernamePlaceholder", "field.username"),
		one("signup", "signup", "invalid-email-format", "problem.invalid_email"),
		one("signup", "signup", "username-taken", "problem.username_taken"),
		{
			prompt: "signup", screen: "signup", key: "loginActionText", messages: []string{"signup.login"},
			link: "loginActionLinkText", to: "login",
		},
		one("reset-password", "reset-password-request", "title", "forgot.heading"),
		one("reset-password", "reset-password-request", "description", "forgot.lead", "forgot.lead.life"),
		one("reset-password", "reset-password-request", "buttonText", "forgot.submit"),
		one("reset-password", "reset-password-email", "title", "forgot-sent.heading"),
		one("reset-password", "reset-password-email", "emailDescription", "forgot-sent.lead"),
		one("reset-password", "reset-password-email", "resendLinkText", "forgot-sent.submit"),
		one("reset-password", "reset-password", "title", "reset.heading"),
		one("reset-password", "reset-password", "description", "reset.lead"),
		one("reset-password", "reset-password", "buttonText", "reset.submit"),
		one("reset-password", "reset-password-success", "eventTitle", "reset-done.heading"),
		one("reset-password", "reset-password-success", "description", "reset-done.lead"),
		one("consent", "consent", "title", "consent.heading"),
		one("consent", "consent", "acceptButtonText", "consent.allow"),
		one("consent", "consent", "declineButtonText", "consent.deny"),
		one("email-verification", "email-verification-result", "verifiedTitle", "verify-email-done.heading"),
		one("email-verification", "email-verification-result", "verifiedDescription", "verify-email-done.lead"),
		one("logout", "logout", "title", "logout-confirm.heading"),
		one("logout", "logout", "description", "logout-confirm.lead"),
		one("logout", "logout", "acceptButtonText", "logout-confirm.submit"),
		one("logout", "logout", "declineButtonText", "logout-confirm.stay"),
		one("logout", "logout-complete", "title", "logged-out.heading"),
		one("logout", "logout-complete", "description", "logged-out.lead"),
	}
}

// A message is a text of ours that is replaced.
type message struct {
	document, language, key, text string
}

// customMessages returns what the documents of a tenant replace, and what is
// wrong with those that cannot be used.
func customMessages(documents map[string]json.RawMessage, languages []string) (list []message, problems []error) {
	for _, name := range slices.Sorted(maps.Keys(documents)) {
		prompt, language, ok := strings.Cut(strings.TrimPrefix(name, "prompts/"), "/custom-text/")
		if !ok || !strings.HasPrefix(name, "prompts/") || !slices.Contains(languages, language) {
			continue
		}
		var screens map[string]json.RawMessage
		if err := json.Unmarshal(documents[name], &screens); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
			continue
		}
		for _, c := range customTexts() {
			if c.prompt != prompt {
				continue
			}
			var texts map[string]any
			if raw, ok := screens[c.screen]; ok {
				if err := json.Unmarshal(raw, &texts); err != nil {
					problems = append(problems, fmt.Errorf("%s: screen %s: %w", name, c.screen, err))
					continue
				}
			}
			text, err := c.text(texts)
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", name, err))
			} else if text != "" {
				for _, key := range c.messages {
					list = append(list, message{name, language, key, text})
				}
			}
		}
	}
	return list, problems
}

// text returns the text of a screen in our marks, empty if there is none.
func (c customText) text(texts map[string]any) (string, error) {
	text, _ := texts[c.key].(string)
	linked, _ := texts[c.link].(string)
	if c.link != "" && linked == "" {
		return "", nil // words without a link lead nowhere
	}
	if c.link != "" {
		text = strings.TrimSpace(text + " [" + strings.NewReplacer("[", "", "]", "").Replace(linked) + "](" + c.to + ")")
	}
	return ourSlots(text)
}

// ourSlots returns a text with our slots in place of Auth0's variables.
func ourSlots(text string) (string, error) {
	text = strings.NewReplacer(
		"${clientName}", "{application}", "${companyName}", "{tenant}", "${connectionName}", "{provider}", "${email}", "{account}",
	).Replace(text)
	if _, variable, found := strings.Cut(text, "${"); found {
		variable, _, _ = strings.Cut(variable, "}")
		return "", fmt.Errorf("there is no variable ${%s}", variable)
	}
	return text, nil
}
