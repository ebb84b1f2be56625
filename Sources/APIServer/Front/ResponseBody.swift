import Wire

/// The last step before the socket: spreads JSON over lines and compresses, if the client asked for it.
struct ResponseBody: ~Copyable {
    /// Answers that are longer than this many bytes are compressed for clients that accept it, as in Kubernetes.
    static let compressedFrom = 128 << 10

    private var pretty: PrettyJSON?
    private var gzip: GzipEncoder?

    init(isPretty: Bool, isCompressed: Bool) {
        pretty = isPretty ? PrettyJSON() : nil
        gzip = isCompressed ? GzipEncoder() : nil
    }

    /// What can be sent after the next bytes; everything once `isLast` was said.
    mutating func take(_ bytes: [UInt8], isLast: Bool = false) -> [UInt8] {
        let text = pretty?.spread(bytes) ?? bytes
        return gzip?.compress(text, isLast: isLast) ?? text
    }
}

extension FrontCall {
    /// Whether the client takes compressed answers.
    var acceptsGzip: Bool {
        guard let accepted = request.headers["Accept-Encoding"] else { return false }
        return HTTPFieldValue.list(accepted).contains("gzip")
    }
}
