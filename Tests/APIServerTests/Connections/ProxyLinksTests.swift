import Testing
import Wire

@testable import APIServer

/// How what is behind a proxy is led through it.
@Suite struct ProxyLinksTests {
    private static let prefix = "/api/v1/namespaces/ns/pods/http:web:80/proxy"
    private static let links = ProxyLinks(prefix: prefix, backend: "10.42.0.5:80", asked: "localhost:8001")

    /// Links, and what they become; `$` stands for the prefix, `nil` for the link itself.
    @Test(arguments: [
        ("/", "$/"), ("/foo", "$/foo"), ("/foo/", "$/foo/"), ("/foo?a=/b&c#/d", "$/foo?a=/b&c#/d"),
        ("/a//b/./c/../d", "$/a/b/d"), ("/../../secret", "$/secret"), ("/a%2Fb", "$/a/b"), ("/a%20b", "$/a%20b"),
        ("/ä", "$/%C3%A4"), ("//10.42.0.5:80/foo", "$/foo"), ("http://10.42.0.5:80/foo", "$/foo"),
        ("http:/foo", "$/foo"), ("HTTP://localhost:8001/foo", "http://localhost:8001$/foo"),
        ("//localhost:8001/foo", "//localhost:8001$/foo"),
        // Led through already.
        ("$/foo", nil), ("http://localhost:8001$/foo", nil), ("//10.42.0.5:80$/foo", "$/foo"),
        // Relative, or elsewhere, or none at all.
        ("", nil), ("foo", nil), ("./foo", nil), ("?a", nil), ("#a", nil), ("mailto:a@b.c", nil),
        ("javascript:go('/x')", nil), ("http://10.42.0.5/foo", nil), ("https://example.com/foo", nil),
        ("//example.com/foo", nil), ("http://10.42.0.5:80", nil), ("http://user@10.42.0.5:80/foo", nil),
        ("/a%zz", nil), ("/a\u{7F}", nil), ("1:/foo", nil), ("://foo", nil),
    ] as [(String, String?)])
    func `a link leads through the proxy`(link: String, led: String?) {
        func whole(_ text: String) -> String {
            text.split(separator: "$", omittingEmptySubsequences: false).joined(separator: Self.prefix)
        }
        #expect(Self.links.lead(whole(link)) == whole(led ?? link))
    }

    @Test(arguments: [
        ("<a href=\"/x\">y</a>", "<a href=\"!/x\">y</a>"),
        ("<A\n HREF = '/x' class=b>", "<A\n HREF = '!/x' class=b>"), ("<a href=/x>", "<a href=\"!/x\">"),
        ("<a href=/x/>", "<a href=\"!/x/\">"), ("<img src='/x'/><img src=\"/y\">", "<img src='!/x'/><img src=\"!/y\">"),
        ("<input formaction=\"/x\" src=\"/y\" value=\"/z\">", "<input formaction=\"!/x\" src=\"!/y\" value=\"/z\">"),
        ("<a title=\"href='/x'\" href>", nil), ("<div href=\"/x\">", nil), ("<a data-href=\"/x\">", nil),
        ("</a href=\"/x\">", nil), ("a < b <1 href=\"/x\">", nil), ("<a =href=\"/x\">", nil),
        ("<!-- <a href=\"/x\"> --><a href=\"/y\">", "<!-- <a href=\"/x\"> --><a href=\"!/y\">"),
        ("<!--><a href=\"/y\">", "<!--><a href=\"!/y\">"),
        ("<!doctype html><a href=\"/y\">", "<!doctype html><a href=\"!/y\">"),
        (
            "<script src=\"/x\">'<a href=\"/z\"></b>'</SCRIPT ><a href=\"/y\">",
            "<script src=\"!/x\">'<a href=\"/z\"></b>'</SCRIPT ><a href=\"!/y\">"
        ),
        ("<title><a href=\"/x\"></titles></title>", nil), ("<plaintext></plaintext><a href=\"/x\">", nil),
        ("<a href=\"&#x2F;x&amp;&quot;\">", "<a href=\"!/x&amp;&#34;\">"),
        ("<a href=\"/x&y=&eacute;\">", "<a href=\"!/x&y=&eacute;\">"),
        ("<a href=\"/x", nil), ("<a href=", nil), ("<a", nil), ("<", nil), ("<!--", nil), ("", nil),
    ] as [(String, String?)])
    func `the links of a page are those of its tags`(page: String, changed: String?) {
        let found = HTMLLinks.replace(in: Array(page.utf8)) { $0.hasPrefix("/") ? "!" + $0 : $0 }
        #expect(String(decoding: found, as: UTF8.self) == changed ?? page)
    }

    @Test func `a page in no Unicode stays but for its links`() {
        let page = Array("<p>".utf8) + [0xE4] + Array("<a href='/x'><a href='/".utf8) + [0xE4] + Array("'>".utf8)
        let expected = Array("<p>".utf8) + [0xE4] + Array("<a href='!/x'><a href='/".utf8) + [0xE4] + Array("'>".utf8)
        let found = HTMLLinks.replace(in: page) { "!" + $0 }
        #expect(found == expected)
    }

    @Test(arguments: [
        (["Content-Type": "text/html"], true), (["content-type": "Text/HTML ; charset=utf-8"], true),
        (["Content-Type": "text/html", "Content-Encoding": "gzip"], true),
        (["Content-Type": "text/html", "Content-Encoding": "br"], false),
        (["Content-Type": "text/html", "Location": "/x"], false), (["Content-Type": "text/plain"], false), ([:], false),
    ] as [(HTTPHeaders, Bool)])
    func `only pages that can be read are`(headers: HTTPHeaders, isRead: Bool) {
        #expect((ProxiedPage(headers) != nil) == isRead)
    }

    @Test func `a page that is not packed as it says stays`() throws {
        let page = Array("<a href=\"/x\">".utf8)
        for packing in ["gzip", "deflate"] {
            let packed = try #require(ProxiedPage(["Content-Type": "text/html", "Content-Encoding": packing]))
            #expect(packed.led(page, through: Self.links) == page)
        }
    }
}
