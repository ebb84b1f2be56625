import API
import Support
import Wire

/// `httpGet`: a GET whose answer decides.
struct HTTPProbe: Hashable, Sendable {
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

    init(_ action: HTTPGetAction, host: String, port: Int) {
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

    /// The headers of the probe, and those of every probe unless it has its own; an own one that is empty is
    /// left out.
    private var fields: HTTPHeaders {
        var fields = HTTPHeaders()
        for header in headers { fields.add(header.name, header.value) }
        for (name, value) in [("User-Agent", "kube-probe/1.36"), ("Accept", "*/*")] {
            guard let own = fields[name] else {
                fields.add(name, value)
                continue
            }
            if own.isEmpty { fields[name] = nil }
        }
        return fields
    }

    /// Where an answer sends the probe; `nil` when it is no redirect, or one to another host, which is not
    /// followed.
    func following(_ status: HTTPStatus, location: String?) -> HTTPProbe? {
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
