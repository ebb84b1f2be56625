import Runtime
import Support

/// Takes storage drivers into use: asks what they call this node, tells the API, and knows them from then on.
struct CSIRegistration: PluginHandler {
    let drivers: CSIDrivers
    let node: StorageNodeKeeper
    /// A driver came.
    let came: @Sendable (_ name: String) -> Void
    let connect: @Sendable (_ endpoint: String) -> any CSINodeService

    func register(_ plugin: RegisteredPlugin) async throws(Fault) {
        let (name, endpoint, versions) = (plugin.name, plugin.endpoint, plugin.info.supportedVersions)
        guard !versions.isEmpty else {
            throw Fault(
                .invalid,
                "validation failed for CSI Driver \(name) at endpoint \(endpoint): Plugin returned an empty list for "
                    + "supported versions")
        }
        guard versions.contains(where: Self.isSupported) else {
            throw Fault(
                .unsupported,
                "validation failed for CSI Driver \(name) at endpoint \(endpoint): None of the versions specified "
                    + "\(versions) are supported")
        }
        let service = connect(endpoint)
        do throws(Fault) {
            let info = try await service.info()
            try await node.install(name, info)
            drivers.add(CSIDrivers.Driver(name: name, socket: plugin.socket, service: service, info: info))
        } catch {
            service.close()
            throw error
        }
        came(name)
    }

    func deregister(_ plugin: RegisteredPlugin) async throws(Fault) {
        guard drivers[plugin.name]?.socket == plugin.socket else { return }
        try await node.uninstall(plugin.name)
        drivers.remove(plugin.name, socket: plugin.socket)
    }

    /// `1.0.0`, with or without `v` and its end: all of version 1 is one interface.
    static func isSupported(_ version: String) -> Bool {
        let digits = version.hasPrefix("v") ? version.dropFirst() : version[...]
        let numbers = digits.split(separator: ".", omittingEmptySubsequences: false)
        return (1...3).contains(numbers.count) && numbers.first == "1"
    }
}
