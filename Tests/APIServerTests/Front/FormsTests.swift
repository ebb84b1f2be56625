import API
import APIMachinery
import APIServer
import Client
import Support
import Testing
import Wire

/// The forms that every kind is served in, over HTTP.
@Suite(.timeLimit(.minutes(5))) struct FormsTests {
    private static let all: Value = ["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]
    private static let maps = "/api/v1/namespaces/default/configmaps"
    private static let protobuf = ProtobufEnvelope.mediaType

    private static func accept(_ text: String) -> HTTPHeaders { ["Accept": text] }

    private static func form(_ name: String, _ media: String = "application/json") -> HTTPHeaders {
        accept("\(media);as=\(name);v=v1;g=meta.k8s.io")
    }

    private func bytes(_ path: String, _ headers: HTTPHeaders, _ api: TestAPI, _ token: String) async throws
        -> (code: Int, type: String, bytes: [UInt8])
    {
        let answer = try await api.send(.get, path, token: token, headers: headers)
        let body = try await answer.body.collect(limit: 8 << 20)
        return (answer.status.code, answer.headers["Content-Type"] ?? "", body)
    }

    private func decode(_ bytes: [UInt8]) throws -> Value {
        try ProtobufEnvelope.decode(bytes) { kind in
            if let definition = BuiltinResources.shared.definition(of: kind) { return definition.type }
            let meta = "io.k8s.apimachinery.pkg.apis.meta.v1." + kind.kind
            if let type = BuiltinTypes.kubernetes.type(named: meta) { return type }
            let element = GroupVersionKind(
                group: kind.group, version: kind.version, kind: String(kind.kind.dropLast("List".count)))
            let type = BuiltinResources.shared.definition(of: element)?.type
            return type.flatMap { $0.table.type(named: $0.name + "List") }
        }
    }

    @Test func `every built-in kind is listed in every form, and they say the same`() async throws {
        try await TestAPI.run { $0.served = try RuntimeConfig(["api/all"]) } _: { api in
            let token = try await api.token("reader", rules: [Self.all])
            var count = 0
            for definition in BuiltinResources.shared.resources
            where definition.verbs.contains("list") && definition.resource.group != "metrics.k8s.io" {
                count += 1
                let path = definition.resource.apiPath + "/" + definition.resource.resource
                let json = try Value(json: try await bytes(path, [:], api, token).bytes)
                #expect(json["kind"]?.string == definition.kind + "List", "\(path)")
                var metadata = json["metadata"]
                metadata?["resourceVersion"] = nil
                #expect(metadata == .emptyObject, "\(path)")
                let names = (json["items"]?.array ?? []).map { $0.at("metadata", "name")?.string ?? "" }
                func listed(_ headers: HTTPHeaders, _ read: ([UInt8]) throws -> Value) async throws -> [String] {
                    let answer = try await bytes(path, headers, api, token)
                    #expect(answer.code == 200, "\(path) \(headers)")
                    let list = try read(answer.bytes)
                    return (list["items"] ?? list["rows"])?.array?.map {
                        ($0.at("object", "metadata", "name") ?? $0.at("metadata", "name"))?.string ?? ""
                    } ?? []
                }
                let readJSON = { (bytes: [UInt8]) throws in try Value(json: bytes) }
                let readYAML = { (bytes: [UInt8]) throws in try YAML.documents(bytes).first ?? .null }
                #expect(try await listed(Self.accept(Self.protobuf), decode) == names, "\(path)")
                #expect(try await listed(Self.accept("application/yaml"), readYAML) == names, "\(path)")
                #expect(try await listed(Self.form("Table"), readJSON) == names, "\(path)")
                let list = "PartialObjectMetadataList"
                #expect(try await listed(Self.form(list), readJSON) == names, "\(path)")
                #expect(try await listed(Self.form(list, Self.protobuf), decode) == names, "\(path)")
                #expect(try await listed(Self.form(list, "application/yaml"), readYAML) == names, "\(path)")
            }
            #expect(count > 50)
        }
    }

    @Test func `every built-in kind that is watched sends its state and then says so, in JSON and in protobuf`() async throws {
        try await TestAPI.run { $0.served = try RuntimeConfig(["api/all"]) } _: { api in
            let token = try await api.token("reader", rules: [Self.all])
            for definition in BuiltinResources.shared.resources
            where definition.verbs.contains("watch") && definition.resource.group != "metrics.k8s.io" {
                let path = definition.resource.apiPath + "/" + definition.resource.resource
                    + "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
                for (headers, type) in [
                    (Self.accept("application/json"), "application/json"),
                    (Self.accept(Self.protobuf), Self.protobuf + ";stream=watch"),
                    (Self.form("PartialObjectMetadata", Self.protobuf), Self.protobuf + ";stream=watch"),
                ] {
                    let watch = try await api.send(.get, path, token: token, headers: headers)
                    #expect(watch.headers["Content-Type"] == type, "\(path)")
                    var seen: [UInt8] = []
                    for try await part in watch.body {
                        seen += part
                        if String(decoding: seen, as: UTF8.self).contains("k8s.io/initial-events-end") { break }
                    }
                }
            }
        }
    }

    @Test func `what was sent as protobuf or YAML is stored as what was meant, and comes back so`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("writer", rules: [Self.all])
            let map: Value = [
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a"], "data": ["k": "v"],
            ]
            let type = try #require(BuiltinResources.shared.definition(of: .configMaps)?.type)
            let created = try await api.raw(
                .post, Self.maps, token: token, type: Self.protobuf, headers: Self.accept(Self.protobuf),
                body: try ProtobufEnvelope.encode(map, as: type))
            #expect(created.code == 201)
            #expect(try decode(created.bytes)["data"] == ["k": "v"])
            let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: w}\n"
            let updated = try await api.raw(
                .put, Self.maps + "/a", token: token, type: "application/yaml",
                headers: Self.accept("application/yaml"), body: Array(yaml.utf8))
            #expect(updated.code == 200)
            #expect(try YAML.documents(updated.bytes).first?["data"] == ["k": "w"])
            let refused = try await api.raw(
                .post, Self.maps, token: token, type: "text/plain", headers: [:], body: Array(yaml.utf8))
            #expect(refused.code == 415)
            let code = try await api.ask(.get, Self.maps, token: token, headers: Self.accept("text/html")).code
            #expect(code == 406)
        }
    }

    @Test func `how an eviction went is told in protobuf as it is in JSON`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("drainer", rules: [Self.all])
            try await api.server.client().create(ServiceAccount(namespace: "default", name: "default"))
            var pod = Pod(namespace: "default", name: "a")
            pod.value["spec"] = ["containers": [["name": "c", "image": "i"]]]
            try await api.server.client().create(pod)
            let eviction: Value = ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": "a"]]
            let answer = try await api.raw(
                .post, "/api/v1/namespaces/default/pods/a/eviction", token: token, type: "application/json",
                headers: Self.accept(Self.protobuf), body: eviction.json)
            #expect(answer.code == 201)
            #expect(try decode(answer.bytes)["status"] == "Success")
        }
    }

    @Test func `one object has no list's form and a list no object's`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.all])
            try await api.server.client().create(ConfigMap(namespace: "default", name: "a"))
            let one = try await api.ask(
                .get, Self.maps + "/a", token: token, headers: Self.form("PartialObjectMetadataList"))
            #expect(one.code == 406)
            #expect(one.text.contains("the requested object is not a list"))
            let list = try await api.ask(.get, Self.maps, token: token, headers: Self.form("PartialObjectMetadata"))
            #expect(list.code == 406)
            #expect(list.text.contains("the requested object is a list"))
            let content = try await api.ask(
                .get, Self.maps + "?includeObject=Some", token: token, headers: Self.form("Table"))
            #expect(content.code == 422)
        }
    }

    @Test func `only the first table of a watch says what its columns are`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.all])
            for name in ["a", "b"] { try await api.server.client().create(ConfigMap(namespace: "default", name: name)) }
            let path = Self.maps + "?watch=1&timeoutSeconds=1&allowWatchBookmarks=true"
            let text = try await api.ask(.get, path, token: token, headers: Self.form("Table")).text
            let columns = try text.split(separator: "\n").map {
                try Value(json: Array($0.utf8)).at("object", "columnDefinitions")?.array?.count ?? 0
            }
            #expect(columns.count >= 3)
            #expect(columns[0] > 0)
            #expect(columns.dropFirst().allSatisfy { $0 == 0 })
        }
    }

    @Test func `a long list is the same in slices, compressed, and by reference`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.all])
            let client = api.server.client()
            let filling = String(repeating: "x", count: 4000)
            for number in 0..<200 {
                _ = try await client.create(
                    Target(.configMaps, namespace: "default"),
                    ["metadata": ["name": .string("m\(number)")], "data": ["k": .string(filling)]], WriteOptions())
            }
            let plain = try await bytes(Self.maps, [:], api, token).bytes
            let names = try Value(json: plain)["items"]?.array?.map { $0.at("metadata", "name") }
            #expect((names?.count ?? 0) >= 200)
            let pretty = try await bytes(Self.maps + "?pretty=true", [:], api, token).bytes
            #expect(pretty.count > plain.count)
            #expect(try Value(json: pretty) == Value(json: plain))
            let table = try await bytes(Self.maps, Self.form("Table"), api, token).bytes
            #expect(try Value(json: table)["rows"]?.array?.map { $0.at("object", "metadata", "name") } == names)
            let binary = try await bytes(Self.maps, Self.accept(Self.protobuf), api, token).bytes
            #expect(try decode(binary)["items"]?.array?.map { $0.at("metadata", "name") } == names)
            let answer = try await api.send(.get, Self.maps, token: token, headers: ["Accept-Encoding": "gzip"])
            #expect(answer.headers["Content-Encoding"] == "gzip")
            #expect(answer.headers["Vary"] == "Accept-Encoding")
            let packed = try await answer.body.collect(limit: 1 << 20)
            #expect(packed.starts(with: [0x1F, 0x8B]))
            #expect(packed.count < plain.count / 10)
        }
    }

    @Test func `one large object is compressed like a long list`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [Self.all])
            for (name, size, encoding) in [("large", 200_000, "gzip"), ("small", 2000, nil)] as [(String, Int, String?)] {
                _ = try await api.server.client().create(
                    Target(.configMaps, namespace: "default"),
                    [
                        "metadata": ["name": .string(name)],
                        "data": ["k": .string(String(repeating: "x", count: size))],
                    ], WriteOptions())
                let path = Self.maps + "/" + name
                let plain = try await api.send(.get, path, token: token)
                #expect(plain.headers["Content-Encoding"] == nil)
                let answer = try await api.send(.get, path, token: token, headers: ["Accept-Encoding": "gzip"])
                #expect(answer.headers["Content-Encoding"] == encoding)
                let (whole, packed) = (try await plain.body.collect(limit: 1 << 20), try await answer.body.collect(limit: 1 << 20))
                #expect(encoding == nil ? packed == whole : GzipDecoder.unpack(packed, limit: 1 << 20) == whole)
            }
        }
    }

    @Test func `a long document that is made anew each time is compressed too`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token(
                "reader",
                rules: [["apiGroups": ["*"], "resources": ["*"], "verbs": ["list"]], ["nonResourceURLs": ["*"], "verbs": ["get"]]])
            for path in [
                "configmaps", "endpoints", "events", "limitranges", "namespaces", "nodes", "persistentvolumes", "pods",
                "podtemplates", "resourcequotas", "secrets", "serviceaccounts", "services", "replicationcontrollers",
            ] {
                #expect(try await api.ask(.get, "/api/v1/" + path, token: token).code == 200)
            }
            let answer = try await api.send(.get, "/metrics", token: token, headers: ["Accept-Encoding": "gzip"])
            #expect(answer.headers["Content-Encoding"] == "gzip")
            #expect(answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
            let text = GzipDecoder.unpack(try await answer.body.collect(limit: 1 << 20), limit: 8 << 20) ?? []
            #expect(String(decoding: text, as: UTF8.self).contains("\n# TYPE apiserver_request_total counter\n"))
        }
    }
}
