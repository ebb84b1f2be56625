/// Under which name a writer is known in `managedFields`.
enum ManagerName {
    /// The controllers, the scheduler and the kubelet of this process.
    static let own = "k3s"

    /// The name of a client that does not give one: the program in its `User-Agent`, up to the first slash.
    static func program(_ userAgent: String?) -> String {
        let program = (userAgent ?? "").split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        var name = ""
        for scalar in program.unicodeScalars where scalar.isPrintable {
            guard name.utf8.count + String(scalar).utf8.count <= OptionRules.fieldManagerLimit else { break }
            name.unicodeScalars.append(scalar)
        }
        return name
    }
}

extension Unicode.Scalar {
    /// Letters, marks, numbers, punctuation, symbols and the space (Go's `unicode.IsPrint`).
    var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: self == " "
        default: true
        }
    }
}
