import Host
import PKI
import Support

/// Decides, from what is on disk and what is asked for, which credentials are kept, made again or new.
///
/// It touches no disk: ``changes`` says what has to be written, in an order in which a crash between two of
/// them does no harm (a key before its certificate, an authority before its leaves). Fresh keys come from
/// libcrypto as they are needed, except the service account key: it takes longest, so the caller makes it
/// meanwhile.
struct CredentialsPlan {
    let request: ServerCredentialsRequest
    let paths: CredentialPaths
    let found: FileSnapshot
    let names: ServerNames
    private(set) var changes: [FileChange] = []

    init(_ request: ServerCredentialsRequest, found: FileSnapshot) {
        self.request = request
        self.found = found
        paths = request.paths
        names = ServerNames(request: request)
    }

    /// All credentials but the service account keys, which ``addServiceAccountKeys(_:to:)`` adds.
    mutating func make() throws(Fault) -> ServerCredentials {
        var authorities: [Authority: CertificateAuthority] = [:]
        for authority in Authority.allCases where !authority.isEtcd || request.includesEtcd {
            authorities[authority] = try prepare(authority)
        }
        var identities: [Leaf: Identity] = [:]
        var renewed: [Leaf] = []
        for leaf in Leaf.allCases {
            guard let authority = authorities[leaf.authority], request.includesAgent || !leaf.isOnAgent else {
                continue
            }
            let (identity, reason) = try prepare(leaf, authority)
            identities[leaf] = identity
            if reason != nil { renewed.append(leaf) }
        }
        guard let server = authorities[.server], let admin = identities[.admin] else {
            preconditionFailure("every server has these")
        }
        var result = ServerCredentials(serving: try prepareServing(server))
        result.authorities = authorities
        result.identities = identities
        result.renewed = renewed
        try prepareTokens(server, into: &result)
        prepareEncryption(into: &result)
        if request.includesAgent { copyAuthorities(authorities) }
        writeComponentKubeconfigs()
        result.publication = publication(server, admin)
        return result
    }

    /// Writes a file unless it is there with this content.
    mutating func write(_ bytes: [UInt8], to path: String, mode: FileMode = 0o600) {
        guard found.files[path] != bytes || found.links[path] != nil else { return }
        changes.append(.write(path: path, bytes: bytes, mode: mode))
    }

    /// Makes a symbolic link unless it is there.
    mutating func link(_ path: String, to target: String) {
        guard found.links[path] != target else { return }
        changes.append(.link(path: path, target: target))
    }

    /// The changes so far, which are the caller's now.
    mutating func takeChanges() -> [FileChange] {
        defer { changes = [] }
        return changes
    }

    mutating func append(_ change: FileChange) { changes.append(change) }

    /// The bundle of an authority as its file has it, whatever else people wrote there.
    func bundle(_ authority: Authority, _ made: CertificateAuthority) -> [UInt8] {
        found.files[paths.certificate(authority)] ?? made.pem
    }
}

extension ServerCredentialsRequest {
    var paths: CredentialPaths {
        CredentialPaths(dataDirectory: dataDirectory, configDirectory: configDirectory)
    }
}
