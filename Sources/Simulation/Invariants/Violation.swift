/// Something that must never be, and was.
public struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, in a sentence.
    public var what: String
    /// The object that it is about.
    public var subject: String
    /// When, since the beginning.
    public var moment: Duration
    /// What happened to the object last, and to others, oldest first.
    public var before: [String] = []

    public var description: String {
        (["\(subject) after \(moment.brief): \(what)"] + before.map { "    " + $0 }).joined(separator: "\n")
    }
}
