package password_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatewright/gate/password"
)

// TestPWD06_eightCharacters spells out what a list of common passwords of eight
// characters and more has: where a second factor allows short ones, these are
// refused.
func TestPWD06_eightCharacters(t *testing.T) {
	policy := password.Policy{MinLength: password.MinRunesSecondFactor}
	for pw := range strings.FieldsSeq(`
		password 12345678 123456789 1234567890 iloveyou princess sunshine football baseball superman trustno1 password1 qwertyui qwerty123
		1qaz2wsx q1w2e3r4 1q2w3e4r asdfghjk zxcvbnm1 abcd1234 aa123456 11111111 88888888 00000000 12341234 87654321 11223344 12121212
		michelle jennifer computer starwars corvette mercedes midnight victoria blink182 letmein1 P@ssw0rd bigdaddy scooter1 hello123
		mustang1 whatever maverick steelers slipknot qwer1234 asdf1234 zaq12wsx pass1234 test1234 admin123 welcome1 changeme samsung1
		internet liverpool snickers marlboro cheyenne gangster courtney Summer2026 Winter25! Liverpool1! Charlie1 passwort schatz123
		1qazxsw2 qazwsx12 asdasd123 passw0rd monkey12 dragon99 shadow01 abc12345 a1b2c3d4 19871987 20262026 01012000`) {
		if got := check(t, policy, pw); !begin(got, common) {
			t.Errorf("Check(%q): reasons %q, want %q", pw, got, common)
		}
	}
	words := strings.Fields(`password secret welcome letmein dragon monkey football baseball superman princess sunshine master shadow flower orange banana
		cookie chocolate summer winter spring autumn hello iloveyou qwerty test guest login access freedom whatever killer hunter ranger batman starwars
		liverpool chelsea arsenal barcelona mercedes ferrari porsche computer internet charlie michael jennifer jessica ashley daniel andrew joshua
		thomas jordan george william james david midnight victoria maverick courtney patricia bailey buster pepper ginger cowboy yankee eagles tigers`)
	var tails []string
	for year := 1960; year <= 2030; year++ {
		tails = append(tails, fmt.Sprint(year))
	}
	for n := range 100 {
		tails = append(tails, fmt.Sprintf("%02d!", n))
	}
	tails = append(tails, "123", "1234", "12345", "!!!", "2026!", "abc", "xyz", "007")
	seen := make(map[string]bool)
	for _, word := range words {
		for _, tail := range tails {
			pw := strings.ToUpper(word[:1]) + word[1:] + tail
			if len(pw) < password.MinRunesSecondFactor || seen[pw] {
				continue
			}
			seen[pw] = true
			if got := check(t, policy, pw); !begin(got, common) {
				t.Fatalf("Check(%q): reasons %q, want %q", pw, got, common)
			}
		}
	}
	t.Logf("%d entries", len(seen))
	if len(seen) < 10_000 {
		t.Errorf("%d entries, want at least 10000", len(seen))
	}
	for _, pw := range []string{"gxwtfqbz", "T7#kQ9!v", "vexwomby", "two odd kiwis"} {
		if got := check(t, policy, pw); got != nil {
			t.Errorf("Check(%q): reasons %q, want none", pw, got)
		}
	}
}
