import Wire

/// Which headers a proxy passes on. Pure.
enum PassedHeaders {
    /// Headers of one connection, not of the message (RFC 9110, section 7.6.1), and those that the framing sets anew.
    private static let ownOfConnection: Set<String> = [
        "connection", "content-length", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    /// A request's headers for the next server: without the client's credentials for this one, whom it asked this one to
    /// take it for, and what only a proxy may say of users. `Upgrade` stays if the connection is to be upgraded.
    static func request(_ headers: HTTPHeaders, isUpgrade: Bool, keepsHost: Bool) -> HTTPHeaders {
        var passed = endToEnd(headers) {
            !$0.hasPrefix(Impersonation.headerPrefix) && !HTTPHeaders.vouchesForUser($0)
        }
        passed.remove("Authorization")
        if !keepsHost { passed.remove("Host") }
        if isUpgrade { passed["Upgrade"] = headers["Upgrade"] }
        WebSocketToken.remove(from: &passed)
        return passed
    }

    /// A response's headers for the client.
    static func response(_ headers: HTTPHeaders) -> HTTPHeaders { endToEnd(headers) }

    /// The same of what is behind a proxy, which does not decide whose pages may use this server from a browser.
    static func proxied(_ headers: HTTPHeaders) -> HTTPHeaders {
        endToEnd(headers) { !crossOrigin.contains($0) }
    }

    /// What a server allows the pages of others (Fetch standard, "CORS protocol").
    private static let crossOrigin: Set<String> = [
        "access-control-allow-credentials", "access-control-allow-headers", "access-control-allow-methods",
        "access-control-allow-origin",
    ]

    /// The headers of the answer that switches protocols.
    static func upgraded(_ headers: HTTPHeaders) -> HTTPHeaders {
        var passed = endToEnd(headers)
        passed["Upgrade"] = headers["Upgrade"]
        return passed
    }

    /// `isMeant` is asked of names in lower case.
    private static func endToEnd(_ headers: HTTPHeaders, isMeant: (String) -> Bool = { _ in true }) -> HTTPHeaders {
        let named = headers.values(of: "Connection").flatMap { HTTPFieldValue.list($0.lowercased()) }
        let dropped = ownOfConnection.union(named)
        var passed = HTTPHeaders()
        for (name, value) in headers {
            let lowercase = name.lowercased()
            if !dropped.contains(lowercase), isMeant(lowercase) { passed.add(name, value) }
        }
        return passed
    }
}
