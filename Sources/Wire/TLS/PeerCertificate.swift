internal import NIOCore
internal import NIOSSL
internal import Support

/// What a server's certificate says of itself, as far as it matters to who is told that it was not trusted.
struct PeerCertificate: Hashable, Sendable {
    var begins: Timestamp
    var ends: Timestamp
    /// The subject's common name: who is named there alone is named nowhere today.
    var commonName = ""
    var names: [String] = []
    /// IP addresses as text.
    var addresses: [String] = []
    /// Whether it has a list of names of any kind.
    var hasNames = false

    /// What is wrong with it for who called `host` at that time, in the words and in the order of Go (`crypto/x509`):
    /// its time, its names, and when it is neither, whoever signed it.
    func problem(host: String, now: Timestamp) -> String {
        if now < begins { return Self.outOfTime(now, "before", begins) }
        if now > ends { return Self.outOfTime(now, "after", ends) }
        return nameProblem(host) ?? "certificate signed by unknown authority"
    }

    private static func outOfTime(_ now: Timestamp, _ relation: String, _ limit: Timestamp) -> String {
        let (now, limit) = (Timestamp(seconds: now.seconds), Timestamp(seconds: limit.seconds))
        return "certificate has expired or is not yet valid: current time \(now) is \(relation) \(limit)"
    }

    /// More names than these are counted and not listed, as in Go.
    private static let most = 100

    /// `nil` when the certificate is for the host.
    func nameProblem(_ host: String) -> String? {
        let address = Self.address(host)
        let isNamed = address.map(addresses.contains) ?? names.contains { Self.matches($0, host) }
        guard !isNamed else { return nil }
        if !hasNames, Self.matches(commonName, host) {
            return "certificate relies on legacy Common Name field, use SANs instead"
        }
        if address != nil, addresses.isEmpty {
            return "cannot validate certificate for \(host) because it doesn't contain any IP SANs"
        }
        let known = address == nil ? names : addresses
        guard known.count < Self.most else {
            let what = address == nil ? "names" : "IP SANs"
            return "certificate is valid for \(known.count) \(what), but none matched \(host)"
        }
        guard !known.isEmpty else { return "certificate is not valid for any names, but wanted to match \(host)" }
        return "certificate is valid for \(known.joined(separator: ", ")), not \(host)"
    }

    /// A star stands for the whole first label (RFC 6125, section 6.4.3).
    private static func matches(_ pattern: String, _ host: String) -> Bool {
        let (pattern, host) = (labels(pattern), labels(host))
        guard pattern.count == host.count, !pattern.isEmpty else { return false }
        return zip(pattern, host).enumerated().allSatisfy { index, pair in
            pair.0 == pair.1 || (index == 0 && pair.0 == "*" && pattern.count > 1)
        }
    }

    private static func labels(_ name: String) -> [Substring] {
        let name = name.hasSuffix(".") ? name.dropLast() : name[...]
        return name.lowercased().split(separator: ".", omittingEmptySubsequences: false).map { $0 }
    }

    /// An IP address in its one form; `nil` for any other text.
    fileprivate static func address(_ text: String) -> String? {
        (try? SocketAddress(ipAddress: text, port: 0))?.ipAddress
    }
}

extension PeerCertificate {
    init(_ certificate: NIOSSLCertificate) {
        begins = Timestamp(seconds: Int64(certificate.notValidBefore))
        ends = Timestamp(seconds: Int64(certificate.notValidAfter))
        commonName = (try? certificate.toDERBytes()).flatMap { DERSubject.commonName(ofCertificate: $0) } ?? ""
        for name in certificate._subjectAlternativeNames() {
            hasNames = true
            let bytes = name.contents.withUnsafeBufferPointer { Array($0) }
            switch name.nameType {
            case .dnsName: names.append(String(decoding: bytes, as: UTF8.self))
            case .ipAddress:
                let address = try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: 0)
                if let text = address?.ipAddress { addresses.append(text) }
            default: break
            }
        }
    }
}
