package password

import (
	"slices"
	"strings"
	"sync"
)

// The list of common passwords is not stored but recognised. Common passwords of
// fifteen characters and more are short ones made longer: a common word twice, two
// or three of them, a word and a year, a row of keys and back, one key held down.
// guessable looks for the cheapest way to put the password together from such
// parts, where the cost of a part is, in tenths of a bit, what an attacker has to
// guess to name it. Below guessBits the password counts as one of the list, which
// so has some 67 million entries. What is not a known part is paid for letter by
// letter, so no sentence of other words and no random text comes near.
const (
	guessBits  = 260
	leastGuess = 6  // what is shorter has another reason to be refused
	wordCost   = 85 // one of the words below, some 600
	leetCost   = 10 // once for a word with digits or signs for letters
	walkCost   = 60 // keys in a row, forwards or backwards
	copyCost   = 40 // a piece that was there before
	runCost    = 60 // alphabet or counting, up or down
	yearCost   = 70
	knownCost  = 20 // a word from the context
	digitCost  = 33
	letterCost = 47
	markCost   = 40 // the signs that most people take
	signCost   = 50
	otherCost  = 70 // beyond ASCII
)

// commonWords are what passwords are commonly built from, in lower case.
const commonWords = `
password passwort passw0rd motdepasse contrasena contraseña senha parola wachtwoord haslo heslo lozinka
pass word passcode passphrase secret geheim supersecret mypassword yourpassword newpassword oldpassword
changeme change letmein letme trustno trustnoone opensesame sesame access login logon logmein signin
welcome willkommen bienvenue bienvenido hello hallo hola bonjour goodbye thankyou please
admin administrator administrador root toor superuser super user username guest test tester testing
demo sample example default temp temporary master manager system server service servicio public private
account office company computer laptop desktop internet google facebook youtube twitter instagram
linkedin microsoft windows apple macbook iphone android samsung nokia sony playstation nintendo xbox
minecraft pokemon pikachu fortnite counterstrike warcraft starcraft diablo zelda mario sonic
iloveyou iloveu loveyou ilove love lovely lover loveme forever always together family mother father
brother sister friend friends bestfriend baby babygirl babyboy princess prince queen king angel angels
sweetheart sweetie sweet honey sugar cookie chocolate cheese banana orange cherry strawberry pepper
monkey dragon tiger lion eagle falcon wolf bear panda kitty kitten puppy doggy horse dolphin butterfly
spider snoopy garfield mickey minnie donald disney barbie batman superman spiderman ironman
starwars jedi skywalker matrix gandalf hobbit hogwarts harrypotter naruto
football fussball futbol soccer baseball basketball hockey tennis golf cricket rugby boxing
liverpool arsenal chelsea manchester barcelona realmadrid juventus bayern dortmund celtic rangers
yankees cowboys steelers lakers ferrari porsche mercedes toyota honda mustang corvette harley
michael jennifer jessica ashley michelle daniel andrew joshua matthew anthony robert thomas jordan
charlie george william james david john richard joseph christopher nicole amanda samantha elizabeth
maria anna alexander alexandra martin stefan peter andreas sebastian carlos alejandro
summer winter spring autumn fall sommer monday tuesday wednesday thursday friday saturday sunday
january february march april june july august september october november december
london paris berlin newyork california texas florida america england germany france canada mexico brasil
red blue green black white silver golden purple orange pink sunshine rainbow flower sunflower
diamond crystal shadow ghost killer hunter ranger thunder lightning phoenix freedom liberty peace
jesus jesuschrist christ heaven blessed faith hope god godisgood buddha
money dollar lucky winner happy smile music guitar rockstar metallica nirvana eminem beatles
whatever nothing something anything unknown nobody biteme fuckyou
qazwsx asdf qwerty qwertz azerty abc abcd xyz lol
midnight victoria maverick courtney patricia margaret samson rachel heather benjamin brandon austin taylor justin
samuel patrick steven edward dennis oliver jack harry emily sophie chloe laura sarah hannah lauren megan rebecca
natalie vanessa veronica gabriel rafael miguel fernando francisco antonio isabella valentina camila sophia mohammed
scooter snickers marlboro gangster blink rockyou slipknot metal linkin tupac beyonce rihanna justinbieber
bigdaddy bigboss butthead cheyenne houston dallas chicago boston denver phoenix arizona jackson madison brooklyn
broncos packers patriots raiders redsox celtics bulls knicks giants eagles dolphins tigers lions panthers
harvey buster bailey maggie sparky rocky lucky duke max coco tinkerbell hellokitty pooh bunny teddy
turtle rabbit penguin elephant leopard panther cobra scorpion viper raven hawk phantom demon devil satan
warrior knight soldier sniper marine navy army pilot captain doctor nurse teacher student college school
coffee cocacola pepsi vodka whisky tequila beer pizza burger banane apfel kaffee pasta spaghetti
camaro chevrolet chevy ford audi volkswagen golfgti yamaha suzuki kawasaki ducati harleydavidson
purple yellow brown gray violet indigo magenta turquoise emerald ruby sapphire pearl
galaxy cosmos planet saturn jupiter mercury apollo voyager enterprise startrek spock
hunter2 abc123 qwe asd zxc aaa bbb ccc asdasd qweqwe zxczxc fuck shit bitch sexy hottie cutie
mexico1 espana italia ireland scotland australia brazil argentina colombia venezuela portugal turkey
schatz liebe hase mausi bella ciao amore tesoro stella juliette doudou soleil bonbon chouchou
natasha tatiana dmitri sergey vladimir ivan olga svetlana katarina jasmine destiny precious
december monkeys cowboy yankee steeler laker buttercup peaches pumpkin ginger cinnamon vanilla brownie
supercalifragilisticexpialidocious tobeornottobe thequickbrownfox maytheforcebewithyou
onceuponatime whatisyourname mynameis idontknow iamthebest iamgod imissyou ihateyou
`

// keyWalks are ways over the keyboard.
const keyWalks = `
qwertyuiop asdfghjkl zxcvbnm qwertzuiop yxcvbnm azertyuiop qsdfghjklm wxcvbn qwertyuiopasdfghjklzxcvbnm
1234567890 0987654321 1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p qazwsxedcrfvtgbyhnujmikolp
1q2w3e4r5t6y7u8i9o0p q1w2e3r4t5y6u7i8o9p0 zaq12wsxcde34rfvbgt56yhnmju78ik zaq1xsw2cde3vfr4bgt5nhy6mju7
1a2b3c4d5e6f7g8h9i 1z2x3c4v5b6n7m a1s2d3f4g5h6j7k8l9 a1b2c3d4e5f6g7h8i9 147258369 159753 112233445566778899 !@#$%^&*() !"$%&/()=
`

// wordsByLetter are the common words by their first letter.
var wordsByLetter = sync.OnceValue(func() map[rune][]string {
	index := make(map[rune][]string)
	for word := range strings.FieldsSeq(commonWords) {
		first := rune(word[0])
		index[first] = append(index[first], word)
	}
	return index
})

// beginningWith returns the common words that the text may begin with.
func beginningWith(first rune) []string {
	index := wordsByLetter()
	if first >= 'a' && first <= 'z' {
		return index[first]
	}
	list := index[first]
	for letter := 'a'; letter <= 'z'; letter++ {
		if looksLike(first, letter) {
			list = append(slices.Clip(list), index[letter]...)
		}
	}
	return list
}

// guessable reports whether the text, in lower case, is put together from common
// parts and the words given.
func guessable(text []rune, known []string) bool {
	if len(text) < leastGuess {
		return false
	}
	text = text[:min(len(text), MaxRunes)] // NFKC may have made it longer
	walks := strings.Fields(keyWalks)
	copies := newCopies(text)
	best := make([]int, len(text)+1) // the least cost of the text from i on
	for i := len(text) - 1; i >= 0; i-- {
		rest := text[i:]
		best[i] = best[i+1] + single(rest[0])
		reach := func(n, cost int) { best[i] = min(best[i], best[i+n]+cost) }
		for _, word := range beginningWith(rest[0]) {
			if n, leet := spelled(rest, word); n > 0 {
				reach(n, wordCost+leet)
			}
		}
		for _, word := range known {
			if n, leet := spelled(rest, word); n > 0 {
				reach(n, knownCost+leet)
			}
		}
		for n := longestWalk(rest, walks); n >= 3; n-- {
			reach(n, walkCost)
		}
		for n := runLength(rest); n >= 3; n-- {
			reach(n, runCost)
		}
		if isYear(rest) {
			reach(4, yearCost)
		}
		for n := copies.longest(i); n >= 1; n-- {
			reach(n, copyCost)
		}
	}
	return best[0] < guessBits
}

// single is the cost of a character that belongs to nothing.
func single(r rune) int {
	switch {
	case r >= '0' && r <= '9':
		return digitCost
	case r >= 'a' && r <= 'z':
		return letterCost
	case strings.ContainsRune(" !.-_@#*", r):
		return markCost
	case r < 0x80:
		return signCost
	}
	return otherCost
}

// spelled returns the length of the word when the text begins with it, perhaps
// with digits and signs for letters, and what those cost.
func spelled(text []rune, word string) (n, leet int) {
	if first := text[0]; first >= 'a' && first <= 'z' && first != rune(word[0]) {
		return 0, 0 // the short way out for most words: letters stand for nothing else
	}
	for _, r := range word {
		switch {
		case n == len(text):
			return 0, 0
		case text[n] == r:
		case looksLike(text[n], r):
			leet = leetCost
		default:
			return 0, 0
		}
		n++
	}
	return n, leet
}

// looksLike reports whether a sign is written for a letter.
func looksLike(sign, letter rune) bool {
	switch letter {
	case 'a':
		return sign == '4' || sign == '@'
	case 'b':
		return sign == '8'
	case 'e':
		return sign == '3' || sign == '€'
	case 'g':
		return sign == '9' || sign == '6'
	case 'i':
		return sign == '1' || sign == '!' || sign == '|'
	case 'l':
		return sign == '1' || sign == '!' || sign == '|'
	case 'o':
		return sign == '0'
	case 's':
		return sign == '5' || sign == '$'
	case 't':
		return sign == '7' || sign == '+'
	case 'z':
		return sign == '2'
	}
	return false
}

// longestWalk returns how far the text follows one of the walks, in either
// direction, from wherever on it.
func longestWalk(text []rune, walks []string) int {
	longest := 0
	for _, walk := range walks {
		for start := range len(walk) {
			if rune(walk[start]) != text[0] {
				continue
			}
			n := 0
			for n < len(text) && start+n < len(walk) && text[n] == rune(walk[start+n]) {
				n++
			}
			longest = max(longest, n)
			for n = 0; n < len(text) && n <= start && text[n] == rune(walk[start-n]); {
				n++
			}
			longest = max(longest, n)
		}
	}
	return longest
}

// runLength returns how far the text counts up or down, as abcd and 4321 do.
func runLength(text []rune) int {
	if len(text) < 2 {
		return len(text)
	}
	step := text[1] - text[0]
	if step != 1 && step != -1 {
		return 1
	}
	n := 2
	for n < len(text) && text[n]-text[n-1] == step {
		n++
	}
	return n
}

// isYear reports whether the text begins with a year of the last or this century.
func isYear(text []rune) bool {
	if len(text) < 4 {
		return false
	}
	century := string(text[:2])
	return (century == "19" || century == "20") && isDigit(text[2]) && isDigit(text[3])
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// copies finds pieces of a text that were there before.
type copies struct {
	text []rune
	// How far the text goes on at i as it does at each earlier place, forwards or,
	// as in a palindrome, backwards. Each row follows from that of i+1.
	forwards, backwards []int
}

func newCopies(text []rune) *copies {
	return &copies{text: text, forwards: make([]int, len(text)+1), backwards: make([]int, len(text)+1)}
}

// longest returns the length of the longest piece at i that was there before. It
// is asked for every i, from the last to the first.
func (c *copies) longest(i int) int {
	longest := 0
	for j := range i {
		if c.text[j] == c.text[i] {
			c.forwards[j] = c.forwards[j+1] + 1
		} else {
			c.forwards[j] = 0
		}
		longest = max(longest, c.forwards[j])
	}
	for j := i - 1; j >= 0; j-- {
		switch {
		case c.text[j] != c.text[i]:
			c.backwards[j] = 0
		case j == 0:
			c.backwards[j] = 1
		default:
			c.backwards[j] = c.backwards[j-1] + 1
		}
		longest = max(longest, c.backwards[j])
	}
	return longest
}
