import Host
import PKI
import Support

extension CredentialsPlan {
    /// Whether there is no service account key yet.
    var needsServiceAccountKey: Bool { found.files[paths.serviceKeys] == nil }

    /// The keys of `service.key`, or the fresh one.
    mutating func addServiceAccountKeys(
        _ fresh: PrivateKey?, to result: inout ServerCredentials
    ) throws(Fault) {
        let keys: [PrivateKey]
        if let pem = found.files[paths.serviceKeys] {
            keys = try reading(paths.serviceKeys) { () throws(Fault) in try PrivateKey.all(pem: pem) }
        } else {
            keys = fresh.map { [$0] } ?? []
        }
        guard let current = keys.first else {
            throw Fault(
                .invalid, "\(paths.serviceKeys) holds no private key",
                remedy:
                    "restore it from a backup, or remove it: all service account tokens then become invalid")
        }
        if needsServiceAccountKey { write(try current.pem, to: paths.serviceKeys) }
        write(try current.pem, to: paths.currentServiceKey)
        result.serviceAccountKeys = keys
    }

    /// Tokens, passwords and keys that nodes and servers share.
    mutating func prepareTokens(
        _ authority: CertificateAuthority, into result: inout ServerCredentials
    ) throws(Fault) {
        var passwords = PasswordFile(found.files[paths.passwords] ?? [])
        let server =
            try Self.password(request.token) ?? passwords.password(of: "server")
            ?? ClusterToken.randomPassword()
        let node = try Self.password(request.agentToken) ?? server
        passwords.set("node", password: node, groups: "k3s:agent")
        passwords.set("server", password: server, groups: "k3s:server")
        write(passwords.bytes, to: paths.passwords)

        let hash = try ClusterToken.hash(ofAuthorities: bundle(.server, authority))
        func token(_ user: String, _ password: String) -> String {
            ClusterToken(authoritiesHash: hash, credential: .password(user: user, password: password)).text
        }
        result.passwords = passwords
        result.token = token("server", server)
        write(Array((result.token + "\n").utf8), to: paths.token)
        link(paths.nodeToken, to: Path.name(of: paths.token))
        if node == server {
            result.agentToken = result.token
            link(paths.agentToken, to: Path.name(of: paths.token))
        } else {
            result.agentToken = token("node", node)
            write(Array((result.agentToken + "\n").utf8), to: paths.agentToken)
        }
        result.nodePassword = keep(paths.nodePassword, hexBytes: 16, isLine: true)
        result.ipsecKey = keep(paths.ipsecKey, hexBytes: 48, isLine: false)
    }

    /// The front listener's certificate, as it was left, unless a mark asks for another.
    mutating func prepareServing(_ authority: CertificateAuthority) throws(Fault) -> ServingCertificate {
        let isMarked = found.files[paths.servingMark] != nil
        let old = isMarked ? nil : found.files[paths.serving].flatMap { ServingCertificate(secretJSON: $0) }
        var serving: ServingCertificate
        if let old { serving = old } else { serving = ServingCertificate(key: try .generateP256()) }
        let isChanged = try serving.add(
            names.apiServer.map(\.description), signedBy: authority, lifetime: request.leafLifetime,
            at: request.now)
        if isChanged || old == nil { write(serving.secretJSON, to: paths.serving) }
        if isMarked { append(.remove(path: paths.servingMark)) }
        return serving
    }

    /// The password of a token in any form. A bootstrap token is, for a server, a password like any other.
    private static func password(_ text: String?) throws(Fault) -> String? {
        guard let text else { return nil }
        switch try ClusterToken(text).credential {
        case .password(_, let password): return password
        case .bootstrap(let token): return token.text
        }
    }

    private mutating func keep(_ path: String, hexBytes: Int, isLine: Bool) -> String {
        if let line = found.line(path) { return line }
        let text = Secret.randomHex(bytes: hexBytes)
        write(Array((text + (isLine ? "\n" : "")).utf8), to: path)
        return text
    }
}
