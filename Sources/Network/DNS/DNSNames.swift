import API
import Support
import Wire

/// What the DNS knows about one node: k3s lets pods find nodes by name.
struct NodeNames: Hashable, Sendable {
    /// In lower case; the node's own name first.
    var names: [String]
    var addresses: [IPAddress]

    init(_ node: Node) {
        let others = node.status.addresses.filter { $0.type == "Hostname" || $0.type == "InternalDNS" }
        var names = [node.metadata.name.lowercased()]
        for name in others.map({ $0.address.lowercased() }) where !names.contains(name) { names.append(name) }
        self.names = names
        addresses = node.status.addresses.filter { $0.type == "InternalIP" }.compactMap {
            IPAddress($0.address)
        }
    }
}

extension IPAddress {
    /// Reads `10-42-0-5`, or an IPv6 address with dashes in the place of colons.
    init?(dashed label: String) {
        let parts = label.utf8.count { $0 == UInt8(ascii: "-") }
        if parts == 3, let address = IPAddress(label.map { $0 == "-" ? "." : $0 }.text) {
            self = address
        } else if let address = IPAddress(label.map { $0 == "-" ? ":" : $0 }.text), address.family == .v6 {
            self = address
        } else {
            return nil
        }
    }

    /// Reads `5.0.42.10.in-addr.arpa`, or the 32 digits of an address below `ip6.arpa` (RFC 3596, section
    /// 2.5).
    init?(reverseName name: DNSName) {
        let labels = name.labels.map { String(decoding: $0, as: UTF8.self).lowercased() }
        switch labels.suffix(2) {
        case ["in-addr", "arpa"] where labels.count == 6:
            self.init(labels.prefix(4).reversed().joined(separator: "."))
        case ["ip6", "arpa"] where labels.count == 34:
            let digits = labels.prefix(32).reversed().compactMap {
                $0.count == 1 ? UInt8($0, radix: 16) : nil
            }
            guard digits.count == 32 else { return nil }
            self.init(bytes: stride(from: 0, to: 32, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
        default: return nil
        }
    }
}

extension [Character] {
    fileprivate var text: String { String(self) }
}
