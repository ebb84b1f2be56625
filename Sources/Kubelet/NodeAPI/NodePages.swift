import APIMachinery
import Support
import Wire

/// What a kubelet tells of itself on `/statusz` and `/flagz`, for people as text and for programs as objects (Kubernetes
/// documentation, "Kubernetes z-pages"; KEP-4827, KEP-4828). Pure.
struct NodePages: Sendable {
    /// One page in both ways.
    struct Page: Hashable, Sendable {
        var kind: String
        /// Behind the heading.
        var text: String
        /// Without what all such objects have.
        var fields: Value
    }

    /// As a client wants it.
    enum Form: Hashable, Sendable {
        case text
        /// Of this version of the group `config.k8s.io`.
        case json(String)
        case yaml(String)
    }

    private static let group = "config.k8s.io"
    private static let paths = ["/configz", "/flagz", "/healthz", "/metrics", "/pods", "/stats", "/statusz"]

    /// Of the program: `v1.36.3+k3s1`.
    var version: String
    var flags: [String: String]
    /// When the program began, by the clock of the day and by one that nobody sets.
    var start: Timestamp
    var startSinceBoot: Timestamp

    /// There is no version of Go to tell.
    func status(at sinceBoot: Timestamp) -> Page {
        let seconds = max(0, sinceBoot.seconds - startSinceBoot.seconds)
        let binary = version.hasPrefix("v") ? String(version.dropFirst()) : version
        let emulated = binary.split(separator: ".").prefix(2).joined(separator: ".")
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let uptime = "\(seconds / 3600) hr \(two(seconds / 60 % 60)) min \(two(seconds % 60)) sec"
        let lines = [
            "", "Started: " + Self.unixDate(start), "Up: " + uptime, "Binary version: " + binary,
            "Emulation version: " + emulated, "Paths: " + Self.paths.joined(separator: " "), "",
        ]
        return Page(
            kind: "Statusz", text: lines.joined(separator: "\n"),
            fields: [
                "startTime": .string("\(start)"), "uptimeSeconds": .integer(seconds), "binaryVersion": .string(binary),
                "emulationVersion": .string(emulated), "paths": Value(Self.paths),
            ])
    }

    var flagList: Page {
        let sorted = flags.sorted { $0.key < $1.key }
        let text = sorted.map { "\($0.key)=\($0.value)\n" }.joined()
        let list = Value.object(Fields(sorted.map { ($0.key, Value.string($0.value)) }))
        return Page(kind: "Flagz", text: text, fields: ["flags": list])
    }

    /// `nil` when nothing is accepted that is written here. An object must be asked for by group, version and kind.
    static func form(accept: String?, kind: String) -> Form? {
        guard let accept, accept.contains(where: { $0 != " " }) else { return .text }
        for item in HTTPFieldValue.list(accept) {
            let words = HTTPFieldValue.parameters(item)
            let type = words.first?.lowercased() ?? ""
            let version = words.first(where: { $0.hasPrefix("v=") }).map { String($0.dropFirst(2)) } ?? ""
            let isNamed = words.contains("g=" + group) && words.contains("as=" + kind)
            let isObject = isNamed && ["v1alpha1", "v1beta1"].contains(version)
            switch type {
            case "application/json" where isObject: return .json(version)
            case "application/yaml" where isObject: return .yaml(version)
            case "text/plain" where !isNamed, "text/*" where !isNamed, "*/*" where !isNamed: return .text
            default: continue
            }
        }
        return nil
    }

    /// The heading is that of Kubernetes.
    static func text(_ page: Page) -> String {
        "\nkubelet \(page.kind.lowercased())\nWarning: This endpoint is not meant to be machine parseable, has no formatting "
            + "compatibility guarantees and is for debugging purposes only.\n" + page.text
    }

    static func object(_ page: Page, version: String) -> Value {
        var object: Value = [
            "kind": .string(page.kind), "apiVersion": .string(group + "/" + version), "metadata": ["name": "kubelet"],
        ]
        for (name, value) in page.fields.fields ?? Fields() { object[name] = value }
        return object
    }

    /// `Sun Nov  6 08:49:37 UTC 1994`
    private static func unixDate(_ time: Timestamp) -> String {
        let words = HTTPDate.text(time).split { $0 == " " || $0 == "," }
        guard words.count == 6 else { return time.description }
        let day = words[1].hasPrefix("0") ? " " + words[1].dropFirst() : String(words[1])
        return "\(words[0]) \(words[2]) \(day) \(words[4]) UTC \(words[3])"
    }
}

extension NodeAPI {
    /// Answers with a page in the form that the client accepts.
    func send(_ page: NodePages.Page, _ request: HTTPRequest, _ exchange: HTTPExchange) throws(NodeFailure) {
        switch NodePages.form(accept: request.headers["Accept"], kind: page.kind) {
        case .text:
            exchange.respond(.ok, ["Content-Type": "text/plain; charset=utf-8"], Array(NodePages.text(page).utf8))
        case .json(let version):
            exchange.respond(
                .ok, ["Content-Type": "application/json"], NodePages.object(page, version: version).json)
        case .yaml(let version):
            let text = YAML.emit(NodePages.object(page, version: version))
            exchange.respond(.ok, ["Content-Type": "application/yaml"], Array(text.utf8))
        case nil:
            throw NodeFailure(
                .notAcceptable,
                "only the following media types are accepted: application/json, application/yaml, text/plain")
        }
    }
}
