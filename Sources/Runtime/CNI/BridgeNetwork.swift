public import APIMachinery
public import Support

import Host

/// The network of the pods of one node: a bridge, and the node's share of the cluster's addresses.
///
/// It writes the list of plugins that the runtime runs for each sandbox (CNI specification, version 1.0.0).
/// k3s leaves it to the `flannel` plugin to fill the same bridge in; this writes what that plugin would,
/// under the same names, so that the addresses that are handed out, and the files that record them, stay the
/// same.
public struct BridgeNetwork: Hashable, Sendable {
    /// Of the network: the folder of its addresses has this name.
    public var name = "cbr0"
    public var bridge = "cni0"
    /// The node's share (`spec.podCIDRs`), one of each family.
    public var podCIDRs: [IPPrefix]
    /// The largest packet that reaches pods of other nodes unbroken; `nil` takes the bridge's own.
    public var mtu: Int?
    /// Where the addresses that are handed out are recorded.
    public var addressFolder = "/var/lib/cni/networks"
    /// Whether the plugin is there that limits the bandwidth of pods.
    public var hasBandwidthPlugin = true

    public init(podCIDRs: [IPPrefix], mtu: Int? = nil) {
        self.podCIDRs = podCIDRs
        self.mtu = mtu
    }

    /// The file's name is the one that k3s gives it, since people and scripts know it.
    public static let fileName = "10-flannel.conflist"

    /// The content of the file.
    public var configuration: Value {
        var bridge: Fields = [
            "type": "bridge", "bridge": .string(self.bridge), "hairpinMode": true, "forceAddress": true,
            "isDefaultGateway": true,
        ]
        if let mtu { bridge["mtu"] = .integer(Int64(mtu)) }
        bridge["ipam"] = [
            "type": "host-local", "dataDir": .string(addressFolder),
            // One range in each set: the plugin takes an address from every set.
            "ranges": .array(podCIDRs.map { [["subnet": .string($0.description)]] }),
        ]
        // Host ports are the service proxy's, which needs no iptables: there is no `portmap` here.
        var plugins: [Value] = [.object(bridge)]
        if hasBandwidthPlugin { plugins.append(["type": "bandwidth", "capabilities": ["bandwidth": true]]) }
        return ["name": .string(name), "cniVersion": "1.0.0", "plugins": .array(plugins)]
    }

    /// Writes the file, unless it is so already. The runtime reads it at once; sandboxes that run keep what
    /// they have.
    public func write(to folder: String) throws(Fault) {
        try Files.makeDirectory(folder, mode: 0o700)
        let path = Path.join(folder, Self.fileName)
        let content = configuration.json
        if let present = try? Files.read(path), present == content { return }
        try Files.write(content, to: path, mode: 0o600)
    }
}
