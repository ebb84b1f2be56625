import NIOHPACK

/// What begins a call, and its form on the wire.
struct GRPCRequest {
    /// `/package.Service/Method`.
    var method: String
    var metadata: GRPCMetadata
    var timeout: Duration?

    /// The request's headers. Metadata cannot replace a header of the protocol: such names are left out.
    func headers(authority: String) -> HPACKHeaders {
        var headers: HPACKHeaders = [
            ":method": "POST", ":scheme": "http", ":path": method, ":authority": authority,
            "content-type": "application/grpc", "te": "trailers",
        ]
        if let timeout { headers.add(name: "grpc-timeout", value: Self.text(timeout)) }
        let reserved: Set = ["content-type", "te", "host", "connection"]
        for (name, value) in metadata.all
        where !name.hasPrefix(":") && !name.hasPrefix("grpc-") && !reserved.contains(name) {
            headers.add(name: name, value: value)
        }
        return headers
    }

    /// A timeout as `grpc-timeout` says it: at most eight digits and a unit, the finest that has room,
    /// rounded up.
    static func text(_ timeout: Duration) -> String {
        let (seconds, attoseconds) = max(timeout, .zero).components
        // Sixteen digits of seconds leave no room for nanoseconds in 64 bits; a century is long enough.
        let nanoseconds =
            min(seconds, 3_155_760_000) * 1_000_000_000 + (attoseconds + 999_999_999) / 1_000_000_000
        let units: [(Int64, String)] = [
            (1, "n"), (1_000, "u"), (1_000_000, "m"), (1_000_000_000, "S"), (60_000_000_000, "M"),
        ]
        for (length, unit) in units {
            let count = (nanoseconds + length - 1) / length
            if count <= 99_999_999 { return "\(count)\(unit)" }
        }
        return "99999999M"
    }
}
