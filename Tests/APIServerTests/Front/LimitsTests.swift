import API
import APIMachinery
import APIServer
import Client
import Support
import Testing
import Wire

/// What clients may not do to the server, and what they are told.
@Suite(.timeLimit(.minutes(5))) struct LimitsTests {
    private static let maps = "/api/v1/namespaces/default/configmaps"
    private static let all: Value = ["apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]]

    private static func status(_ bytes: [UInt8]) throws -> String {
        let status = try Value(json: bytes)
        #expect(status["kind"] == "Status")
        return "\(status["code"] ?? .null) \(status["reason"]?.string ?? "")"
    }

    private static let deepJSON = String(repeating: "{\"a\":", count: 1000) + "1" + String(repeating: "}", count: 1000)
    private static let deepYAML = String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000)

    @Test(arguments: [
        ("application/json", String(repeating: " ", count: 3 << 20) + "{}", "413 RequestEntityTooLarge"),
        ("application/json", deepJSON, "400 BadRequest"), ("application/yaml", deepYAML, "400 BadRequest"),
        ("application/json", "{\"a\":" + String(repeating: "[", count: 100_000), "400 BadRequest"),
        ("application/xml", "<a/>", "415 UnsupportedMediaType"), ("application/json", "", "400 BadRequest"),
    ])
    func `a body that is too large, too deep or of no use is refused in words`(
        type: String, body: String, words: String
    ) async throws {
        try await TestAPI.run { api in
            let token = try await api.token("writer", rules: [Self.all])
            let answer = try await api.raw(.post, Self.maps, token: token, type: type, headers: [:], body: Array(body.utf8))
            #expect("\(answer.code)" == words.prefix(3))
            #expect(try Self.status(answer.bytes) == words)
            #expect(try await api.ask(.get, Self.maps, token: token).code == 200)
        }
    }

    @Test func `a head that is too large is refused`() async throws {
        try await TestAPI.run { api in
            let answer = try await api.send(
                .get, Self.maps, token: "t", headers: ["X-Long": String(repeating: "x", count: 1 << 20)])
            #expect(answer.status.code == 431)
        }
    }

    @Test(arguments: [("", 504), ("?timeout=1s", 504), ("?timeout=1h", 504), ("?timeout=-1s", 504), ("?timeout=soon", 400)])
    func `a request that is not over in time is answered by the server`(query: String, code: Int) async throws {
        try await TestAPI.run {
            $0.requestTimeout = .seconds(query == "?timeout=1s" ? 60 : 1)
        } _: { api in
            let token = try await api.token("writer", rules: [Self.all])
            // The body never ends.
            let (body, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
            continuation.yield([UInt8(ascii: "{")])
            let answer = try await api.stream(.post, Self.maps + query, token: token, body: body)
            #expect(answer.status.code == code)
            let text = try await answer.body.collect(limit: 1 << 20)
            #expect(try Self.status(text) == (code == 504 ? "504 Timeout" : "400 BadRequest"))
            continuation.finish()
            #expect(try await api.ask(.get, Self.maps, token: token).code == 200)
        }
    }

    @Test func `a body that is dripped wins no time`() async throws {
        try await TestAPI.run {
            $0.requestTimeout = .seconds(1)
        } _: { api in
            let token = try await api.token("writer", rules: [Self.all])
            let (body, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while true {
                        continuation.yield([UInt8(ascii: " ")])
                        try await Task.sleep(for: .milliseconds(50))
                    }
                }
                let answer = try await api.stream(.post, Self.maps, token: token, body: body)
                #expect(answer.status.code == 504)
                group.cancelAll()
            }
            continuation.finish()
            #expect(try await api.ask(.get, Self.maps, token: token).code == 200)
        }
    }

    @Test func `a watch is not held to the time of other requests`() async throws {
        try await TestAPI.run {
            $0.requestTimeout = .milliseconds(1)
        } _: { api in
            let token = try await api.token("reader", rules: [Self.all])
            let watch = try await api.ask(.get, Self.maps + "?watch=true&timeoutSeconds=3", token: token)
            #expect(watch.code == 200)
        }
    }

    @Test func `a watch that nobody reads is cut off, and another one gets everything`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.all])
            let client = api.server.client()
            let path = Self.maps + "?watch=true&timeoutSeconds=50"
            let slow = try await api.send(.get, path, token: token)
            let quick = try await api.send(.get, path, token: token)
            let text = String(repeating: "x", count: 1_000_000)
            // More than may wait, 8 MiB, besides what the kernel takes for both ends, up to 10 MB.
            let count = 32
            let (progress, told) = AsyncStream.makeStream(of: Int.self)
            async let read = {
                defer { told.finish() }
                // One line for each event.
                var lines = 0
                for try await chunk in quick.body {
                    lines += chunk.count { $0 == UInt8(ascii: "\n") }
                    told.yield(lines)
                    if lines == count { break }
                }
                return lines
            }()
            var (reading, known) = (progress.makeAsyncIterator(), 0)
            for index in 0..<count {
                var map = ConfigMap(namespace: "default", name: "m-\(index)")
                map.value["data"] = ["k": .string(text)]
                try await client.create(map)
                // The one that reads is never far behind.
                while known < index - 2, let lines = await reading.next() { known = lines }
            }
            #expect(try await read == count)
            // What was held back for it is bounded, so that it cannot have all.
            var received = 0
            do {
                for try await chunk in slow.body { received += chunk.count }
                Issue.record("the watch ended in good order")
            } catch {
                #expect(received < count * text.utf8.count)
            }
        }
    }
}
