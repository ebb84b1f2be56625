import Host
import PKI
public import Support

/// Reads what is on disk, lets ``CredentialsPlan`` decide, and makes its changes durable.
public enum CredentialsStore {
    /// A server's credentials: read, completed and renewed as needed. When this returns they are on disk, but for
    /// the administrator's kubeconfig.
    ///
    /// Blocks its thread for disk and arithmetic, some tens of milliseconds at the first start, a few at
    /// later ones.
    public static func prepare(_ request: ServerCredentialsRequest) async throws(Fault) -> ServerCredentials {
        let found = try read(request)
        var plan = CredentialsPlan(request, found: found)
        // The one slow key is made beside everything else, writing included.
        let needsKey = plan.needsServiceAccountKey
        async let key = Result { () throws(Fault) in needsKey ? try PrivateKey.generateRSA2048() : nil }
        try makeDirectories(request)
        var credentials = try plan.make()
        try Files.change(plan.takeChanges())
        try plan.addServiceAccountKeys(try await key.get(), to: &credentials)
        try Files.change(plan.takeChanges())
        return credentials
    }

    /// Puts the administrator's kubeconfig where people look for it.
    ///
    /// For when the server has its port: a second one that cannot start must not leave behind a file that leads
    /// nobody to the first any more.
    public static func publish(_ credentials: ServerCredentials) throws(Fault) {
        try Files.change(credentials.publication)
    }

    private static func read(_ request: ServerCredentialsRequest) throws(Fault) -> FileSnapshot {
        var snapshot = FileSnapshot()
        let paths = request.paths
        var files = CredentialsPlan.componentPaths(paths)
        files += [
            paths.token, paths.passwords, paths.ipsecKey, paths.serviceKeys, paths.currentServiceKey,
            paths.serving, paths.servingMark, paths.nodePassword, paths.encryption, paths.encryptionState,
        ]
        for authority in Authority.allCases {
            files += [paths.certificate(authority), paths.key(authority)]
            if authority.hasSigningCopy {
                files += [paths.signingCertificate(authority), paths.agentCopy(authority)]
            }
        }
        for leaf in Leaf.allCases { files += [paths.certificate(leaf), paths.key(leaf)] }
        for path in files { snapshot.files[path] = try content(path) }
        for path in [paths.nodeToken, paths.agentToken, paths.kubeconfig] {
            guard let target = try? Files.target(ofLink: path) else { continue }
            snapshot.links[path] = target
        }
        if snapshot.links[paths.agentToken] == nil {
            snapshot.files[paths.agentToken] = try content(paths.agentToken)
        }
        return snapshot
    }

    private static func content(_ path: String) throws(Fault) -> [UInt8]? {
        do throws(Fault) {
            return try Files.read(path, limit: .mebibytes(1))
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }

    private static func makeDirectories(_ request: ServerCredentialsRequest) throws(Fault) {
        let paths = request.paths
        try Files.makeDirectory(request.dataDirectory, mode: 0o755)
        var closed = [paths.server, paths.tls, paths.cred]
        closed += Leaf.allCases.filter { !$0.isOnAgent }.map { Path.parent(of: paths.certificate($0)) }
        if request.includesAgent { closed.append(paths.agent) }
        let isWanted = { (path: String) in request.includesEtcd || Path.name(of: path) != "etcd" }
        for path in closed.withoutRepetition where isWanted(path) {
            try Files.makeDirectory(path, mode: 0o700)
        }
        let open = [paths.nodeDirectory, Path.parent(of: paths.kubeconfig)]
        for path in open + (request.kubeconfig.path.map { [Path.parent(of: $0)] } ?? []) {
            try Files.makeDirectory(path, mode: 0o755)
        }
    }
}
