import Support

extension CELLibrary {
    /// IP addresses and blocks of them.
    static let addresses: [CELFunction] = [
        CELFunction("ip", "(string) net.IP", "net.CIDR.() net.IP", cost: .text) { arguments throws(CELError) in
            if case .opaque(let block as AddressBlock) = arguments[0] {
                return .opaque(Address(address: block.prefix.address))
            }
            return .opaque(Address(address: try address(oneText(arguments))))
        },
        CELFunction("isIP", "(string) bool", cost: .text) { arguments throws(CELError) in
            .bool((try? address(oneText(arguments))) != nil)
        },
        CELFunction("ip.isCanonical", "(string) bool", cost: .twiceText) { arguments throws(CELError) in
            let text = try oneText(arguments)
            return .bool(try address(text).description == text)
        },
        CELFunction("cidr", "(string) net.CIDR", cost: .text) { arguments throws(CELError) in
            .opaque(AddressBlock(prefix: try block(oneText(arguments))))
        },
        CELFunction("isCIDR", "(string) bool", cost: .text) { arguments throws(CELError) in
            .bool((try? block(oneText(arguments))) != nil)
        },
        CELFunction("family", "net.IP.() int") { arguments throws(CELError) in
            guard case .opaque(let value as Address) = arguments[0] else { throw .noSuchOverload }
            return .int(value.address.family == .v4 ? 4 : 6)
        },
        test("isUnspecified") { $0.isUnspecified },
        test("isLoopback") { $0.isLoopback },
        test("isLinkLocalUnicast") { $0.isLinkLocal },
        test("isLinkLocalMulticast") { address in
            switch address {
            case .v4(let number): number >> 8 == 0xE00000
            case .v6(let high, _): high >> 56 == 0xFF && high >> 48 & 0xF == 2
            }
        },
        test("isGlobalUnicast") { $0.isGlobalUnicast },
        CELFunction("containsIP", "net.CIDR.(net.IP) bool", "net.CIDR.(string) bool", cost: .network(extra: false)) {
            arguments throws(CELError) in
            guard case .opaque(let block as AddressBlock) = arguments[0] else { throw .noSuchOverload }
            switch arguments[1] {
            case .opaque(let value as Address): return .bool(block.prefix.contains(value.address))
            case .string(let text): return .bool(block.prefix.contains(try address(text)))
            default: throw .noSuchOverload
            }
        },
        CELFunction("containsCIDR", "net.CIDR.(net.CIDR) bool", "net.CIDR.(string) bool", cost: .network(extra: true)) {
            arguments throws(CELError) in
            guard case .opaque(let outer as AddressBlock) = arguments[0] else { throw .noSuchOverload }
            let inner: IPPrefix
            switch arguments[1] {
            case .opaque(let value as AddressBlock): inner = value.prefix
            case .string(let text): inner = try block(text)
            default: throw .noSuchOverload
            }
            return .bool(outer.prefix.length <= inner.length && outer.prefix.contains(inner.first))
        },
        CELFunction("masked", "net.CIDR.() net.CIDR") { arguments throws(CELError) in
            guard case .opaque(let block as AddressBlock) = arguments[0] else { throw .noSuchOverload }
            return .opaque(AddressBlock(prefix: block.prefix.network))
        },
        CELFunction("prefixLength", "net.CIDR.() int") { arguments throws(CELError) in
            guard case .opaque(let block as AddressBlock) = arguments[0] else { throw .noSuchOverload }
            return .int(Int64(block.prefix.length))
        },
    ]

    private static func test(_ name: String, _ holds: @escaping @Sendable (IPAddress) -> Bool) -> CELFunction {
        CELFunction(name, "net.IP.() bool") { arguments throws(CELError) in
            guard case .opaque(let value as Address) = arguments[0] else { throw .noSuchOverload }
            return .bool(holds(value.address))
        }
    }

    /// IPv4 inside of IPv6 is refused: it would be another address than it looks.
    private static func address(_ text: String) throws(CELError) -> IPAddress {
        guard let address = IPAddress(text) else {
            throw CELError(
                "IP Address '\(text)' parse error during conversion from string: ParseAddr(\"\(text)\"): "
                    + "unable to parse IP")
        }
        if case .v6(0, let low) = address, low >> 32 == 0xFFFF {
            throw CELError("IPv4-mapped IPv6 address \"\(text)\" is not allowed")
        }
        return address
    }

    private static func block(_ text: String) throws(CELError) -> IPPrefix {
        guard let prefix = IPPrefix(text) else {
            throw CELError("network address parse error during conversion from string: netip.ParsePrefix(\"\(text)\")")
        }
        if case .v6(0, let low) = prefix.address, low >> 32 == 0xFFFF {
            throw CELError("IPv4-mapped IPv6 address \"\(text)\" is not allowed")
        }
        return prefix
    }
}

private struct Address: CELOpaque, Equatable, CustomStringConvertible {
    let address: IPAddress
    var typeName: String { "net.IP" }
    var size: Int { address.family.bitCount / 8 }
    var description: String { address.description }
}

private struct AddressBlock: CELOpaque, Equatable, CustomStringConvertible {
    let prefix: IPPrefix
    var typeName: String { "net.CIDR" }
    var size: Int { (prefix.length + 7) / 8 }
    var description: String { prefix.description }
}
