import Host

/// Decides when the reader of a followed log goes on to the next file, from what happens in its folder.
///
/// A rotation renames the file, has the runtime begin a new one, and the runtime closes the old one last: until then
/// lines may still come there. Pure.
struct LogRotation: Sendable {
    private enum Phase {
        /// The name stands for the file that is read.
        case current
        /// The file has lost its name, and is still written to.
        case renamed
        /// The file is complete.
        case complete
    }

    private let name: String
    private let isClosedFirst: Bool
    private var phase = Phase.current

    /// What is to be watched in the folder.
    static let changes: FileWatch.Changes = [.modified, .written, .created, .movedAway, .movedHere, .deleted]

    /// The log is the file of this name. Docker closes a file before it begins the next one (`isClosedFirst`): nothing comes
    /// to it any more then.
    init(name: String, isClosedFirst: Bool = false) { (self.name, self.isClosedFirst) = (name, isClosedFirst) }

    mutating func note(_ event: FileWatch.Event) {
        guard !event.isOverflow else { return phase = .complete }
        guard event.name == name else {
            if phase == .renamed, event.changes.contains(.written) { phase = .complete }
            return
        }
        if !event.changes.isDisjoint(with: [.movedAway, .deleted]) {
            phase = .renamed
        } else if event.changes.contains(.movedHere) || (event.changes.contains(.created) && (phase == .current || isClosedFirst)) {
            phase = .complete
        }
    }

    /// Whether the reader, once at the end of its file, is to look for another under the name. Answers once.
    mutating func takeIsComplete() -> Bool {
        guard phase == .complete else { return false }
        phase = .current
        return true
    }
}
