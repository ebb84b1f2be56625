import APIMachinery
import Testing

@testable import APIServer

/// How an `Accept` header becomes the form of the answer.
@Suite struct ResponseFormatTests {
    private static let table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    private static let partial = "as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
    private static let protobuf = "application/vnd.kubernetes.protobuf"

    /// The form in one word, `-` for none.
    private func form(_ accept: String?, hasProtobuf: Bool = true, isStream: Bool = false) -> String {
        guard let format = ResponseFormat(accept: accept, hasProtobuf: hasProtobuf, isStream: isStream) else { return "-" }
        let version = format.shape == .object ? "" : "/" + format.metaVersion
        return "\(format.encoding) \(format.shape)\(version)" + (format.isPretty ? " pretty" : "")
    }

    @Test(arguments: [
        (nil, "json object"), ("", "json object"), ("*/*", "json object"), ("application/*", "json object"),
        ("application/json", "json object"), ("application/json;pretty=1", "json object pretty"),
        ("application/yaml", "yaml object"), (protobuf, "protobuf object"), ("text/html", "-"),
        ("text/html, */*;q=0.8", "json object"), ("application/json;q=0.5, application/yaml", "yaml object"),
        ("*/*, \(protobuf)", "protobuf object"), ("\(protobuf), application/json", "protobuf object"),
        ("application/json;as=Unknown;v=v1;g=meta.k8s.io", "-"),
        ("application/json;as=Table;v=v1;g=other", "-"), ("application/json;as=Table;v=v2;g=meta.k8s.io", "-"),
        ("application/json;as=Table;v=v2;g=meta.k8s.io, \(table)", "json table/v1"),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io", "json table/v1beta1"),
        ("\(protobuf);as=Table;v=v1;g=meta.k8s.io", "-"), ("application/yaml;as=Table;v=v1;g=meta.k8s.io", "yaml table/v1"),
        ("application/json;\(partial)", "json partialMetadata/v1"), ("\(protobuf);\(partial)", "protobuf partialMetadata/v1"),
        ("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", "json partialMetadataList/v1"),
        ("application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io", "-"),
    ] as [(String?, String)])
    func `the most wanted form that is written here is taken`(accept: String?, expected: String) {
        #expect(form(accept) == expected)
    }

    @Test func `a watch is never YAML`() {
        #expect(form("application/yaml", isStream: true) == "-")
        #expect(form("application/yaml, application/json", isStream: true) == "json object")
        #expect(form("\(Self.protobuf);stream=watch", isStream: true) == "protobuf object")
    }

    @Test func `what is only answered has no table`() {
        func encoding(_ accept: String) -> ResponseFormat.Encoding? {
            ResponseFormat(accept: accept, hasTable: false)?.encoding
        }
        #expect(encoding(Self.table) == nil)
        #expect(encoding("\(Self.table), application/yaml") == .yaml)
    }

    @Test(arguments: [
        (nil, "application/json"), ("text/html", "application/json"), (table, "application/json"),
        ("application/yaml", "application/yaml"), (protobuf, protobuf), ("\(protobuf);\(partial)", protobuf),
    ] as [(String?, String)])
    func `a failure is told in the encoding that is accepted`(accept: String?, expected: String) throws {
        let status = Status.noSuchPath.value
        let (type, bytes) = StatusForm.encode(status, accept: accept)
        #expect(type == expected)
        let read = try #require(StatusForm.decode(bytes, type))
        #expect(read["message"] == status["message"])
        #expect(read["code"] == 404)
    }

    @Test func `an object without protobuf goes out as what else is accepted, its metadata as protobuf all the same`() {
        #expect(form(Self.protobuf, hasProtobuf: false) == "-")
        #expect(form("\(Self.protobuf), application/json", hasProtobuf: false) == "json object")
        #expect(form("\(Self.protobuf);\(Self.partial)", hasProtobuf: false) == "protobuf partialMetadata/v1")
    }

    @Test(arguments: [
        (#"{}"#, "{}"), (#"{"a":[]}"#, "{\n  \"a\": []\n}"),
        (#"{"a":[1,{"b":"x,{\"]"}],"c":{}}"#,
         "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x,{\\\"]\"\n    }\n  ],\n  \"c\": {}\n}"),
    ])
    func `pretty JSON has two blanks a level, in whatever pieces it comes`(compact: String, expected: String) {
        var pretty = PrettyJSON()
        #expect(String(decoding: pretty.spread(compact.utf8), as: UTF8.self) == expected)
        var piecewise = PrettyJSON()
        let pieces = compact.utf8.flatMap { piecewise.spread([$0]) }
        #expect(String(decoding: pieces, as: UTF8.self) == expected)
    }

    @Test func `pretty JSON of what is deep is not blanks above all`() {
        var pretty = PrettyJSON()
        let deep = String(repeating: "[1,", count: 500) + "1" + String(repeating: "]", count: 500)
        #expect(pretty.spread(deep.utf8).count < 200_000)
    }
}
