import APIMachinery
import Support
import Wire

/// Reads the query of a connection as the API does, and writes the one that the kubelet is sent. Pure.
struct ConnectionQuery: Sendable {
    private(set) var items: [(name: String, value: String)] = []

    mutating func add(_ name: String, _ value: String) { items.append((name, value)) }

    /// What goes behind the path: empty, or beginning with `?`.
    var text: String {
        let pairs = items.map { PercentEncoding.encode($0.name) + "=" + PercentEncoding.encode($0.value) }
        return pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
    }
}

extension ConnectionQuery {
    /// `core/v1.PodLogOptions`, checked as Kubernetes checks them. 422 when they contradict themselves.
    init(log query: HTTPQuery) throws(Status) {
        var errors: [FieldError] = []
        for name in ["follow", "previous", "timestamps"] where query.flag(name) { add(name, "true") }
        for (name, least) in [("sinceSeconds", 1), ("tailLines", 0), ("limitBytes", 1)] {
            guard let number = try query.number(name) else { continue }
            if number < least {
                let rule = least == 0 ? "must be greater than or equal to 0" : "must be greater than 0"
                errors.append(.invalid(name, value: .integer(number), rule))
            }
            add(name, "\(number)")
        }
        if let text = query["sinceTime"], !text.isEmpty {
            guard Timestamp(text) != nil else { throw .badRequest("sinceTime: \"\(text)\" is no RFC 3339 time") }
            if query["sinceSeconds"].map({ !$0.isEmpty }) == true {
                errors.append(
                    .forbidden("sinceTime", "at most one of `sinceTime` or `sinceSeconds` may be specified"))
            }
            add("sinceTime", text)
        }
        let stream = query["stream"] ?? ""
        switch stream {
        case "", "All": break
        case "Stdout", "Stderr":
            if query["tailLines"].map({ !$0.isEmpty }) == true {
                errors.append(
                    .forbidden("tailLines", "`tailLines` and specific `stream` are mutually exclusive for now"))
            }
            add("stream", stream)
        default:
            errors.append(
                .notSupported("stream", value: .string(stream), supported: ["All", "Stderr", "Stdout"]))
        }
        guard errors.isEmpty else {
            throw .invalid(GroupVersionKind(apiVersion: "v1", kind: "PodLogOptions"), "", errors)
        }
    }

    /// `core/v1.PodExecOptions` and `PodAttachOptions`, under the names that kubelets know.
    init(command query: HTTPQuery) {
        for (name, kubeletName) in [("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty")]
        where query.flag(name) {
            add(kubeletName, "1")
        }
        for part in query.values(of: "command") { add("command", part) }
    }

    /// `core/v1.PodPortForwardOptions`; only WebSockets of the old kind name their ports here.
    init(portForward query: HTTPQuery) throws(Status) {
        for text in query.values(of: "ports").flatMap({ $0.split(separator: ",") }) {
            guard UInt16(text) != nil else { throw .badRequest("ports: \"\(text)\" is no port") }
            add("port", String(text))
        }
    }
}

extension HTTPQuery {
    /// A number; `nil` when it is absent or empty.
    func number(_ name: String) throws(Status) -> Int64? {
        guard let text = self[name], !text.isEmpty else { return nil }
        guard let number = Int64(text) else {
            throw .badRequest("strconv.ParseInt: parsing \"\(text)\": invalid syntax")
        }
        return number
    }
}
