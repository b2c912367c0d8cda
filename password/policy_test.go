package password_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gatewright/gate/password"
)

// The beginnings of the reasons.
const (
	short  = "must have at least"
	long   = "must have at most"
	common = "is among the passwords"
	yours  = "is made from your name"
)

// check returns the reasons of a refusal.
func check(t testing.TB, p password.Policy, pw string, context ...string) []string {
	t.Helper()
	err := p.Check(pw, context...)
	if err == nil {
		return nil
	}
	refused, ok := errors.AsType[*password.PolicyError](err)
	if !ok || len(refused.Reasons) == 0 {
		t.Fatalf("Check: %v, want a *PolicyError with reasons", err)
	}
	return refused.Reasons
}

// begin reports whether there are as many reasons as beginnings, and each begins so.
func begin(reasons []string, beginnings ...string) bool {
	return slices.EqualFunc(reasons, beginnings, strings.HasPrefix)
}

func TestPWD02_length(t *testing.T) {
	const emoji = "😀🐘🚲🌵🎻🧊🍋🏔🪁🦉🧵🌋🛶🥨"
	if n := utf8.RuneCountInString(emoji); n != 14 {
		t.Fatalf("%d emoji, want 14", n)
	}
	sentence := strings.Repeat("every tuesday we paint one fence ", 10)
	tests := map[string]struct {
		policy   password.Policy
		password string
		want     []string
	}{
		"14 emoji":           {password.Policy{}, emoji, []string{short}},
		"15 emoji":           {password.Policy{}, emoji + "🪐", nil},
		"14 letters":         {password.Policy{}, "gxwtfqbznkvmrp", []string{short}},
		"15 letters":         {password.Policy{}, "gxwtfqbznkvmrpl", nil},
		"64 characters":      {password.Policy{}, sentence[:64], nil},
		"256 characters":     {password.Policy{}, sentence[:256], nil},
		"257 characters":     {password.Policy{}, sentence[:257], []string{long}},
		"combining marks":    {password.Policy{}, strings.Repeat("e\u0301", 4) + "gxwtfqb", []string{short}},
		"one wide character": {password.Policy{}, "\ufdfa", []string{short}}, // 18 in NFKC
		"empty":              {password.Policy{}, "", []string{short}},
		"second factor, 7":   {password.Policy{MinLength: password.MinRunesSecondFactor}, "gxwtfqb", []string{short}},
		"second factor, 8":   {password.Policy{MinLength: password.MinRunesSecondFactor}, "gxwtfqbz", nil},
		"never below 8":      {password.Policy{MinLength: 1}, "gxwtfqb", []string{short}},
		"negative":           {password.Policy{MinLength: -5}, "gxwtfqb", []string{short}},
		"more than 15":       {password.Policy{MinLength: 20}, "gxwtfqbznkvmrpl", []string{short}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := check(t, tt.policy, tt.password); !begin(got, tt.want...) {
				t.Errorf("reasons %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPWD05_policyRefusesWhatIsNotText(t *testing.T) {
	for _, pw := range []string{"fifteen letters\xff", "fifteen\x00letters", "\xed\xa0\x80"} {
		if err := (password.Policy{}).Check(pw); !errors.Is(err, password.ErrMalformed) {
			t.Errorf("Check(%q) = %v, want ErrMalformed", pw, err)
		}
	}
}

func TestPWD06_commonPasswords(t *testing.T) {
	for _, pw := range []string{
		"passwordpassword", "PasswordPassword", "password12345678", "P@ssw0rdP@ssw0rd", "password!password!",
		"123456789012345", "111111111111111", "000000000000000000", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "121212121212121212",
		"abcdefghijklmno", "abcdefghijklmnopqrstuvwxyz", "9876543210987654", "qwertyuiopasdfgh", "qwertyuiop[]123", "qwertyqwertyqwerty",
		"1q2w3e4r5t6y7u8i", "1qaz2wsx3edc4rfv", "zaq12wsxcde34rfv", "qazwsxedcrfvtgb", "asdfghjkl123456", "poiuytrewqlkjhgf",
		"iloveyouiloveyou", "letmeinletmeinletmein", "administrator123", "adminadminadmin", "welcomewelcome1", "Welcome2026Welcome2026",
		"footballfootball", "trustno1trustno1", "liverpool12345678", "dragondragondragon", "monkeymonkey12345", "thequickbrownfox",
		"supercalifragilisticexpialidocious", "maytheforcebewithyou", "changemechangeme", "secretsecretsecret", "azertyuiopqsdfgh",
		"ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ", "qwertyuioppoiuytrewq", "passworddrowssap1", "january2026january", "!@#$%^&*()!@#$%^&*()",
	} {
		got := check(t, password.Policy{}, pw)
		if !begin(got, common) {
			t.Errorf("Check(%q): reasons %q, want %q", pw, got, common)
		}
	}
}

// What the list holds is recognised, not stored: here some of it is spelt out.
func TestPWD06_listHoldsTenThousandEntries(t *testing.T) {
	words := strings.Fields(`password secret welcome admin letmein dragon monkey football baseball superman princess sunshine
		master shadow flower orange banana cookie chocolate summer winter spring hello iloveyou qwerty test guest login access
		freedom whatever killer hunter ranger batman starwars liverpool chelsea arsenal barcelona mercedes ferrari porsche computer internet
		charlie michael jennifer jessica ashley daniel andrew joshua thomas jordan george william james david`)
	tails := []string{"", "123", "123456", "2026", "!!"}
	entries, seen := 0, make(map[string]bool)
	for _, first := range words {
		for _, second := range words {
			for _, tail := range tails {
				pw := first + second + tail
				if n := len(pw); n < password.MinRunes || n > password.MaxRunes || seen[pw] {
					continue
				}
				seen[pw] = true
				entries++
				if got := check(t, password.Policy{}, pw); !begin(got, common) {
					t.Fatalf("Check(%q): reasons %q, want %q", pw, got, common)
				}
			}
		}
	}
	t.Logf("%d entries", entries)
	if entries < 10_000 {
		t.Errorf("%d entries, want at least 10000", entries)
	}
}

func TestPWD06_contextWords(t *testing.T) {
	policy := password.Policy{Words: []string{"Ｔｒａｔｔｏｒｉａ", "Bella Napoli"}}
	user := []string{"jane.doe@example.com", "Giovanna Do\u0308ring", "Jo Xu Li"}
	tests := map[string]struct {
		password string
		refused  bool
	}{
		"service and year":      {"trattoria2026!!", true},
		"service twice":         {"TrattoriaTrattoria", true},
		"service in leet":       {"Tr4tt0r14-2026!", true},
		"two words":             {"Bella Napoli 2026", true},
		"two words in one":      {"bellanapoli12345", true},
		"own e-mail":            {"jane.doe@example.com", true},
		"e-mail, other case":    {"Jane.Doe@Example.Com", true},
		"e-mail and digits":     {"jane.doe@example.com1", true},
		"local part":            {"janedoejanedoe1", true},
		"name":                  {"giovannadöring1", true},
		"name, decomposed":      {"Giovanna Do\u0308ring", true},
		"name of short parts":   {"joxulijoxulijoxuli", true},
		"name and service":      {"janetrattoria77", true},
		"sentence with service": {"our trattoria burnt down in spring", false},
		"sentence with name":    {"jane sold nine left shoes", false},
		"other person":          {"mario.rossi@elsewhere.org", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var want []string
			if tt.refused {
				want = []string{yours}
			}
			if got := check(t, policy, tt.password, user...); !begin(got, want...) {
				t.Errorf("reasons %q, want %q", got, want)
			}
			if got := check(t, password.Policy{}, tt.password); len(got) != 0 {
				t.Errorf("without the context: reasons %q, want none", got)
			}
		})
	}
}

func TestPWD06_everyReasonAtOnce(t *testing.T) {
	if got := check(t, password.Policy{}, "password1"); !begin(got, short, common) {
		t.Errorf("reasons %q, want %q and %q", got, short, common)
	}
	if got := check(t, password.Policy{}, "jane.doe", "jane.doe"); !begin(got, short, yours) {
		t.Errorf("reasons %q, want %q and %q", got, short, yours)
	}
	err := (password.Policy{}).Check("hunter2")
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows the password: %v", err)
	}
}

func TestPWD06_hostileContext(t *testing.T) {
	hostile := []string{"", "a", "@", "\xff\xff\xff", strings.Repeat("gxwtfqbz ", 1<<17), strings.Repeat("a.", 500), "éé"}
	if got := check(t, password.Policy{Words: hostile}, "gxwtfqbzgxwtfqbz", hostile...); got != nil {
		t.Errorf("reasons %q, want none", got)
	}
}

// NFKC makes several letters of one: the work stays that of the longest password.
func TestPWD06_expandedTextIsJudgedByItsBeginning(t *testing.T) {
	if got := check(t, password.Policy{}, strings.Repeat("\ufb03", 90)+"gxwtfqbznkvmrpl"); !begin(got, common) {
		t.Errorf("reasons %q, want %q", got, common)
	}
}

func TestPWD07_noRulesOfComposition(t *testing.T) {
	for _, pw := range []string{
		"gxwtfqbznkvmrpl", "GXWTFQBZNKVMRPL", "904173625418093", "                  .", "seven wet dogs sing", "SEVEN-WET-DOGS-SING",
		"sieben nasse hunde singen", "семь мокрых собак", "七匹の濡れた犬が裏庭で歌っている", "correct horse battery staple", "T7#kQ9!vZ2@xL4&",
	} {
		want := strings.TrimSpace(pw) != "." // blanks are allowed, but not the same one all over
		if got := check(t, password.Policy{}, pw); (got == nil) != want {
			t.Errorf("Check(%q): reasons %q, want accepted %t", pw, got, want)
		}
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add("passwordpassword", "jane.doe@example.com")
	f.Add("\ufdfa\ufdfa", "\xff")
	f.Add("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaa")
	f.Fuzz(func(t *testing.T, pw, context string) {
		err := (password.Policy{}).Check(pw, context)
		refused, judged := errors.AsType[*password.PolicyError](err)
		switch {
		case err == nil && (utf8.RuneCountInString(pw) < password.MinRunes || password.CheckText(pw) != nil):
			t.Errorf("Check(%q) accepts", pw)
		case err != nil && !judged && !errors.Is(err, password.ErrMalformed):
			t.Errorf("Check(%q) = %v, of no kind", pw, err)
		case judged && len(refused.Reasons) == 0:
			t.Errorf("Check(%q) refuses without a reason", pw)
		}
	})
}

func BenchmarkPolicy(b *testing.B) {
	for name, pw := range map[string]string{
		"common":   "passwordpassword",
		"sentence": "every tuesday we paint one fence",
		"longest":  strings.Repeat("every tuesday we paint one fence ", 8)[:256],
		"worst":    strings.Repeat("a", 256),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_ = (password.Policy{Words: []string{"trattoria"}}).Check(pw, "jane.doe@example.com")
			}
		})
	}
}
