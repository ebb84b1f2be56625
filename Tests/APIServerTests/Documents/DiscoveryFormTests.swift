import API
import APIMachinery
import Testing
import Wire

@testable import APIServer

/// In which form discovery and OpenAPI are answered.
@Suite(.timeLimit(.minutes(5))) struct DiscoveryFormTests {
    private static let all = "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    private static let protobuf = "application/vnd.kubernetes.protobuf"

    /// What client-go and kubectl send.
    private static let client = "application/json;\(all),application/json;g=apidiscovery.k8s.io;v=v2beta1;"
        + "as=APIGroupDiscoveryList,application/json"

    private func form(_ accept: String?, hasAggregated: Bool) -> String {
        guard let form = DiscoveryForm(accept: accept, hasAggregated: hasAggregated) else { return "-" }
        return "\(form.encoding)" + (form.isAggregated ? " of all" : "")
    }

    @Test(arguments: [
        (nil, "json", "json"), ("", "json", "json"), ("*/*", "json", "json"), ("application/*", "json", "json"),
        ("application/yaml", "yaml", "yaml"), (protobuf, "protobuf", "protobuf"), ("text/plain", "-", "-"),
        ("application", "-", "-"), ("application/json;stream=watch", "-", "-"),
        ("text/html, application/yaml;q=0.5, application/json;q=0.1", "yaml", "yaml"),
        (client, "json of all", "json"), ("application/json;\(all)", "json of all", "-"),
        ("application/json, \(protobuf);\(all)", "protobuf of all", "json"),
        ("application/yaml;\(all)", "yaml of all", "-"),
        ("application/json;g=apidiscovery.k8s.io;v=v1;as=APIGroupDiscoveryList", "-", "-"),
        ("application/json;as=Table;v=v1;g=meta.k8s.io", "-", "-"),
        ("application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io, \(protobuf)", "protobuf", "protobuf"),
    ] as [(String?, String, String)])
    func `the form that is wanted most is taken`(accept: String?, atRoots: String, below: String) {
        #expect(form(accept, hasAggregated: true) == atRoots)
        #expect(form(accept, hasAggregated: false) == below)
    }

    @Test(arguments: ["/api", "/apis", "/apis/", "/apis/apps", "/api/v1", "/apis/apps/v1"], [all, ""])
    func `every form says the same`(path: String, mark: String) async throws {
        guard mark.isEmpty || path.split(separator: "/").count == 1 else { return }
        try await TestAPI.run { api in
            let token = try await api.token("reader")
            func get(_ type: String) async throws -> [UInt8] {
                let accept = mark.isEmpty ? type : "\(type);\(mark)"
                let answer = try await api.send(.get, path, token: token, headers: ["Accept": accept])
                #expect(answer.status == .ok)
                #expect(answer.headers["Content-Type"] == accept)
                return try await answer.body.collect(limit: 1 << 20)
            }
            let json = try Value(json: try await get("application/json"))
            #expect(try YAML.documents(try await get("application/yaml")) == [json])
            let prefix = mark.isEmpty ? "io.k8s.apimachinery.pkg.apis.meta.v1." : "io.k8s.api.apidiscovery.v2."
            let read = try ProtobufEnvelope.decode(try await get(Self.protobuf)) { kind in
                BuiltinTypes.kubernetes.type(named: prefix + kind.kind)
            }
            #expect(read["kind"] == json["kind"])
            for list in ["items", "groups", "resources", "versions"] {
                #expect(read[list]?.array?.count == json[list]?.array?.count)
                #expect(Self.content(read[list]) == Self.content(json[list]))
            }
        }
    }

    /// Without what is empty, and in one order.
    private static func content(_ value: Value?) -> String {
        switch value {
        case .object(let fields)?:
            let parts = fields.map { ($0.key, content($0.value)) }.filter { !$0.1.isEmpty }.sorted { $0.0 < $1.0 }
            return parts.isEmpty ? "" : "{" + parts.map { "\($0.0)=\($0.1)" }.joined(separator: ",") + "}"
        case .array(let items)?: return items.isEmpty ? "" : "[" + items.map(content).joined(separator: ",") + "]"
        case .string(let text)?: return text
        case .bool(false)?, .null?, nil: return ""
        case let other?: return "\(other)"
        }
    }

    @Test(arguments: [
        ("/api", "application"), ("/apis", "text/plain"), ("/apis/apps", "text/html"), ("/apis/apps/v1", "image/png"),
        ("/openapi/v2", "application/xml"), ("/openapi/v3/apis/apps/v1", "application/xml"),
        ("/openapi/v3/apis/apps/v1", "application/com.github.proto-openapi.spec.v3@v1.0+protobuf"),
    ])
    func `what has no form that is accepted is not answered`(path: String, accept: String) async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader")
            let answer = try await api.send(.get, path, token: token, headers: ["Accept": accept])
            #expect(answer.status == .notAcceptable)
            let body = try await answer.body.collect(limit: 1 << 20)
            if path.hasPrefix("/openapi") {
                #expect(body.isEmpty)
            } else {
                #expect(try Value(json: body)["reason"] == "NotAcceptable")
            }
        }
    }

    @Test(arguments: ["/apis/none", "/openapi/v3/apis/none/v1"])
    func `what is not there is not found in whichever form`(path: String) async throws {
        try await TestAPI.run { api in
            let token = try await api.token("reader")
            #expect(try await api.ask(.get, path, token: token, headers: ["Accept": "text/html"]).code == 404)
        }
    }

    @Test(arguments: [
        (nil, "json"), ("*/*", "json"), ("application/xml", "-"), ("application/json, */*;q=0.1", "json"),
        ("application/com.github.proto-openapi.spec.v2@v1.0+protobuf", "protobuf"),
        ("application/com.github.proto-openapi.spec.v2.v1.0+protobuf, application/json;q=0.9", "protobuf"),
        ("application/com.github.proto-openapi.spec.v2@v1.0+protobuf;q=0.5, application/json", "json"),
    ] as [(String?, String)])
    func `OpenAPI 2 has two forms`(accept: String?, expected: String) {
        #expect(OpenAPI2.Form(accept: accept)?.rawValue ?? "-" == expected)
    }
}
