/// Paths as text, without asking the disk.
public enum Path {
    /// The directory that holds `path`: `/a` of `/a/b` and of `/a/b/`; `/` of `/a`; `.` of `a`.
    public static func parent(of path: String) -> String {
        var rest = path.utf8[...]
        while rest.count > 1, rest.last == slash { rest = rest.dropLast() }
        guard let cut = rest.lastIndex(of: slash) else { return "." }
        rest = rest[..<cut]
        while rest.last == slash { rest = rest.dropLast() }
        return rest.isEmpty ? "/" : String(decoding: rest, as: UTF8.self)
    }

    /// The last component: `b` of `/a/b` and of `/a/b/`.
    public static func name(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? (path.isEmpty ? "" : "/")
    }

    /// Both, with exactly one slash between; an absolute `name` goes below `directory` like any other.
    public static func join(_ directory: String, _ name: String) -> String {
        let trimmed = name.drop { $0 == "/" }
        return directory.hasSuffix("/") ? directory + trimmed : directory + "/" + trimmed
    }

    /// Whether `path` is `directory` or lies below it, by name alone.
    public static func isInside(_ path: String, _ directory: String) -> Bool {
        path == directory || directory == "/" || path.hasPrefix(directory + "/")
    }

    /// An absolute path without `.`, `..` and needless slashes, as its text alone says; `..` does not lead out of the root.
    public static func cleaned(_ path: String) -> String {
        var parts: [String] = []
        for part in path.utf8.split(separator: slash) {
            switch String(decoding: part, as: UTF8.self) {
            case ".": continue
            case "..": _ = parts.popLast()
            case let name: parts.append(name)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    private static let slash = UInt8(ascii: "/")
}
