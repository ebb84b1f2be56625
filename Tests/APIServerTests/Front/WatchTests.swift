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
}
