import Support

/// The names of audit files that were put aside, and which of them are to go. Pure.
struct AuditFileNames {
    let folder: String
    /// `audit` of `audit.log`, and `.log`.
    private let stem: String
    private let ending: String

    init(_ path: String) {
        let slash = path.lastIndex(of: "/")
        folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
        let dot = name.lastIndex(of: ".") ?? name.endIndex
        stem = String(name[..<dot])
        ending = String(name[dot...])
    }

    /// `audit-2026-01-31T12-00-00.000.log`: as the other logs of Kubernetes that rotate.
    func backup(at moment: Timestamp) -> String {
        let time = moment.format(fractionDigits: 3).dropLast().map { $0 == ":" ? "-" : $0 }
        return "\(stem)-\(String(time))\(ending)"
    }

    /// Of the names in the folder those that are too many or too old.
    func expired(_ names: [String], _ limits: AuditFile.Limits, at moment: Timestamp) -> [String] {
        let backups = names.compactMap { name in time(of: name).map { (name: name, time: $0) } }
        let newestFirst = backups.sorted { $0.time > $1.time }
        return newestFirst.enumerated().filter { index, backup in
            let isOld = limits.days > 0 && moment - backup.time > .seconds(limits.days * 86_400)
            return isOld || (limits.backups > 0 && index >= limits.backups)
        }.map(\.element.name)
    }

    /// When a file was put aside; `nil` for one that is none of these.
    private func time(of name: String) -> Timestamp? {
        let name = name.hasSuffix(".gz") ? name.dropLast(3) : name[...]
        guard name.hasPrefix(stem + "-"), name.hasSuffix(ending) else { return nil }
        let text = name.dropFirst(stem.count + 1).dropLast(ending.count)
        let parts = text.split(separator: "T", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        return Timestamp("\(parts[0])T\(String(parts[1].map { $0 == "-" ? ":" : $0 }))Z")
    }
}
