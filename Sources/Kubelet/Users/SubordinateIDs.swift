import Support

/// The ids that the machine's administrator has set aside for pods: those of the user `kubelet` (subuid(5); Kubernetes
/// documentation, "User Namespaces"). Pure.
enum SubordinateIDs {
    private static let user = "kubelet"

    /// `nil` when there is no such user, or nothing is set aside for it. Fails with `invalid` when users and groups
    /// differ, or it is more than one run.
    static func range(passwd: String, subuid: String, subgid: String) throws(Fault) -> UserRanges.Range? {
        let entries = lines(passwd).filter { $0.first.map { $0 == user } ?? false }
        guard let id = entries.first?.dropFirst(2).first else { return nil }
        let (users, groups) = (try ranges(subuid, id: id, "subuids"), try ranges(subgid, id: id, "subgids"))
        guard users == groups else {
            throw Fault(.invalid, "mismatched subuids and subgids for user \(QuotedText.quoted(user))")
        }
        guard users.count <= 1 else {
            throw Fault(.invalid, "the user \(user) must have one range of subuids, and has \(users.count)")
        }
        return users.first
    }

    private static func lines(_ text: String) -> [[Substring]] {
        text.split(separator: "\n").map { $0.split(separator: ":", omittingEmptySubsequences: false) }
    }

    /// `kubelet:65536:7208960`, by name or by number.
    private static func ranges(_ text: String, id: Substring, _ what: String) throws(Fault) -> [UserRanges.Range] {
        var ranges: [UserRanges.Range] = []
        for line in lines(text) where line.first.map({ $0 == user || $0 == id }) ?? false {
            guard line.count == 3, let first = UInt32(line[1]), let length = UInt32(line[2]) else {
                throw Fault(.invalid, "the \(what) of the user \(user) are not readable")
            }
            ranges.append(UserRanges.Range(first: first, length: length))
        }
        return ranges
    }
}
