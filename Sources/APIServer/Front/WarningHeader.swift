/// The `Warning` headers of an answer (RFC 7234, section 5.5; KEP-1693), which kubectl prints.
enum WarningHeader {
    /// Characters of all warnings together, and of one when they are cut: Kubernetes' figures. A client repeats in its
    /// warnings what it was sent, and heads have bounds.
    private static let totalLimit = 4096
    private static let itemLimit = 256

    /// One value for each warning that has room. All of them whole, or each cut to a part.
    static func values(_ warnings: [String]) -> [String] {
        let isTooMuch = warnings.reduce(0) { $0 + $1.unicodeScalars.count } > totalLimit
        let limit = isTooMuch ? itemLimit : totalLimit
        var values: [String] = []
        var written = 0
        for warning in warnings where written < totalLimit {
            var text = String.UnicodeScalarView()
            for scalar in warning.unicodeScalars.prefix(limit) where !isControl(scalar) {
                if scalar == "\"" || scalar == "\\" { text.append("\\") }
                text.append(scalar)
                written += 1
            }
            values.append("299 - \"\(String(text))\"")
        }
        return values
    }

    /// What no header may hold.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }
}
