public import Support

/// How the namespaces of a k3s without root are made, as variables of the environment say it (k3s
/// documentation, "Running Rootless Servers (Experimental)").
public struct RootlessSettings: Hashable, Sendable {
    /// Bytes that the namespace's network takes at once.
    public var mtu = 65520
    /// The namespace's own network, between it and slirp4netns.
    public var network: IPPrefix
    public var hasIPv6 = false
    /// Whether the host's loopback cannot be reached from within.
    public var isHostLoopbackDisabled = true
    /// Directories that are copied up beside those that always are.
    public var copiedUp: [String] = []
    /// Sentences about what was said and does not hold.
    public var warnings: [String] = []

    /// The variables that count.
    public static let variables = [
        "K3S_ROOTLESS_MTU", "K3S_ROOTLESS_CIDR", "K3S_ROOTLESS_ENABLE_IPV6", "K3S_ROOTLESS_PORT_DRIVER",
        "K3S_ROOTLESS_DISABLE_HOST_LOOPBACK", "K3S_ROOTLESS_COPYUPDIRS",
    ]

    /// As in k3s a number or a truth value that cannot be read is told and does not count, and a network that
    /// is none ends the start.
    public init(_ environment: [String: String]) throws(Fault) {
        network = try Self.network(
            environment["K3S_ROOTLESS_CIDR"].flatMap { $0.isEmpty ? nil : $0 } ?? "10.41.0.0/16")
        func text(_ name: String) -> String? {
            environment["K3S_ROOTLESS_" + name].flatMap { $0.isEmpty ? nil : $0 }
        }
        if let value = text("MTU") {
            // slirp4netns takes no more, and IPv4 needs as much (RFC 791).
            if let number = Int(value), 576...65521 ~= number {
                mtu = number
            } else {
                ignore("MTU", value, "\(mtu)")
            }
        }
        if let value = text("ENABLE_IPV6") { hasIPv6 = truth("ENABLE_IPV6", value, hasIPv6) }
        if let value = text("DISABLE_HOST_LOOPBACK") {
            isHostLoopbackDisabled = truth("DISABLE_HOST_LOOPBACK", value, isHostLoopbackDisabled)
        }
        if let value = text("PORT_DRIVER"), value.lowercased() != "builtin" {
            warnings.append(
                "K3S_ROOTLESS_PORT_DRIVER=\(value) changes nothing in this version: k3s listens on the host itself"
            )
        }
        copiedUp = text("COPYUPDIRS").map { $0.split(separator: ",").map(String.init) } ?? []
    }

    private mutating func ignore(_ name: String, _ value: String, _ used: String) {
        warnings.append("K3S_ROOTLESS_\(name)=\(value) cannot be understood: \(used) is used")
    }

    /// As Go's `strconv.ParseBool` has it.
    private mutating func truth(_ name: String, _ value: String, _ standard: Bool) -> Bool {
        switch value {
        case "1", "t", "T", "TRUE", "true", "True": return true
        case "0", "f", "F", "FALSE", "false", "False": return false
        default:
            ignore(name, value, "\(standard)")
            return standard
        }
    }

    private static func network(_ text: String) throws(Fault) -> IPPrefix {
        guard let prefix = IPPrefix(text), prefix.family == .v4 else {
            throw Fault(.invalid, "K3S_ROOTLESS_CIDR=\(text) is no network of IPv4, such as 10.41.0.0/16")
        }
        guard prefix == prefix.network else {
            throw Fault(
                .invalid, "K3S_ROOTLESS_CIDR=\(text): host identifier bits must not be set in CIDR prefix",
                remedy: "say \(prefix.network)")
        }
        // Its hundredth address is the namespace's.
        guard 1...25 ~= prefix.length else {
            throw Fault(.invalid, "K3S_ROOTLESS_CIDR=\(text) must have between 1 and 25 bits in common")
        }
        return prefix
    }

    // MARK: What follows

    /// The namespace's only link to the world.
    public static let device = "tap0"

    /// Where names are asked for: slirp4netns asks the host's servers.
    public var nameServer: IPAddress { network.first.advanced(by: 3) ?? network.first }

    /// The arguments of slirp4netns(1), which connects the network namespace of a process and says on its
    /// descriptor 3 when that stands.
    public func slirpArguments(process: Int32) -> [String] {
        var words = ["--configure", "--mtu=\(mtu)", "--cidr=\(network)", "--ready-fd=3"]
        if isHostLoopbackDisabled { words.append("--disable-host-loopback") }
        if hasIPv6 { words.append("--enable-ipv6") }
        return words + ["\(process)", Self.device]
    }
}
