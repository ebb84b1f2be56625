import API
import APIMachinery
import Support
import Wire

/// `httpGet` of a probe or a hook: a GET to a container.
struct ContainerRequest: Hashable, Sendable {
    struct Header: Hashable, Sendable {
        var name: String
        var value: String
    }

    var isSecure: Bool
    var host: String
    var port: Int
    /// Path and query.
    var target: String
    var headers: [Header]
    /// Who asks.
    var agent: Agent

    enum Agent: String, Hashable, Sendable {
        case probe = "kube-probe/1.36"
        case hook = "kube-lifecycle/1.36"
    }

    /// To the pod unless the action names a host. Fails with `invalid` when its port has no number.
    init(_ action: HTTPGetAction, in container: Container, podIP: String, _ agent: Agent) throws(Fault) {
        let host = action.host.isEmpty ? podIP : action.host
        self.init(action, host: host, port: try container.number(ofPort: action.port), agent)
    }

    init(_ action: HTTPGetAction, host: String, port: Int, _ agent: Agent = .probe) {
        self.agent = agent
        isSecure = action.scheme.uppercased() == "HTTPS"
        self.host = host
        self.port = port
        target = action.path.hasPrefix("/") ? action.path : "/" + action.path
        headers = action.httpHeaders.map { Header(name: $0.name, value: $0.valueText) }
    }

    var url: String {
        "\(isSecure ? "https" : "http")://\(HTTPAddress.tcp(host: host, port: port))\(target)"
    }

    var request: HTTPClientRequest {
        let origin = HTTPOrigin(.tcp(host: host, port: port), isSecure: isSecure)
        return HTTPClientRequest(.get, origin, Self.escaped(target), headers: fields)
    }

    /// The headers of the action, and those that every request has unless it has its own; an own one that is
    /// empty is left out.
    private var fields: HTTPHeaders {
        var fields = HTTPHeaders()
        for header in headers { fields.add(header.name, header.value) }
        for (name, value) in [("User-Agent", agent.rawValue), ("Accept", "*/*")] {
            guard let own = fields[name] else {
                fields.add(name, value)
                continue
            }
            if own.isEmpty { fields[name] = nil }
        }
        return fields
    }

    /// Where an answer sends the client; `nil` when it is no redirect, or one to another host, which is not
    /// followed.
    func following(_ status: HTTPStatus, location: String?) -> ContainerRequest? {
        guard [301, 302, 303, 307, 308].contains(status.code), let location, !location.isEmpty else {
            return nil
        }
        var next = self
        if let slashes = Self.authorityStart(location) {
            let scheme = location.prefix { $0 != ":" && $0 != "/" }
            guard
                let parsed = try? HTTPClientRequest(
                    .get,
                    url: (scheme.isEmpty ? (isSecure ? "https" : "http") : scheme.lowercased()) + ":"
                        + slashes)
            else { return nil }
            guard case .tcp(let host, let port) = parsed.origin.address, host == self.host else { return nil }
            (next.port, next.isSecure, next.target) = (port, parsed.origin.isSecure, parsed.target)
        } else if location.hasPrefix("/") {
            next.target = location
        } else {
            let path = target.prefix { $0 != "?" }
            let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
            next.target = folder + location
        }
        next.target = String(next.target.prefix { $0 != "#" })
        return next
    }

    /// `//host/path` of an absolute or scheme-relative location.
    private static func authorityStart(_ location: String) -> Substring? {
        if location.hasPrefix("//") { return location[...] }
        for scheme in ["http:", "https:"] where location.lowercased().hasPrefix(scheme + "//") {
            return location.dropFirst(scheme.count)
        }
        return nil
    }

    /// What may not stand in a request line is percent-encoded; what is encoded stays.
    private static func escaped(_ target: String) -> String {
        var bytes: [UInt8] = []
        for byte in target.utf8 {
            if byte > 32, byte < 127, byte != UInt8(ascii: "#") {
                bytes.append(byte)
            } else {
                bytes += Array("%".utf8) + Array(Hex.encode([byte]).uppercased().utf8)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension HTTPClient {
    /// For one question to a container: whether it answers, not who it is. It keeps no connection, and may be sent
    /// on to HTTPS from HTTP.
    static func toContainer(within limit: Duration) throws(Fault) -> HTTPClient {
        var limits = HTTPClientLimits()
        limits.connectTimeout = limit
        limits.idlePerOrigin = 0
        return HTTPClient(tls: try TLSClientIdentity(isVerifying: false), limits: limits)
    }
}

extension Container {
    /// A port by its number, by the name that it has here, or by a text that is a number; `invalid` when it has
    /// none.
    func number(ofPort port: Value) throws(Fault) -> Int {
        let number: Int? =
            switch IntOrString(json: port) {
            case .int(let given): Int(given)
            case .string(let name): ports.first { $0.name == name }?.containerPort ?? Int(name)
            case nil: nil
            }
        guard let number, (1...65_535).contains(number) else {
            throw Fault(.invalid, "invalid port number: \(port)")
        }
        return number
    }
}
