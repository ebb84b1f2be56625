import APIMachinery
import Support
import Wire

/// The server under load, and requests to it.
struct Target: Sendable {
    let client: HTTPClient
    let origin: HTTPOrigin
    /// Where the objects of this run are.
    let namespace: String

    private var base: String { "/api/v1/namespaces/\(namespace)/configmaps" }

    func create(_ name: String) async throws -> Int { try await send(.post, base, body: Self.configMap(name)).status }
    func get(_ name: String) async throws -> Int { try await send(.get, base + "/" + name).status }
    func update(_ name: String) async throws -> Int {
        try await send(.put, base + "/" + name, body: Self.configMap(name)).status
    }
    func delete(_ name: String) async throws -> Int { try await send(.delete, base + "/" + name).status }
    func list(_ query: String = "") async throws -> (status: Int, bytes: Int) { try await send(.get, base + query) }

    func createNamespace() async throws {
        let body = "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"\(namespace)\"}}"
        let status = try await send(.post, "/api/v1/namespaces", body: Array(body.utf8)).status
        guard status == 201 else { throw Fault(.failed, "the namespace cannot be created: \(status)") }
    }

    /// Any path.
    func get(path: String) async throws -> Int { try await send(.get, path).status }

    func createPod(_ name: String, image: String) async throws -> Int {
        let container = "{\"name\":\"c\",\"image\":\"\(image)\",\"command\":[\"sleep\",\"100000\"]}"
        let spec = "{\"terminationGracePeriodSeconds\":0,\"containers\":[\(container)]}"
        let body = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"\(name)\"},\"spec\":\(spec)}"
        return try await send(.post, "/api/v1/namespaces/\(namespace)/pods", body: Array(body.utf8)).status
    }

    func deletePod(_ name: String) async throws -> Int {
        try await send(.delete, "/api/v1/namespaces/\(namespace)/pods/\(name)?gracePeriodSeconds=0").status
    }

    /// Tells `body` of each line, one event a line, of a watch on the pods, until it returns false.
    func watchPods(_ body: (Value) -> Bool) async throws {
        let path = "/api/v1/namespaces/\(namespace)/pods?watch=true"
        let request = HTTPClientRequest(.get, origin, path, headers: ["Accept": "application/json"])
        var line: [UInt8] = []
        for try await part in try await client.send(request).body {
            for byte in part {
                guard byte == UInt8(ascii: "\n") else {
                    line.append(byte)
                    continue
                }
                if try !body(Value(json: line)) { return }
                line = []
            }
        }
    }

    func deleteNamespace() async throws { _ = try await send(.delete, "/api/v1/namespaces/" + namespace) }

    /// Tells `body` of each part of a watch as it comes, until it returns false.
    func watch(from revision: String, _ body: (ArraySlice<UInt8>) -> Bool) async throws {
        let request = HTTPClientRequest(
            .get, origin, base + "?watch=true&resourceVersion=" + revision, headers: ["Accept": "application/json"])
        for try await part in try await client.send(request).body where !body(part[...]) { return }
    }

    /// The revision of an empty list.
    func revision() async throws -> String {
        let request = HTTPClientRequest(.get, origin, base + "?limit=1", headers: ["Accept": "application/json"])
        var bytes: [UInt8] = []
        for try await part in try await client.send(request).body { bytes += part }
        return try Value(json: bytes).at("metadata", "resourceVersion")?.string ?? "0"
    }

    private func send(_ method: HTTPMethod, _ path: String, body: [UInt8]? = nil) async throws -> (status: Int, bytes: Int) {
        var headers: HTTPHeaders = ["Accept": "application/json"]
        if body != nil { headers.add("Content-Type", "application/json") }
        let request = HTTPClientRequest(
            method, origin, path, headers: headers, body: body.map { .bytes($0) } ?? .none)
        let response = try await client.send(request)
        var count = 0
        for try await part in response.body { count += part.count }
        return (response.status.code, count)
    }

    /// About 1 KB.
    private static func configMap(_ name: String) -> [UInt8] {
        let payload = (name + "-" + String(repeating: "x", count: 894)).prefix(894)
        let metadata = "{\"name\":\"\(name)\",\"labels\":{\"app\":\"load\"}}"
        let text = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":\(metadata),\"data\":{\"payload\":\"\(payload)\"}}"
        return Array(text.utf8)
    }
}
