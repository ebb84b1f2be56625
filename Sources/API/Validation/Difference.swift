import APIMachinery

/// What changed between two values, a line a field: `-` before what is gone, `+` before what is new.
///
/// It ends the message of an update that changes what must not change, for people to see what they changed. Programs
/// read the part before it.
enum Difference {
    /// The lines after the first are cut off: a message is not the place for a whole object.
    private static let longest = 32

    static func text(from old: Value, to new: Value) -> String {
        var lines: [String] = []
        compare(old, new, "", &lines)
        let isCut = lines.count > longest
        return lines.prefix(longest).joined(separator: "\n") + (isCut ? "\n  ..." : "")
    }

    private static func compare(_ old: Value?, _ new: Value?, _ path: String, _ lines: inout [String]) {
        guard old != new else { return }
        switch (old, new) {
        case (.object(let before)?, .object(let after)?):
            for key in Set(before.keys + after.keys).sorted() {
                compare(before[key], after[key], path.isEmpty ? key : "\(path).\(key)", &lines)
            }
        case (.array(let before)?, .array(let after)?):
            for index in 0..<max(before.count, after.count) {
                let (one, other) = (before.element(index), after.element(index))
                compare(one, other, "\(path)[\(index)]", &lines)
            }
        default:
            if let old { lines.append("- \(path): \(old)") }
            if let new { lines.append("+ \(path): \(new)") }
        }
    }
}

extension [Value] {
    fileprivate func element(_ index: Int) -> Value? { index < count ? self[index] : nil }
}
