import API
import APIMachinery
import Client
import Testing

@testable import APIServer

@Suite struct RouteRuleTests {
    struct Case: Sendable {
        var method: String
        var path: String
        /// 200 when the path and method are there.
        var code = 200

        init(_ method: String, _ path: String, _ code: Int = 200) {
            self.method = method
            self.path = path
            self.code = code
        }
    }

    static let cases = [
        Case("GET", "/api/v1/pods"), Case("GET", "/api/v1/namespaces/a/pods"),
        Case("POST", "/api/v1/namespaces/a/pods"), Case("DELETE", "/api/v1/namespaces/a/pods"),
        Case("PUT", "/api/v1/namespaces/a/pods/p"),
        Case("POST", "/api/v1/namespaces/a/pods/p/eviction"), Case("PATCH", "/api/v1/namespaces/a/pods/p/status"),
        Case("GET", "/api/v1/namespaces/a/pods/p/log"),
        Case("GET", "/api/v1/namespaces/a/pods/p/proxy/x/y"),
        Case("OPTIONS", "/api/v1/namespaces/a/pods/p/proxy/x"), Case("POST", "/api/v1/namespaces"),
        Case("PUT", "/api/v1/namespaces/a/finalize"), Case("GET", "/api/v1/nodes/n"), Case("POST", "/api/v1/nodes"),

        Case("GET", "/api/v1/pods/p", 404), Case("GET", "/api/v1/namespaces/a/nodes", 404),
        Case("POST", "/api/v1/namespaces/a/nodes", 404), Case("GET", "/api/v1/namespaces/a/pods/p/nothing", 404),
        Case("GET", "/api/v1/namespaces/a/pods/p/log/x", 404), Case("GET", "/api/v1/namespaces/a/nodes/n/proxy", 404),

        Case("POST", "/api/v1/pods", 405), Case("DELETE", "/api/v1/pods", 405),
        Case("PUT", "/api/v1/namespaces/a/pods", 405), Case("POST", "/api/v1/namespaces/a/pods/p", 405),
        Case("BREW", "/api/v1/namespaces/a/pods/p", 405), Case("POST", "/api/v1/namespaces/a/pods/p/status", 405),
        Case("DELETE", "/api/v1/namespaces", 405), Case("GET", "/api/v1/namespaces/a/pods/p/eviction", 405),
    ]

    @Test(arguments: cases) func `a path and method are there, or not`(example: Case) throws {
        let info = RequestInfo(method: example.method, path: example.path, isWatch: false)
        let resource = try #require(info.resource)
        let definition = try #require(BuiltinResources.shared.definition(of: resource))
        var code = 200
        do throws(Status) { try RouteRule.check(info, definition) } catch { code = error.code }
        #expect(code == example.code, "\(example.method) \(example.path)")
    }

    @Test func `warnings stay within the bounds of a header`() {
        #expect(WarningHeader.values(["a \"b\" \\c\r\nd\u{7f}"]) == [#"299 - "a \"b\" \\cd""#])
        #expect(WarningHeader.values(["one", "two"]).count == 2)
        let many = WarningHeader.values(Array(repeating: String(repeating: "x", count: 1000), count: 1000))
        #expect(many.count == 16)
        #expect(many.allSatisfy { $0.utf8.count < 300 })
    }
}
