import Support
import Wire

/// With what somebody tried to say who they are, as the audit event of one who was not believed tells it.
struct AuthenticationAttempt: Hashable, Sendable {
    /// `basic`, `bearer`, `access_token`, `x509`: what the request carried, whether this server heeds it or not.
    let methods: [String]

    init(_ request: HTTPRequest) {
        var methods: [String] = []
        let words = (request.headers["Authorization"] ?? "").trimmed
            .split(separator: " ", omittingEmptySubsequences: false)
        if words.count == 2, words[0].lowercased() == "basic", Self.isNameAndPassword(words[1]) { methods.append("basic") }
        if words.count > 1, words[0].lowercased() == "bearer" { methods.append("bearer") }
        if let token = request.query["access_token"], !token.trimmed.isEmpty { methods.append("access_token") }
        if !request.peerCertificates.isEmpty { methods.append("x509") }
        self.methods = methods
    }

    private static func isNameAndPassword(_ text: Substring) -> Bool {
        Base64.decode(text)?.contains(UInt8(ascii: ":")) == true
    }

    /// Whether there was something that this server looks at.
    var isHeeded: Bool { methods.contains("bearer") || methods.contains("x509") }

    var message: String {
        methods.isEmpty
            ? "Authentication failed, no credentials provided"
            : "Authentication failed, attempted: \(methods.joined(separator: ", "))"
    }
}

extension String {
    fileprivate var trimmed: Substring {
        let start = drop { $0.isWhitespace }
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return start.prefix(0) }
        return start[...last]
    }
}
