import APIMachinery
import PKI
import Support

extension JWTIssuer {
    /// Reads an entry of the file. Faults begin with the path of the part at fault.
    init(_ value: Value, own: [String]) throws(Fault) {
        let issuer = value["issuer"] ?? .emptyObject
        url = issuer["url"]?.string ?? ""
        guard !own.contains(url) else {
            throw Fault(
                .invalid, "issuer.url: URL must not overlap with disallowed issuers: [\(own.joined(separator: " "))]")
        }
        try Self.check(url, "issuer.url")
        let asked = issuer["discoveryURL"]?.string ?? ""
        if asked.isEmpty {
            discoveryURL = Self.discoveryURL(of: url)
        } else {
            try Self.check(asked, "issuer.discoveryURL")
            guard Self.trimmed(asked) != Self.trimmed(url) else {
                throw Fault(.invalid, "issuer.discoveryURL: discoveryURL must be different from URL")
            }
            discoveryURL = asked
        }
        audiences = (issuer["audiences"]?.array ?? []).compactMap(\.string)
        guard !audiences.isEmpty, !audiences.contains(""), Set(audiences).count == audiences.count else {
            throw Fault(.invalid, "issuer.audiences: at least one is required, none empty and none twice")
        }
        let policy = issuer["audienceMatchPolicy"]?.string ?? ""
        guard policy == "MatchAny" || (policy.isEmpty && audiences.count == 1) else {
            throw Fault(
                .invalid,
                audiences.count > 1
                    ? "issuer.audienceMatchPolicy: audienceMatchPolicy must be MatchAny for multiple audiences"
                    : "issuer.audienceMatchPolicy: audienceMatchPolicy must be empty or MatchAny for single audience")
        }
        // Both ways lead over the host's own network here.
        let egress = issuer["egressSelectorType"]?.string ?? ""
        guard ["", "controlplane", "cluster"].contains(egress) else {
            throw Fault(.invalid, "issuer.egressSelectorType: egress selector must be either controlplane or cluster")
        }
        authorities = try Self.authorities(issuer["certificateAuthority"]?.string ?? "")
        claims = try ClaimRules(value)
    }

    static func check(_ url: String, _ path: String) throws(Fault) {
        guard !url.isEmpty else { throw Fault(.invalid, "\(path): Required value") }
        guard url.hasPrefix("https://"), url.utf8.count > 8 else {
            throw Fault(.invalid, "\(path): URL scheme must be https")
        }
        for (part, why) in [
            ("@", "URL must not contain a username or password"), ("?", "URL must not contain a query"),
            ("#", "URL must not contain a fragment"),
        ] where url.contains(part) {
            throw Fault(.invalid, "\(path): \(why)")
        }
    }

    static func authorities(_ pem: String) throws(Fault) -> [UInt8]? {
        guard !pem.isEmpty else { return nil }
        let bytes = Array(pem.utf8)
        guard let certificates = try? Certificate.all(pem: bytes), !certificates.isEmpty else {
            throw Fault(.invalid, "issuer.certificateAuthority: it holds no certificate that can be read")
        }
        return bytes
    }

    private static func trimmed(_ url: String) -> Substring {
        url[..<(url.lastIndex { $0 != "/" }.map(url.index(after:)) ?? url.startIndex)]
    }
}
