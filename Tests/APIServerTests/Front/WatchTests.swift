import API
import APIMachinery
import APIServer
import Client
import Testing
import Wire

/// Watches as clients have them, over HTTP.
@Suite(.timeLimit(.minutes(5))) struct WatchTests {
    private static let reads: Value = ["apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]]
    private static let maps = "/api/v1/namespaces/default/configmaps"

    private func create(_ name: String, _ api: TestAPI) async throws -> Int64 {
        let map = try await api.server.client().create(ConfigMap(namespace: "default", name: name))
        return try #require(Int64(map.metadata.resourceVersion))
    }

    /// Type, name and version of each frame.
    private func frames(_ text: String) throws -> [String] {
        try text.split(separator: "\n").map { line in
            let frame = try Value(json: Array(line.utf8))
            let metadata = frame.at("object", "metadata") ?? .emptyObject
            let (type, name) = (frame["type"]?.string ?? "", metadata["name"]?.string ?? "")
            return "\(type) \(name)@\(metadata["resourceVersion"]?.string ?? "")"
        }
    }

    @Test func `a watch ends with a bookmark of all that it told`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.reads])
            let version = try await create("a", api)
            let answer = try await api.ask(
                .get, Self.maps + "?watch=true&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true"
                    + "&resourceVersionMatch=NotOlderThan", token: token)
            #expect(
                try frames(answer.text)
                    == ["ADDED a@\(version)", "BOOKMARK @\(version)", "BOOKMARK @\(version)"])
        }
    }

    @Test func `a first state of any size is told at the pace of the client, and its end after it`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.reads])
            let text: Value = .string(String(repeating: "x", count: 60_000))
            var newest: Int64 = 0
            for number in 0..<300 {
                let map: Value = ["metadata": ["name": .string("m\(number)")], "data": ["text": text]]
                let made = try await api.server.client().create(
                    Target(.configMaps, namespace: "default"), map, WriteOptions())
                newest = made.revision
            }
            let watch = try await api.send(
                .get, Self.maps + "?watch=true&timeoutSeconds=20&allowWatchBookmarks=true&sendInitialEvents=true"
                    + "&resourceVersionMatch=NotOlderThan", token: token)
            // What comes while the client is behind comes after.
            let late = try await create("late", api)
            var frames: [String] = []
            var rest: [UInt8] = []
            reading: for try await chunk in watch.body {
                rest += chunk
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    frames += try self.frames(String(decoding: rest[..<end], as: UTF8.self))
                    rest.removeSubrange(...end)
                    if frames.last?.hasPrefix("BOOKMARK") == true { break reading }
                }
            }
            #expect(Set(frames.prefix(300)).count == 300)
            #expect(frames.prefix(300).allSatisfy { $0.hasPrefix("ADDED m") })
            #expect(frames[300] == "ADDED late@\(late)" || frames[300] == "BOOKMARK @\(newest)")
            #expect(frames.last?.hasPrefix("BOOKMARK @") == true)
        }
    }

    @Test func `a watch that nobody reads is broken off, and harms no other`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.reads])
            let path = Self.maps + "?watch=true&timeoutSeconds=60"
            let idle = try await api.send(.get, path, token: token)
            let text: Value = .string(String(repeating: "x", count: 60_000))
            for number in 0..<400 {
                let map: Value = ["metadata": ["name": .string("m\(number)")], "data": ["text": text]]
                _ = try await api.server.client().create(
                    Target(.configMaps, namespace: "default"), map, WriteOptions())
            }
            // Less than was written comes, and then no good end.
            var count = 0
            let end = await #expect(throws: (any Error).self) {
                for try await chunk in idle.body { count += chunk.count }
            }
            #expect(end != nil)
            #expect(count < 400 * 60_000)
            let next = try await api.ask(.get, Self.maps + "/m399", token: token)
            #expect(next.code == 200)
        }
    }

    @Test(arguments: ["False", "false", "FALSE", "0"])
    func `a list that says it is no watch is a list`(no: String) async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.reads])
            let answer = try await api.ask(.get, Self.maps + "?watch=\(no)", token: token)
            #expect(try Value(json: Array(answer.text.utf8))["kind"] == "ConfigMapList")
        }
    }

    @Test(arguments: ["True", "true", "1", ""])
    func `a flag says yes in every way that Kubernetes knows`(yes: String) async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.reads])
            let version = try await create("a", api)
            let answer = try await api.ask(
                .get, Self.maps + "?watch=\(yes)&timeoutSeconds=1&allowWatchBookmarks=\(yes)&sendInitialEvents=\(yes)"
                    + "&resourceVersionMatch=NotOlderThan", token: token)
            #expect(
                try frames(answer.text)
                    == ["ADDED a@\(version)", "BOOKMARK @\(version)", "BOOKMARK @\(version)"])
        }
    }

    @Test func `a watch from the future begins, and tells what comes after`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.reads])
            let version = try await create("a", api)
            let watch = try await api.send(
                .get, Self.maps + "?watch=true&timeoutSeconds=5&resourceVersion=\(version + 1)", token: token)
            #expect(watch.status == .ok)
            #expect(try await create("b", api) == version + 1)
            #expect(try await create("c", api) == version + 2)
            let text = String(decoding: try await watch.body.collect(limit: 1 << 20), as: UTF8.self)
            #expect(try frames(text) == ["ADDED c@\(version + 2)"])
        }
    }

    @Test func `a state of the future cannot be told, which the watch itself says`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.reads])
            let answer = try await api.ask(
                .get, Self.maps + "?watch=true&resourceVersion=999999999&sendInitialEvents=true"
                    + "&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true", token: token)
            #expect(answer.code == 200)
            #expect(try frames(answer.text) == ["ERROR @"])
            #expect(answer.text.contains("Too large resource version"))
        }
    }

    @Test(arguments: [
        ("metadata.name=a", 200), ("metadata.name=a,metadata.namespace=default", 200), ("metadata.name==a", 200),
        ("metadata.name=b", 403), ("metadata.name!=a", 403), ("metadata.namespace=default", 403), ("", 403),
    ])
    func `who may read one object may list it by its name`(selector: String, code: Int) async throws {
        try await TestAPI.run { api in
            var rule = Self.reads
            rule["resourceNames"] = ["a"]
            let token = try await api.token("reader", rules: [rule])
            let path = Self.maps + "?fieldSelector=" + PercentEncoding.encode(selector)
            #expect(try await api.ask(.get, path, token: token).code == code)
        }
    }

    @Test func `a quiet watch hears from time to time how far the log has come`() async throws {
        try await TestAPI.run { options in
            options.bookmarkPeriod = .milliseconds(10)
        } _: { api in
            let token = try await api.token("reader", rules: [Self.reads])
            let version = try await create("a", api)
            let query = "?watch=true&timeoutSeconds=60&allowWatchBookmarks=true&resourceVersion=\(version)"
            let watch = try await api.send(.get, Self.maps + query, token: token)
            let other = try await api.server.client().create(ServiceAccount(namespace: "default", name: "other"))
            let wanted = try #require(Int64(other.metadata.resourceVersion))
            var text = ""
            var reached: Int64 = 0
            for try await part in watch.body {
                text += String(decoding: part, as: UTF8.self)
                guard text.hasSuffix("\n"), let last = try frames(text).last else { continue }
                #expect(last.hasPrefix("BOOKMARK @"))
                reached = Int64(last.dropFirst("BOOKMARK @".count)) ?? 0
                if reached >= wanted { break }
            }
            #expect(reached >= wanted)
        }
    }
}
