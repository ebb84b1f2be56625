import Wire

/// How a web page comes from behind a proxy, as far as its links can be read. Pure.
struct ProxiedPage: Hashable, Sendable {
    /// Pages of more bytes, as they come or unpacked, are passed on as they are.
    static let limit = 8 << 20

    private enum Packing: Hashable { case none, gzip, deflate }

    private let packing: Packing

    /// `nil` for an answer that is no page, or is packed in a way that cannot be read.
    init?(_ headers: HTTPHeaders) {
        let type = headers["Content-Type"].flatMap { HTTPFieldValue.parameters($0).first }
        // A redirection is followed, not read.
        guard type?.lowercased() == "text/html", !headers.contains("Location") else { return nil }
        switch headers["Content-Encoding"] ?? "" {
        case "": packing = .none
        case "gzip": packing = .gzip
        case "deflate": packing = .deflate
        default: return nil
        }
    }

    /// The page in the same packing with its links led through the proxy; as it came when it cannot be read, or has none
    /// that change.
    func led(_ bytes: [UInt8], through links: ProxyLinks) -> [UInt8] {
        let form = form(of: bytes)
        var page = bytes
        if let form {
            guard let unpacked = GzipDecoder.unpack(bytes, as: form, limit: Self.limit) else { return bytes }
            page = unpacked
        }
        let changed = HTMLLinks.replace(in: page, links.lead)
        guard changed != page else { return bytes }
        guard let form else { return changed }
        var encoder = GzipEncoder(as: form)
        return encoder.compress(changed, isLast: true)
    }

    /// `nil` when nothing is packed.
    private func form(of bytes: [UInt8]) -> CompressedForm? {
        switch packing {
        case .none: return nil
        case .gzip: return .gzip
        case .deflate:
            // RFC 1950, section 2.2: what a stream in the frame begins with; Kubernetes means one without.
            let isFramed =
                bytes.count >= 2 && bytes[0] & 0x0F == 8 && (Int(bytes[0]) << 8 | Int(bytes[1])) % 31 == 0
            return isFramed ? .zlib : .raw
        }
    }
}
