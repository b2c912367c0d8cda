package markup_test

import (
	"testing"

	"github.com/gatewright/gate/internal/markup"
)

func TestEscapes(t *testing.T) {
	const evil = `"><script>alert('1')</script>&`
	got := markup.El("p", markup.Text(evil), markup.Attr("title", evil), markup.Flag("hidden")).String()
	want := `<p title="&#34;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;" hidden>&#34;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;</p>`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLinksStay(t *testing.T) {
	for value, want := range map[string]bool{
		"/": true, "/account?next=/a%2Fb": true, "/ä": true,
		"": false, "account": false, "//evil.example": false, `/\evil.example`: false, `/a\..\b`: false, "/\t/evil.example": false,
		"/\n/evil.example": false, "javascript:alert(1)": false, "https://evil.example/": false, "/a b": false, "/\x7f": false, "/\xff": false,
	} {
		if got := markup.Path(value); got != want {
			t.Errorf("Path(%q) = %v, want %v", value, got, want)
		}
		if got := markup.El("a", markup.Attr("href", value)).String(); (got == `<a href="#"></a>`) == want {
			t.Errorf("a link to %q is %s", value, got)
		}
	}
}

func TestAttributesThatRun(t *testing.T) {
	for _, write := range []func(){
		func() { markup.Attr("onclick", "") }, func() { markup.Attr("style", "") }, func() { markup.Attr("srcdoc", "") },
		func() { markup.All(markup.Flag("hidden")) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("did not panic")
				}
			}()
			write()
		}()
	}
}

func TestVoid(t *testing.T) {
	got := markup.All(markup.El("br"), markup.If(false, markup.Text("no")), markup.If(true, markup.Raw("<hr>"))).String()
	if got != "<br><hr>" {
		t.Error(got)
	}
}
