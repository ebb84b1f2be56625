import Host
import PKI

extension CredentialsPlan {
    private static let components: [(file: String, leaf: Leaf)] = [
        ("admin", .admin), ("supervisor", .supervisor), ("controller", .controllerManager),
        ("scheduler", .scheduler), ("api-server", .apiServerClient), ("cloud-controller", .cloudController),
    ]

    private static let agentComponents: [(file: String, leaf: Leaf)] = [
        ("kubelet", .nodeKubelet), ("kubeproxy", .nodeKubeProxy), ("k3scontroller", .nodeAgentController),
    ]

    /// One kubeconfig for each component: with paths, so that a renewed certificate needs no new file.
    mutating func writeComponentKubeconfigs() {
        for (file, leaf) in Self.components {
            write(
                component(leaf, paths.certificate(.server)), to: Path.join(paths.cred, file + ".kubeconfig"))
        }
        guard request.includesAgent else { return }
        for (file, leaf) in Self.agentComponents {
            write(component(leaf, paths.agentCopy(.server)), to: Path.join(paths.agent, file + ".kubeconfig"))
        }
    }

    /// Every place that holds a component's kubeconfig.
    static func componentPaths(_ paths: CredentialPaths) -> [String] {
        components.map { Path.join(paths.cred, $0.file + ".kubeconfig") }
            + agentComponents.map { Path.join(paths.agent, $0.file + ".kubeconfig") }
    }

    /// `k3s.yaml`, written at every start: its mode and group may have been asked for anew.
    ///
    /// Not among the plan's changes: see ``CredentialsStore/publish(_:)``.
    func publication(_ authority: CertificateAuthority, _ admin: Identity) -> [FileChange] {
        let options = request.kubeconfig
        let bytes = Kubeconfig.standalone(
            name: options.name, server: request.serverURL,
            authority: bundle(.server, authority), certificate: admin.certificatePEM, key: admin.keyPEM
        ).yaml
        // The owner stays who it is: all bits set mean "unchanged" (chown(2)).
        let owner = options.group.map { FileOwner(user: .max, group: $0) }
        let path = options.path ?? paths.kubeconfig
        let file = FileChange.write(path: path, bytes: bytes, mode: options.mode, owner: owner)
        guard path != paths.kubeconfig, found.links[paths.kubeconfig] != path else { return [file] }
        return [file, .link(path: paths.kubeconfig, target: path)]
    }

    private func component(_ leaf: Leaf, _ authority: String) -> [UInt8] {
        Kubeconfig.component(
            server: request.localURL, authority: authority, certificate: paths.certificate(leaf),
            key: paths.key(leaf)
        ).yaml
    }
}
