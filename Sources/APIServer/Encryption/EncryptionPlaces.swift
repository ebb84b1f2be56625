import APIMachinery

/// Which chain of providers seals the values of which keys of the log, by one configuration.
final class EncryptionPlaces: Sendable {
    private let configuration: EncryptionConfiguration
    /// By the place of a resource's objects, as `secrets` or `apps/deployments`.
    private let chains: [String: EncryptionChain?]

    init(_ configuration: EncryptionConfiguration, _ resources: [ObjectLog.Stored]) {
        self.configuration = configuration
        chains = Dictionary(uniqueKeysWithValues: resources.map { stored in
            (stored.prefix, configuration.chain(resource: stored.resource.resource, group: stored.resource.group))
        })
    }

    /// `nil` for what is stored as it is.
    func chain(of key: String) -> EncryptionChain? {
        guard key.hasPrefix(ObjectLog.root) else { return nil }
        let parts = key.dropFirst(ObjectLog.root.count).split(separator: "/", maxSplits: 2).map(String.init)
        guard parts.count > 1 else { return nil }
        for place in [parts[0], parts[0] + "/" + parts[1]] {
            if let chain = chains[place] { return chain }
        }
        // Custom resources are kept by group and plural.
        return configuration.chain(resource: parts[1], group: parts[0])
    }
}
