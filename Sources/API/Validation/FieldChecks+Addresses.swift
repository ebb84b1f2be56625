import APIMachinery
import Support

// Addresses of the Internet. Fields that are older than the strict rules take any spelling of an address that means
// the same everywhere; newer ones take the canonical spelling alone (KEP-4858).
extension FieldChecks {
    static let noAddress = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    private static let noBlock = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"

    /// The address, if it is one; says what is wrong with it.
    @discardableResult
    mutating func address(
        _ text: String, _ path: @autoclosure () -> String, isCanonical: Bool = false
    ) -> Support.IPAddress? {
        guard let address = Support.IPAddress(text) else {
            let leadingZeros = Support.IPAddress(Self.withoutLeadingZeros(text)) != nil
            invalid(path(), .string(text), leadingZeros ? "must not have leading 0s" : Self.noAddress)
            return nil
        }
        if address.isMapped {
            invalid(path(), .string(text), "must not be an IPv4-mapped IPv6 address")
        } else if isCanonical, address.description != text {
            invalid(path(), .string(text), "must be in canonical form (\"\(address)\")")
        }
        return address
    }

    /// The block, if it is one; says what is wrong with it.
    @discardableResult
    mutating func block(_ text: String, _ path: @autoclosure () -> String, isCanonical: Bool = false) -> IPPrefix? {
        guard let block = IPPrefix(text) else {
            let leadingZeros = IPPrefix(Self.withoutLeadingZeros(text)) != nil
            let why = leadingZeros ? "must not have leading 0s in IP or prefix length" : Self.noBlock
            invalid(path(), .string(text), why)
            return nil
        }
        if block.address.isMapped {
            invalid(path(), .string(text), "must not have an IPv4-mapped IPv6 address")
        } else if block.address != block.first {
            invalid(path(), .string(text), "must not have bits set beyond the prefix length")
        } else if isCanonical, block.description != text {
            invalid(path(), .string(text), "must be in canonical form (\"\(block)\")")
        }
        return block
    }

    /// Where clients are sent must be a host's own address (endpoints, external addresses of services).
    mutating func hostAddress(_ text: String, _ path: @autoclosure () -> String) {
        guard let address = Support.IPAddress(text) else {
            return invalid(path(), .string(text), "must be a valid IP address")
        }
        if address.isUnspecified { invalid(path(), .string(text), "may not be unspecified (\(text))") }
        if address.isLoopback {
            invalid(path(), .string(text), "may not be in the loopback range (127.0.0.0/8, ::1/128)")
        }
        if address.isLinkLocal {
            invalid(path(), .string(text), "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
        }
        if address.isLinkLocalMulticast {
            let why = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
            invalid(path(), .string(text), why)
        }
    }

    /// Whether these are exactly two addresses, one of each family.
    static func isDualStack(_ addresses: [Support.IPAddress]) -> Bool {
        addresses.count == 2 && Set(addresses.map(\.family)).count == 2
    }

    /// What a reader that ignores leading zeros takes the text for.
    private static func withoutLeadingZeros(_ text: String) -> String {
        guard !text.contains(":") else { return text }
        let parts = text.split(omittingEmptySubsequences: false) { $0 == "." || $0 == "/" }.map { part in
            let trimmed = part.drop { $0 == "0" }
            return trimmed.isEmpty && !part.isEmpty ? "0" : String(trimmed)
        }
        guard text.contains("/"), let length = parts.last else { return parts.joined(separator: ".") }
        return parts.dropLast().joined(separator: ".") + "/" + length
    }
}

extension Support.IPAddress {
    /// `::ffff:a.b.c.d`: an IPv4 address in the clothes of the other family.
    var isMapped: Bool {
        if case .v6(0, let low) = self { low >> 32 == 0xFFFF } else { false }
    }

    /// `224.0.0.0/24` and `ff02::/16`.
    var isLinkLocalMulticast: Bool {
        switch self {
        case .v4(let number): number >> 8 == 0xE00000
        case .v6(let high, _): high >> 48 & 0xFF0F == 0xFF02
        }
    }
}
