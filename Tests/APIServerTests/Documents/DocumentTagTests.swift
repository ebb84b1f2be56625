import APIMachinery
import Testing
import Wire

@testable import APIServer

/// Documents that clients keep are sent once.
@Suite(.timeLimit(.minutes(5))) struct DocumentTagTests {
    @Test(arguments: [
        ("\"A\"", true), ("W/\"A\"", true), ("\"B\", \"A\"", true), ("*", true),
        ("\"B\"", false), ("A", false), ("", false), (nil, false),
    ] as [(String?, Bool)])
    func `a document is not sent to who names its tag`(known: String?, isKnown: Bool) {
        let document = Document(contentType: "application/json", bytes: [1], tag: "A")
        let answer = document.answer(known: known)
        #expect((answer.status == .notModified) == isKnown)
        #expect(answer.bytes.isEmpty == isKnown)
        #expect(answer.headers.first { $0.0 == "ETag" }?.1 == "\"A\"")
        // What was answered stays so.
        #expect(answer.answer(known: known).headers.count == answer.headers.count)
    }

    @Test(arguments: [
        ("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"),
        ("/openapi/v3", "application/json"), ("/openapi/v3/apis/apps/v1", "application/json"),
        ("/openapi/v2", "application/json"),
        ("/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"),
    ])
    func `discovery and OpenAPI are sent again when the kinds have changed`(path: String, accept: String) async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            func send(_ known: String?) async throws -> (code: Int, tag: String, size: Int) {
                var headers: HTTPHeaders = ["Accept": accept]
                if let known { headers.add("If-None-Match", known) }
                let response = try await api.send(.get, path, token: tabs.token, headers: headers)
                let bytes = try await response.body.collect(limit: 64 << 20)
                return (response.status.code, response.headers["ETag"] ?? "", bytes.count)
            }
            let first = try await send(nil)
            #expect(first.code == 200)
            #expect(first.tag.count > 2)
            let second = try await send(first.tag)
            #expect(second.code == 304)
            #expect(second.tag == first.tag)
            #expect(second.size == 0)
            try await tabs.define(CronTab.definition([CronTab.version("v1", CronTab.schema([:]))]))
            let third = try await send(first.tag)
            // What is in another document does not count.
            #expect(third.code == (path.hasSuffix("/apps/v1") ? 304 : 200))
        }
    }

    @Test func `an OpenAPI document is found by its hash, and kept for good`() async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            let index = try await tabs.ask(.get, "/openapi/v3").value
            let url = try #require(index.at("paths", "apis/apps/v1", "serverRelativeURL")?.string)
            let found = try await api.send(.get, url, token: tabs.token)
            #expect(found.status == .ok)
            #expect(found.headers["Cache-Control"]?.contains("immutable") == true)
            let old = try await api.send(.get, "/openapi/v3/apis/apps/v1?hash=OLD", token: tabs.token)
            #expect(old.status == .movedPermanently)
            #expect(old.headers["Location"] == url)
            let plain = try await api.send(.get, "/openapi/v3/apis/apps/v1", token: tabs.token)
            #expect(plain.status == .ok)
            #expect(plain.headers["Cache-Control"] == "no-cache, private")
        }
    }
}
