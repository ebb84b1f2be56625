extension IPAddress: CustomStringConvertible {
    /// Dotted decimal for IPv4, the canonical form of RFC 5952 for IPv6.
    public var description: String {
        switch self {
        case .v4(let number):
            return stride(from: 24, through: 0, by: -8).map { String(number >> $0 & 255) }.joined(
                separator: ".")
        case .v6(0, let low) where low >> 32 == 0xFFFF:
            return "::ffff:\(IPAddress.v4(UInt32(truncatingIfNeeded: low)))"
        case .v6(let high, let low):
            return formatIPv6(groups(high) + groups(low))
        }
    }

    /// Reads dotted decimal without leading zeros, or any text form of RFC 4291 section 2.2, without a zone.
    public init?(_ text: some StringProtocol) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let groups = parseIPv6(text) else { return nil }
            self = .v6(high: number(groups[..<4]), low: number(groups[4...]))
        } else {
            guard let parsed = parseIPv4(text) else { return nil }
            self = .v4(parsed)
        }
    }
}

private func groups(_ half: UInt64) -> [UInt16] {
    stride(from: 48, through: 0, by: -16).map { UInt16(truncatingIfNeeded: half >> $0) }
}

private func number(_ groups: some Sequence<UInt16>) -> UInt64 {
    groups.reduce(0) { $0 << 16 | UInt64($1) }
}

/// The longest run of two or more zero groups, the first of equals, becomes `::` (RFC 5952, section 4.2).
private func formatIPv6(_ groups: [UInt16]) -> String {
    var (best, run) = (0..<0, 0..<0)
    for (index, group) in groups.enumerated() {
        run = group == 0 ? (run.isEmpty ? index..<index + 1 : run.lowerBound..<index + 1) : 0..<0
        if run.count > max(best.count, 1) { best = run }
    }
    func text(_ part: some Sequence<UInt16>) -> String {
        part.map { String($0, radix: 16) }.joined(separator: ":")
    }
    guard !best.isEmpty else { return text(groups) }
    return text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
}

private func parseIPv4(_ text: some StringProtocol) -> UInt32? {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var number: UInt32 = 0
    for part in parts {
        guard part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
        guard part.count <= 3, let byte = digits(part, radix: 10), byte <= 255 else { return nil }
        number = number << 8 | UInt32(byte)
    }
    return number
}

private func parseIPv6(_ text: some StringProtocol) -> [UInt16]? {
    var rest = Array(text.utf8)[...]
    var tail: [UInt16] = []
    // A dotted tail stands for the last two groups.
    if rest.contains(UInt8(ascii: ".")), let colon = rest.lastIndex(of: UInt8(ascii: ":")) {
        guard let v4 = parseIPv4(String(decoding: rest[(colon + 1)...], as: UTF8.self)) else { return nil }
        tail = [UInt16(truncatingIfNeeded: v4 >> 16), UInt16(truncatingIfNeeded: v4)]
        rest = rest[...colon]
        // The colon before it only separates, unless it is half of `::`.
        if !rest.dropLast().isEmpty, rest.dropLast().last != UInt8(ascii: ":") { rest = rest.dropLast() }
    }
    let wanted = 8 - tail.count
    guard let gap = firstGap(in: rest) else {
        guard let all = hexGroups(rest), all.count == wanted else { return nil }
        return all + tail
    }
    guard let before = hexGroups(rest[..<gap]), let after = hexGroups(rest[(gap + 2)...]),
        before.count + after.count < wanted
    else { return nil }
    return before + Array(repeating: 0, count: wanted - before.count - after.count) + after + tail
}

private func firstGap(in text: ArraySlice<UInt8>) -> Int? {
    text.indices.dropLast().first { text[$0] == UInt8(ascii: ":") && text[$0 + 1] == UInt8(ascii: ":") }
}

private func hexGroups(_ text: ArraySlice<UInt8>) -> [UInt16]? {
    guard !text.isEmpty else { return [] }
    var groups: [UInt16] = []
    for part in text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
        guard part.count <= 4, let group = digits(part, radix: 16) else { return nil }
        groups.append(UInt16(group))
    }
    return groups
}

/// Digits only: the standard library's initialisers would take a sign too.
private func digits(_ text: some Collection<UInt8>, radix: Int) -> Int? {
    guard !text.isEmpty else { return nil }
    var number = 0
    for byte in text {
        guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, digit < radix else { return nil }
        number = number * radix + digit
    }
    return number
}
