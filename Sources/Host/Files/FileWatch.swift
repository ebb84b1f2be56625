import Glibc
public import Support
import Synchronization

/// What happens to files, as the kernel tells it (inotify); nothing is polled.
///
/// Events wait in the kernel until they are asked for. When its queue overflows they are lost, and one
/// ``Event/isOverflow`` says so: look at everything again. One task iterates at a time.
public final class FileWatch: AsyncSequence, Sendable {
    public struct Changes: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        public static let created = Changes(rawValue: UInt32(IN_CREATE))
        public static let modified = Changes(rawValue: UInt32(IN_MODIFY))
        /// Closed by one who could write: the moment to read a file that is written in place.
        public static let written = Changes(rawValue: UInt32(IN_CLOSE_WRITE))
        /// Renamed away from the watched directory.
        public static let movedAway = Changes(rawValue: UInt32(IN_MOVED_FROM))
        /// Renamed into place, as ``Files/write(_:to:mode:owner:)-([UInt8],_,_,_)`` does.
        public static let movedHere = Changes(rawValue: UInt32(IN_MOVED_TO))
        public static let deleted = Changes(rawValue: UInt32(IN_DELETE))
        /// Mode, owner, times or the number of links.
        public static let attributes = Changes(rawValue: UInt32(IN_ATTRIB))
        /// Not a change: the watch ends with its first event. Whoever wants the next one adds it again.
        public static let once = Changes(rawValue: 1 << 31)
        /// The watched path itself is gone or renamed, or its file system unmounted: this watch has ended.
        public static let ended = Changes(rawValue: UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))

        /// What changes the content of a directory.
        public static let entries: Changes = [.created, .movedAway, .movedHere, .deleted, .written, .ended]
    }

    public struct Event: Hashable, Sendable {
        /// The path that is watched, as it was given; empty on an overflow.
        public var path: String
        /// The entry of the watched directory; `nil` when it is about the path itself.
        public var name: String?
        public var changes: Changes
        /// Events were lost before this one.
        public var isOverflow = false
    }

    private let inotify: Descriptor
    private let paths = Mutex<[Int32: String]>([:])

    /// Watches nothing yet.
    public init() throws(Fault) {
        inotify = try trying("cannot watch files") { () throws(Errno) in
            Descriptor(owning: try system { inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)) })
        }
    }

    /// Begins to watch a file or a directory (its entries, not what is below them).
    public func add(_ path: String, for changes: Changes = .entries) throws(Fault) {
        let id = try trying("cannot watch \(path)") { () throws(Errno) in
            try system { inotify_add_watch(inotify.number, path, changes.rawValue) }
        }
        paths.withLock { $0[id] = path }
    }

    /// Stops watching; a path that is not watched is passed over.
    public func remove(_ path: String) {
        let ids = paths.withLock { paths in
            let ids = paths.filter { $0.value == path }.map(\.key)
            for id in ids { paths[id] = nil }
            return ids
        }
        // It may have ended by itself meanwhile, which is what was wanted.
        for id in ids { inotify_rm_watch(inotify.number, id) }
    }

    public func makeAsyncIterator() -> Iterator { Iterator(watch: self) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let watch: FileWatch
        private var pending: [Event] = []

        fileprivate init(watch: FileWatch) { self.watch = watch }

        /// The next event; `nil` once the task is cancelled.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(Fault) -> Event? {
            while pending.isEmpty {
                switch await EventThread.shared.readable(watch.inotify) {
                case .cancelled: return nil
                case .failed(let error): throw Fault(error, "cannot wait for file events")
                case .readable: pending = try watch.readEvents().reversed()
                }
            }
            return pending.popLast()
        }
    }

    private func readEvents() throws(Fault) -> [Event] {
        do throws(Errno) {
            let bytes = try inotify.read(upTo: 64 << 10)
            return paths.withLock { InotifyEvents.decode(bytes, paths: &$0) }
        } catch Errno(EAGAIN) {
            return []
        } catch {
            throw Fault(error, "cannot read file events")
        }
    }
}

/// The records of inotify(7): watch, mask, cookie, length of the name, the name padded with zeros.
enum InotifyEvents {
    static func decode(_ bytes: [UInt8], paths: inout [Int32: String]) -> [FileWatch.Event] {
        var events: [FileWatch.Event] = []
        var rest = bytes[...]
        while rest.count >= 16 {
            let (id, mask, length) = (word(rest, 0), word(rest, 4), Int(word(rest, 12)))
            guard rest.count >= 16 + length else { break }
            let name = rest.dropFirst(16).prefix(length).prefix { $0 != 0 }
            rest = rest.dropFirst(16 + length)
            if mask & UInt32(IN_Q_OVERFLOW) != 0 {
                events.append(FileWatch.Event(path: "", name: nil, changes: [], isOverflow: true))
            } else if mask & UInt32(IN_IGNORED) != 0 {
                paths[Int32(bitPattern: id)] = nil
            } else if let path = paths[Int32(bitPattern: id)] {
                var changes = FileWatch.Changes(rawValue: mask & 0xFFFF)
                // Each of the ways to go has its own bit; they are one thing here.
                if !changes.isDisjoint(with: .ended) { changes.formUnion(.ended) }
                events.append(
                    FileWatch.Event(
                        path: path, name: name.isEmpty ? nil : String(decoding: name, as: UTF8.self),
                        changes: changes))
            }
        }
        return events
    }

    private static func word(_ bytes: ArraySlice<UInt8>, _ offset: Int) -> UInt32 {
        bytes.dropFirst(offset).prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
