import Support
import Testing

@testable import Wire

@Suite struct HTTPMessageTests {
    @Test func `headers are found without regard to case and kept in order`() {
        var headers: HTTPHeaders = ["Accept": "a", "ACCEPT": "b", "X": "c"]
        #expect(headers["accept"] == "a")
        #expect(headers.values(of: "Accept") == ["a", "b"])
        headers["aCCept"] = "d"
        #expect(headers.map { "\($0.name)=\($0.value)" } == ["X=c", "aCCept=d"])
        headers["X"] = nil
        #expect(headers.count == 1)
    }

    @Test func `a value cannot end its own header, and a name that is none is left out`() {
        let headers: HTTPHeaders = ["A": "b\r\nSet-Cookie: c", "bad name": "d", "": "e"]
        #expect(headers.description == "A: b  Set-Cookie: c")
    }

    @Test(arguments: [
        ("keep-alive, Upgrade", true), ("upgrade", true), (" ,UPGRADE\t,", true), ("upgraded", false),
        ("", false),
    ])
    func `a token is found in a list`(value: String, isListed: Bool) {
        #expect(
            HTTPHeaders(dictionaryLiteral: ("Connection", value)).lists("upgrade", in: "connection")
                == isListed)
    }

    @Test func `a query is decoded item by item`() {
        let query = HTTPQuery("a=1&b=x+y%20z&a=2&c&d=%zz&e=1;f=2&g=%3D")
        #expect(query["a"] == "1")
        #expect(query.values(of: "a") == ["1", "2"])
        #expect(query["b"] == "x y z")
        #expect(query["c"] == "")
        #expect(query["d"] == nil)
        #expect(query["e"] == nil)
        #expect(query["g"] == "=")
        #expect(HTTPQuery(nil).isEmpty)
    }

    @Test(arguments: [
        ("f", true), ("f=", true), ("f=1", true), ("f=True", true), ("f=no", true), ("f=0", false), ("f=false", false),
        ("f=False", false), ("g=true", nil), ("", nil),
    ] as [(String, Bool?)])
    func `a flag is read as Kubernetes reads it`(query: String, stated: Bool?) {
        #expect(HTTPQuery(query).statedFlag("f") == stated)
        #expect(HTTPQuery(query).flag("f") == (stated ?? false))
    }

    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
    ])
    func `a date is written as RFC 9110 wants it`(seconds: Int64, text: String) {
        #expect(HTTPDate.text(Timestamp(seconds: seconds)) == text)
        #expect(HTTPDate.time(text) == Timestamp(seconds: seconds))
    }

    @Test func `dates of all three forms are read`() {
        let time = Timestamp(seconds: 784_111_777)
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            #expect(HTTPDate.time(text) == time, "\(text)")
        }
        for text in [
            "", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Now 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT", "784111777",
        ] {
            #expect(HTTPDate.time(text) == nil, "\(text)")
        }
    }

    @Test(arguments: [
        ("http://a", "a:80", "/"), ("https://a:1/b?c=d#e", "a:1", "/b?c=d"),
        ("https://[::1]:6443/x", "[::1]:6443", "/x"),
        ("http://[::1]", "[::1]:80", "/"), ("http://a?b", "a:80", "/?b"),
    ])
    func `a URL names an origin and a target`(url: String, address: String, target: String) throws {
        let request = try HTTPClientRequest(.get, url: url)
        #expect(request.origin.address.description == address)
        #expect(request.target == target)
        #expect(request.origin.isSecure == url.hasPrefix("https"))
    }

    @Test(arguments: ["ftp://a", "http://", "http://a:0", "http://a:x", "http://u@a", "http://a/ b", "a/b"])
    func `what is no URL is refused`(url: String) {
        #expect(throws: Fault.self) { try HTTPClientRequest(.get, url: url) }
    }

    @Test func `what percent encoding does can be undone`() {
        #expect(PercentEncoding.encode("a/b ü-_.~") == "a%2Fb%20%C3%BC-_.~")
        #expect(PercentEncoding.decode("a%2Fb%20%C3%BC+") == "a/b ü+")
        #expect(PercentEncoding.decode("%2") == nil)
        #expect(PercentEncoding.decode("%+1") == nil)
    }
}
